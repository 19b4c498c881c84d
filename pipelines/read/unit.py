"""One unit -> batches of records: the only door into the readers."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.pipelines.processes.isolation import Guard, LethalRecordError
from gristmill.pipelines.read.batches import Item, batches, gathered
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import unchanged
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.html.pages import EMPTY
from gristmill.pipelines.read.sample import Sample
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.dead_letters import describe, unreadable
from gristmill.pipelines.records.elements import DeadLetter, Records, Split, Unit

SOMETHING = r"[^\s\pZ\p{Cc}\p{Cf}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{2800}\x{3164}\x{FE00}-\x{FE0F}\x{FFA0}]"
"""Any character but spaces of every script, control and format characters (zero-width spaces, byte order marks, soft
hyphens), variation selectors, and letters that are blank: Hangul fillers, the empty Braille pattern."""


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
    its reader does. A document without a visible character is dropped as `empty_text`, whatever its format.
    """
    reader = READERS[source.format]
    context = Context(unit.source, reader.resolve(source), read, extract, Sample(sample, seed), guard)
    checked = reader.inputs is None
    if reader.batches is not None:
        found = gathered(_batches(unit, context, reader.batches))
    elif reader.items is not None:
        found = batches(_items(unit, context, reader.items, checked), context.schema)
    yield from map(_empty_dropped, found)


def _empty_dropped(records: Records) -> Records:
    batch = records.batch
    seen = pc.match_substring_regex(batch.column("text"), SOMETHING)
    if pc.all(seen).as_py():  # of no row, too; a null is a record that was dropped before
        return records
    empty = pc.and_(pc.invert(seen.fill_null(True)), batch.column("drop").is_null())
    for name, value in (("drop", EMPTY), ("drop_step", "extract")):
        column = pc.if_else(empty, pa.scalar(value, pa.string()), batch.column(name))
        batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), column)
    return replace(records, batch=batch)


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
