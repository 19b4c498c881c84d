"""One unit -> batches of records: the only door into the readers."""

from collections.abc import Callable, Iterator
from functools import partial

from pipelines.processes.isolation import Guard, LethalRecordError
from pipelines.read.batches import Item, batches
from pipelines.read.context import Context
from pipelines.read.files import check_unchanged
from pipelines.read.formats.arrow import read_arrow
from pipelines.read.formats.bundled import bundled_source
from pipelines.read.formats.jsonl import read_jsonl
from pipelines.read.formats.machine import read_machine
from pipelines.read.formats.parquet import read_parquet
from pipelines.read.formats.whole_files import read_html_file, read_text_file
from pipelines.read.sample import Sample
from pipelines.read.warc.reader import read_warc
from pipelines.recipe import schema
from pipelines.records.dead_letters import describe, unreadable
from pipelines.records.elements import DeadLetter, Records, Split, Unit

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
    unit: Unit,
    source: schema.Source,
    read: schema.Read,
    extract: schema.Extract,
    sample: float = 1.0,
    seed: int = 0,
    guard: Guard = Guard(),
) -> Iterator[Records]:
    """Every record of the unit once, in order: in a batch, or as a dead letter, or counted aside.

    `sample`: share of records to keep, chosen by hash of doc_id and `seed`. Raises InputError when a file is gone or
    has changed since it was planned; whatever is wrong inside a file is a dead letter, and with a careful `guard` that
    includes what ends the process: the page that does, or the rest of the file from where its reader does.
    """
    if source.format == "bundled":
        source = bundled_source(source)
    context = Context(unit.source, source, read, extract, Sample(sample, seed), guard)
    if source.format in BY_BATCH:
        for split in unit.splits:
            check_unchanged(split)
            read_batches = partial(BY_BATCH[source.format], split, context)
            yield from guard.each(read_batches, partial(_lethal_records, split, context))
    else:
        yield from batches(_items(unit, context), context.schema)


def _items(unit: Unit, context: Context) -> Iterator[Item]:
    reader = BY_RECORD[context.source.format]
    for split in unit.splits:
        if context.source.format != "machine":  # it compares contents itself
            check_unchanged(split)
        try:
            yield from context.guard.each(partial(reader, split, context), partial(_lethal_rest, split, context))
        except OSError as error:  # opening or reading the file: what was read before it stays
            yield unreadable(context.next_row(), split, describe(error))


def _lethal_rest(split: Split, context: Context, error: LethalRecordError) -> DeadLetter:
    """Stands for the record at which a reader ends the process, and for what follows it in the split."""
    return unreadable(context.next_row(), split, f"{error} (rest of the file)")


def _lethal_records(split: Split, context: Context, error: LethalRecordError) -> Records:
    return context.only_dead(_lethal_rest(split, context, error))
