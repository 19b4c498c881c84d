"""One unit -> batches of records: the only door into the readers."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial

from gristmill.pipelines.processes.isolation import Guard, LethalRecordError
from gristmill.pipelines.read.batches import Item, batches
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import unchanged
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.sample import Sample
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.dead_letters import describe, unreadable
from gristmill.pipelines.records.elements import DeadLetter, Records, Split, Unit


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
    has changed since it was planned, or changes while it is read; whatever is wrong inside a file is a dead letter, and
    with a careful `guard` that includes what ends the process: the page that does, or the rest of the file from where
    its reader does.
    """
    reader = READERS[source.format]
    context = Context(unit.source, reader.resolve(source), read, extract, Sample(sample, seed), guard)
    checked = reader.inputs is None
    if reader.batches is not None:
        yield from _batches(unit, context, reader.batches)
    elif reader.items is not None:
        yield from batches(_items(unit, context, reader.items, checked), context.schema)


def _batches(unit: Unit, context: Context, read: Callable[[Split, Context], Iterator[Records]]) -> Iterator[Records]:
    for split in unit.splits:
        with unchanged(split):
            yield from context.guard.each(partial(read, split, context), partial(_lethal_records, split, context))


def _items(
    unit: Unit, context: Context, read: Callable[[Split, Context], Iterator[Item]], checked: bool
) -> Iterator[Item]:
    for split in unit.splits:
        with unchanged(split) if checked else nullcontext():
            try:
                yield from context.guard.each(partial(read, split, context), partial(_lethal_rest, split, context))
            except OSError as error:  # opening or reading the file: what was read before it stays
                yield unreadable(context.next_row(), split, describe(error))


def _lethal_rest(split: Split, context: Context, error: LethalRecordError) -> DeadLetter:
    """Stands for the record at which a reader ends the process, and for what follows it in the split."""
    return unreadable(context.next_row(), split, f"{error} (rest of the file)")


def _lethal_records(split: Split, context: Context, error: LethalRecordError) -> Records:
    return context.only_dead(_lethal_rest(split, context, error))
