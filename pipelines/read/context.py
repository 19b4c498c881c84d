"""What every reader needs to know besides its split."""

from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from gristmill.filters.dedup.fingerprints import doc_ids
from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.read.batches import Aside, record_schema
from gristmill.pipelines.read.fields import Fields
from gristmill.pipelines.read.sample import Sample
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.elements import DeadLetter, Records


@dataclass
class Context:
    """One unit being read. `rows` is the position of the next record in the unit."""

    source_name: str
    source: schema.Source
    read: schema.Read
    extract: schema.Extract
    sample: Sample
    guard: Guard = field(default_factory=Guard)
    rows: int = field(default=0)
    begun: tuple[int, int] | None = None
    """A record, and where in its file it begins, as a dead letter has it; the rows after it are one further each."""

    @cached_property
    def fields(self) -> Fields:
        """How the source's fields become columns."""
        return Fields(self.source)

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the batches."""
        return record_schema(self.source.columns)

    def next_row(self, offset: int | None = None) -> int:
        """The position of the record at hand, which begins at `offset` of its file."""
        self.begun = None if offset is None else (self.rows, offset)
        self.rows += 1
        return self.rows - 1

    def pass_rows(self, number: int, offset: int) -> None:
        """Some records that are rows of a table, the first of them its row `offset`."""
        self.begun = (self.rows, offset)
        self.rows += number

    def identify(self, own_id: str | None, raw: bytes) -> str:
        """The record's doc_id. `raw` by format: jsonl the line without its end; parquet and arrow the text, NUL and the
        other columns as JSON; text and html the decompressed file; warc the address, NUL and the decoded payload."""
        return doc_ids(self.source_name, (own_id,), (raw,))[0]

    def only_dead(self, dead: DeadLetter) -> Records:
        """A dead letter alone."""
        return Records(pa.RecordBatch.from_pylist([], schema=self.schema), [dead])

    def not_sampled(self, identity: str) -> Aside | None:
        """What to give in place of a record that the sample leaves out."""
        return None if self.sample.takes(identity) else NOT_SAMPLED


NOT_SAMPLED = Aside("not_sampled")
