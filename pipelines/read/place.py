"""Where a record stands in its input, found by reading up to it."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import unchanged
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.sample import OnlyOne
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.elements import Split, Unit

MAX_RECORDS = 2**32
"""Of a unit: a row is a uint32."""


@dataclass(frozen=True)
class Place:
    """Where a record begins in its input: `offset` counts bytes of the (decompressed) file, of tables rows.

    None where the format does not say.
    """

    file: str
    offset: int | None
    counts: str
    """ "byte" or "row": what `offset` counts; of a piece of an Arrow file, rows from one of its batches."""


@dataclass(frozen=True)
class Inputs:
    """How the records of a run's inputs are found again: read, but not extracted."""

    source: schema.Source
    read: schema.Read
    extract: schema.Extract

    def place_of(self, unit: Unit, row: int, doc_id: str | None) -> Place | None:
        """Where record `row` of a unit stands: its files are read up to there. None where they hold fewer records.

        Raises InputError for a file that is gone or has changed, and OSError.
        """
        for split, context in self._passed(unit, doc_id):
            if context.rows > row:
                first, offset = context.begun or (row, None)
                counts = "byte" if READERS[self.source.format].items else "row"
                if split.start and self.source.format == "arrow":  # reading a piece does not count the rows before it
                    counts = f"row from record batch {split.start} on,"
                return Place(split.path, None if offset is None else offset + row - first, counts)
        return None

    def rows_of(self, unit: Unit, file: str) -> range:
        """The records of a unit that stand in one of its files. Raises as `place_of`."""
        if all(split.path == file for split in unit.splits):
            return range(MAX_RECORDS)
        start = end = 0
        for split, context in self._passed(unit, None):
            if split.path == file:
                end = context.rows
            elif end == 0:
                start = context.rows
        return range(start, max(start, end))

    def _passed(self, unit: Unit, doc_id: str | None) -> Iterator[tuple[Split, Context]]:
        """The context after every item of every split."""
        reader = READERS[self.source.format]
        records = reader.items or reader.batches
        assert records is not None
        sample = OnlyOne(doc_id or "")
        context = Context(unit.source, reader.resolve(self.source), self.read, self.extract, sample)
        for split in unit.splits:
            with unchanged(split) if reader.inputs is None else nullcontext():
                for _ in records(split, context):
                    yield split, context
