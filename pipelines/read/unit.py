"""One unit -> batches of records: the only door into the readers."""

from collections.abc import Callable, Iterator

from pipelines.elements import Records, Split, Unit
from pipelines.read.arrow import read_arrow
from pipelines.read.batches import Item, batches
from pipelines.read.bundled import bundled_source
from pipelines.read.context import Context
from pipelines.read.dead import unreadable_file
from pipelines.read.files import check_unchanged
from pipelines.read.jsonl import read_jsonl
from pipelines.read.machine import read_machine
from pipelines.read.parquet import read_parquet
from pipelines.read.sample import Sample
from pipelines.read.warc import read_warc
from pipelines.read.whole_files import read_html_file, read_text_file
from pipelines.recipe import schema

BY_RECORD: dict[str, Callable[[Split, Context], Iterator[Item]]] = {
    "jsonl": read_jsonl,
    "text": read_text_file,
    "html": read_html_file,
    "warc": read_warc,
    "wet": read_warc,
    "machine": read_machine,
}
BY_BATCH: dict[str, Callable[[Split, Context], Iterator[Records]]] = {
    "parquet": read_parquet,
    "arrow": read_arrow,
}


def read_unit(
    unit: Unit, source: schema.Source, read: schema.Read, extract: schema.Extract, sample: float = 1.0, seed: int = 0
) -> Iterator[Records]:
    """Every record of the unit once, in order: in a batch, or as a dead letter, or counted aside.

    `sample`: share of records to keep, chosen by hash of doc_id and `seed`. Raises InputError when a file is gone or
    has changed since it was planned; whatever is wrong inside a file is a dead letter.
    """
    if source.format == "bundled":
        source = bundled_source(source)
    context = Context(unit.source, source, read, extract, Sample(sample, seed))
    if source.format in BY_BATCH:
        for split in unit.splits:
            check_unchanged(split)
            yield from BY_BATCH[source.format](split, context)
    else:
        yield from batches(_items(unit, context), context.schema)


def _items(unit: Unit, context: Context) -> Iterator[Item]:
    reader = BY_RECORD[context.source.format]
    for split in unit.splits:
        if context.source.format != "machine":  # it compares contents itself
            check_unchanged(split)
        try:
            yield from reader(split, context)
        except OSError as error:  # opening or reading the file: what was read before it stays
            if split.start == 0:
                yield unreadable_file(context.next_row(), split.path, split.size, error)
