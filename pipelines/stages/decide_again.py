"""Deciding again: the documents and signals of a unit, as an earlier recipe stored them, under other rules.

Nothing is read, extracted or identified, and only signals that nobody has asked for are measured. The parts are those,
byte for byte, that scoring the unit afresh would write: batch by batch, as `_work/verdicts` holds them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.dedup.fingerprint_file import fingerprint_batch, without_urls
from gristmill.filters.dedup.fingerprints import describe, fingerprint
from gristmill.filters.edits import Edits
from gristmill.filters.measured import Measured, Stored
from gristmill.pipelines.processes.clock import now, since
from gristmill.pipelines.records.accounts import DEAD, KEPT, Account
from gristmill.pipelines.records.columns import VERDICTS as VERDICT_COLUMNS
from gristmill.pipelines.records.columns import assemble
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.addressed import addressed
from gristmill.pipelines.stages.score import DEAD_LETTERS, FINGERPRINTS, VERDICTS, Scored, UnitScorer, UnitWriter
from gristmill.pipelines.storage.attempts import attempt
from gristmill.pipelines.storage.parts import read_parts
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.store import Store

DECIDED_AGAIN = "decided_again"
"""In the details of a receipt: the unit was not read for it."""


@dataclass(frozen=True)
class Earlier:
    """The units that an earlier recipe scored, from the same texts, and what it measured of them."""

    book: ReceiptBook
    measured: Measured


def decide_again(scorer: UnitScorer, book: ReceiptBook, unit: Unit, earlier: Sequence[Earlier]) -> Receipt | None:
    """Decide about a unit that one of `earlier` holds whole, and commit it; None where it has to be read."""
    for one in earlier:
        before = one.book.find(unit.key)
        if before is not None and not any(map(_died_deciding, before.accounts)):
            began = now()
            with attempt(book, unit.key) as guard:
                if guard.careful:  # who kills is found by reading, record by record
                    return None
                try:
                    with ExitStack() as stack:
                        writer = UnitWriter(scorer, book, unit, guard, stack)
                        _Again(writer, book.store, before, one.measured).decide()
                except MemoryError:
                    raise
                except Exception:  # a part cannot be read, or a text not measured: reading the unit finds out which
                    return None
                receipt = Receipt(
                    book.stage,
                    unit.key,
                    (*writer.parts(), *before.of(DEAD_LETTERS)),
                    tuple(writer.accounts),
                    *since(began),
                    details={**before.details, DECIDED_AGAIN: True},
                )
                book.commit(receipt)
            return receipt
    return None


def _died_deciding(account: Account) -> bool:
    """Of such a document nobody has kept the text."""
    return account.step == "decide" and account.outcome == DEAD


class _Again:
    """One unit."""

    def __init__(self, writer: UnitWriter, store: Store, before: Receipt, measured: Measured):
        self.writer, self.scorer, self.measured = writer, writer.scorer, measured
        self._verdicts, self._kept, self._dropped = (
            read_parts(store, before, dataset) for dataset in (VERDICTS, "curated", "dropped")
        )
        self._prints = read_parts(store, before, FINGERPRINTS)
        self._next_prints: pa.RecordBatch | None = None
        self._accounts = before.accounts

    def decide(self) -> None:
        """Everything that the unit's verdicts name."""
        self.writer.accounts.merge(account for account in self._accounts if account.step in ("read", "extract"))
        for verdicts in self._verdicts:
            if verdicts.column("judged").null_count == 0:
                self._judge(verdicts)
            else:
                self._pass(verdicts)

    def _pass(self, verdicts: pa.RecordBatch) -> None:
        """Records that never got to the rules: dead letters, and what reading or extraction dropped."""
        known = {name: verdicts.column(name) for name in VERDICT_COLUMNS.names}
        self.writer.verdicts.write(assemble(self.scorer.verdict_schema, verdicts.num_rows, known))
        if verdicts.column("verdict")[0].as_py() != DEAD:
            self.writer.dropped.write(self._documents(self._dropped, verdicts, self.scorer.dropped_schema))

    def _judge(self, verdicts: pa.RecordBatch) -> None:
        kept = pc.equal(verdicts.column("verdict"), KEPT)
        kept_D = kept.to_numpy(zero_copy_only=False)
        curated = self._documents(self._kept, verdicts.filter(kept), self.scorer.curated_schema)
        dropped = self._documents(self._dropped, verdicts.filter(pc.invert(kept)), self.scorer.dropped_schema)
        batch = _together(verdicts, kept_D, curated, dropped)
        edits = Edits.from_column(curated.column("edits"))
        edits = replace(edits, documents=len(kept_D), doc_E=np.flatnonzero(kept_D)[edits.doc_E])
        lang, score, script = (verdicts.column(name) for name in ("lang", "lang_score", "script"))
        stored = Stored(self.measured, verdicts, edits, kept_D)
        source = self.writer.source
        scored = self.scorer.judged(batch, source, lang, score.to_numpy(), script, stored)
        self.writer.write(batch, scored, self._fingerprint(batch, scored))

    def _documents(
        self, batches: Iterator[pa.RecordBatch], verdicts: pa.RecordBatch, schema: pa.Schema
    ) -> pa.RecordBatch:
        """The documents of these verdicts: they were written together."""
        if not verdicts.num_rows:
            return assemble(schema, 0, {})
        batch = next(batches)
        assert batch.column("doc_id").equals(verdicts.column("doc_id")), "these are documents of other verdicts"
        return pa.record_batch(batch.columns, schema=schema)  # Parquet has names of its own for items of lists

    def _fingerprint(self, batch: pa.RecordBatch, scored: Scored) -> pa.RecordBatch | None:
        """As `UnitScorer.fingerprint`: of documents that have one, only the rank may be another."""
        options = self.scorer.recipe.deduplicate
        before = self._prints_of(batch)
        if options is None:
            return None
        if before is None or (before.schema.metadata or {}).get(b"minhash") != describe(options.minhash).encode():
            return self.scorer.fingerprint(batch, self.writer.source, scored)
        order = self.scorer.rank(batch, self.writer.source, scored)
        if options.fingerprint == "kept":
            batch, order = batch.filter(pa.array(scored.kept)), order[scored.kept]
        there, row = before.column("row"), batch.column("row")
        new = batch.filter(pc.invert(pc.is_in(row, there)))
        before = before.filter(pc.is_in(there, row))
        if new.num_rows:
            prints = fingerprint(new.column("text"), options.minhash)
            rank = np.zeros(new.num_rows, np.uint64)  # of all documents together, below
            made = fingerprint_batch(new.column("row").to_numpy(), new.column("doc_id"), rank, prints)
            before = pa.concat_batches([without_urls(before), made])
            before = before.take(pc.sort_indices(before.column("row")))
        at = before.schema.get_field_index("rank")
        before = before.set_column(at, before.schema.field(at), pa.array(order, pa.uint64()))
        return addressed(before, batch, options.urls)

    def _prints_of(self, batch: pa.RecordBatch) -> pa.RecordBatch | None:
        """The stored fingerprints of a batch; None where none of its documents was fingerprinted."""
        if self._next_prints is None:
            self._next_prints = next(self._prints, None)
        first = self._next_prints
        if first is None or not pc.is_in(first.column("row")[:1], batch.column("row"))[0].as_py():
            return None
        self._next_prints = None
        return first


def _together(
    verdicts: pa.RecordBatch, kept_D: np.ndarray, curated: pa.RecordBatch, dropped: pa.RecordBatch
) -> pa.RecordBatch:
    """The documents of some verdicts, in their order, as the reader gave them."""
    place = pa.array(np.where(kept_D, np.cumsum(kept_D) - 1, curated.num_rows + np.cumsum(~kept_D) - 1))
    columns = {name: verdicts.column(name) for name in ("doc_id", "id", "url", "row")}
    for name in dropped.schema.names:
        if name in curated.schema.names and name not in VERDICT_COLUMNS.names:
            both = pa.concat_arrays([curated.column(name), dropped.column(name)])
            columns[name] = both if kept_D.all() or not kept_D.any() else both.take(place)
    return pa.record_batch(list(columns.values()), list(columns))
