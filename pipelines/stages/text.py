"""Stage B: re-read a unit's curated parts, drop the losers of deduplication, cut passages that others have, too, scrub
personal data, drop what has too much of it, write `text/`.

Also writes what is final about every document of the unit: `ledger/`, `clusters/`, and what goes here into `dropped/`.
`ledger/` and `dead/` are scrubbed here, not at stage A: another `scrub` then costs this stage alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import Edits
from gristmill.pipelines.duplicates.members import cluster_sizes, membership_columns, weights_of
from gristmill.pipelines.processes.clock import FIRST, SPENT_ON, WAITED, begin, is_first, since, waited
from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records import columns
from gristmill.pipelines.records.accounts import (
    CONTAMINATED,
    DEAD,
    DROPPED,
    DUPLICATE_RULES,
    EMPTIED,
    IN,
    KEPT,
    Accounts,
)
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.gather import gather
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.decided import Decided
from gristmill.pipelines.stages.replay import Failure, dead_document, survive
from gristmill.pipelines.stages.score import DEAD_LETTERS, VERDICTS
from gristmill.pipelines.stages.unit_cleaner import UnitCleaner
from gristmill.pipelines.storage.attempts import attempt
from gristmill.pipelines.storage.models import bring
from gristmill.pipelines.storage.parts import PartWriter, read_parts
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.store import Store

REPEATED_PASSAGES = DUPLICATE_RULES.index(EMPTIED)

GROUP_ROWS, GROUP_BYTES = 65_536, 32 * 2**20
"""Of a row group of the ledger, before compression."""


class UnitWriter:
    """The parts and accounts of one unit at stage B."""

    def __init__(
        self, cleaner: UnitCleaner, store: Store, unit: Unit, decided: Decided, guard: Guard, stack: ExitStack
    ):
        self._clean = guard.step("scrub", cleaner.clean)
        self._scrub_fields = guard.step("scrub fields", cleaner.scrub_fields)
        self.cleaner, self.unit, self.source = cleaner, unit, unit.source
        self.members, self.contamination, self.decided = decided.members, decided.contamination, decided
        self.indexes = [index.name for index in cleaner.recipe.taken_indexes]
        self.accounts = Accounts()
        self._emptied: list[np.ndarray] = []
        self._contaminated: list[np.ndarray] = []
        self._edits: list[pa.Array] = []
        self._findings: list[pa.Array] = []
        self._beside: list[pa.RecordBatch] = []
        self._edited_rows: list[np.ndarray] = []
        self._dead: dict[int, str] = {}
        self._personal: dict[int, list[str]] = {}
        recipe = cleaner.recipe

        def writer(dataset: str, format: str = "parquet") -> PartWriter:
            made = PartWriter(store, dataset, unit.key, format=format, content=columns.CONTENT[dataset])
            return stack.enter_context(made)

        self.text = writer("text", recipe.text.format)
        self.dropped, self.dead = writer("dropped"), writer("dead")
        self.ledger, self.clusters = writer("ledger"), writer("clusters")
        self.evidence = writer("contamination")

    def parts(self) -> tuple:
        """Every finished part."""
        writers = (self.text, self.dropped, self.dead, self.ledger, self.clusters, self.evidence)
        return tuple(part for writer in writers for part in writer.parts)

    def take(self, batch: pa.RecordBatch) -> None:
        """Curated documents: losers go to `dropped/`, the others are cleaned and go to `text/`."""
        listed, member = self.members.of_rows(batch.column("row").to_numpy())
        member_of = membership_columns(batch.column("doc_id"), listed, member, self.indexes)
        lost = listed & (member["dropped"] > 0)
        kind = np.where(lost, member["kind"], REPEATED_PASSAGES)
        before, beaten = batch, lost.copy()
        batch, contaminated = self.contamination.act(batch, self.cleaner.turns(batch))
        if len(self.decided.cuts.rows) or len(self.decided.repeats.rows):
            batch, emptied = self._cut(batch, ~(lost | contaminated))
            lost |= emptied
        contaminated &= ~lost
        size = batch.column("bytes").to_numpy()
        if self.cleaner.recipe.deduplicate is not None:
            lang = batch.column("lang")
            self.accounts.add_rows("deduplicate", IN, self.source, lang, size)
            self.accounts.add_rows("deduplicate", KEPT, self.source, lang.filter(pa.array(~lost)), size[~lost])
            self._lose(batch, member_of, lost, "deduplicate", _one_each(np.array(DUPLICATE_RULES)[kind]))
        if self.cleaner.recipe.decontaminate is not None:
            self._decontaminate(batch, member_of, lost, contaminated)
        stays = columns.chosen(batch.append_column("cluster", member_of["cluster"]), ~(lost | contaminated))
        for outcome in survive(self._clean, stays):
            if isinstance(outcome, Failure):
                self._fail(stays.slice(outcome.row, 1), outcome.error)
            else:
                self._write(outcome[0], *outcome[1])
        if len(self.contamination.rows):
            gone = lost | contaminated | np.isin(batch.column("row").to_numpy(), [*self._personal, *self._dead])
            before, after = (columns.chosen(one, ~beaten) for one in (before, batch))
            self.evidence.write(self.contamination.evidence(before, after, gone[~beaten], self.unit.key))

    def _cut(self, batch: pa.RecordBatch, stays: np.ndarray) -> tuple[pa.RecordBatch, np.ndarray]:
        """(the same documents with further edits, bool[D] which of those that stay lose too much for that)."""
        options = self.cleaner.recipe.deduplicate
        assert options is not None
        batch, share = self.decided.cut(options, batch)
        emptied = stays & ((share > options.max_cut) | (share >= 1))
        self._emptied.append(batch.column("row").to_numpy()[emptied])
        return batch, emptied

    def _decontaminate(
        self, batch: pa.RecordBatch, member_of: dict[str, pa.Array], lost: np.ndarray, contaminated: np.ndarray
    ) -> None:
        """Count and lose contaminated documents, of those that are not lost already."""
        lang, size = batch.column("lang"), batch.column("bytes").to_numpy()
        for outcome, chosen in ((IN, ~lost), (KEPT, ~(lost | contaminated))):
            self.accounts.add_rows("decontaminate", outcome, self.source, lang.filter(pa.array(chosen)), size[chosen])
        self._contaminated.append(batch.column("row").to_numpy()[contaminated])
        self._lose(batch, member_of, contaminated, "decontaminate", _one_each(np.full(len(lost), CONTAMINATED)))

    def _lose(
        self, batch: pa.RecordBatch, member_of: dict[str, pa.Array], lost: np.ndarray, step: str, rules: pa.Array
    ) -> None:
        """Count the documents that a step drops, for one rule or more, and write them."""
        if not lost.any():
            return
        mask = pa.array(lost)
        losers, rules = batch.filter(mask), rules.filter(mask)
        size = losers.column("bytes").to_numpy()
        first = pc.list_element(rules, 0)
        self.accounts.add_rows(step, DROPPED, self.source, losers.column("lang"), size, first)
        self.accounts.add_fired(step, self.source, losers.column("lang"), size, rules)
        values = dict(zip(losers.schema.names, losers.columns, strict=True))
        winner = member_of.get("duplicate_of")
        values |= {"step": step, "rules": rules, "duplicate_of": winner and winner.filter(mask)}
        self.dropped.write(columns.assemble(self.cleaner.dropped_schema, losers.num_rows, values))

    def _fail(self, row: pa.RecordBatch, error: str) -> None:
        letter = dead_document(self.unit, row, "scrub", error)
        lang = row.column("lang")[0].as_py() or ""
        self.accounts.add("scrub", IN, self.source, 1, letter.length, lang=lang)
        self.accounts.add("scrub", DEAD, self.source, 1, letter.length, reason=letter.kind, lang=lang)
        self.bury(columns.dead_batch(self.source, [letter]))
        self._dead[letter.row] = error

    def bury(self, letters: pa.RecordBatch) -> None:
        """Dead letters, of this stage or of the one before."""
        self.dead.write(self._scrubbed(letters))

    def _scrubbed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows that are published whatever happens, their fields scrubbed."""
        parts = [
            self.cleaner.without_fields(batch.slice(outcome.row, 1)) if isinstance(outcome, Failure) else outcome[1]
            for outcome in survive(self._scrub_fields, batch)
        ]
        return parts[0] if len(parts) == 1 else pa.concat_batches(parts)

    def _write(
        self, batch: pa.RecordBatch, text: pa.Array, edits: Edits, beside: pa.RecordBatch, found: pa.Array
    ) -> None:
        row = batch.column("row").to_numpy()
        self.accounts.add_rows("scrub", IN, self.source, batch.column("lang"), batch.column("bytes").to_numpy())
        rules = self.cleaner.too_much(batch, found)
        lost = pc.list_value_length(rules).to_numpy() > 0
        self._lose(batch, {}, lost, "scrub", rules)
        self._personal |= zip(row[lost].tolist(), rules.filter(pa.array(lost)).to_pylist(), strict=True)
        stays = pa.array(~lost)
        size = pc.binary_length(text)
        self.accounts.add_rows("scrub", KEPT, self.source, batch.column("lang").filter(stays), size.to_numpy()[~lost])
        values = {**dict(zip(beside.schema.names, beside.columns, strict=True)), "text": text, "bytes": size}
        self.text.write(columns.chosen(columns.assemble(self.cleaner.text_schema, batch.num_rows, values), ~lost))
        spans = _without_text(edits.column())
        self._edits.append(pc.if_else(stays, spans, pa.scalar([], spans.type)) if lost.any() else spans)
        self._findings.append(found)
        self._beside.append(beside.select(["id", "url"]))
        self._edited_rows.append(row)

    def settle(self, verdicts: pa.RecordBatch) -> None:
        """The ledger rows of some records, once all curated parts have been taken. Every record has exactly one."""
        row_D = verdicts.column("row").to_numpy()
        listed, member = self.members.of_rows(row_D)
        member_of = membership_columns(verdicts.column("doc_id"), listed, member, self.indexes)
        kept_by_rules = pc.is_null(verdicts.column("step")).to_numpy(zero_copy_only=False)
        beaten = listed & (member["dropped"] > 0) & kept_by_rules
        emptied = np.isin(row_D, np.concatenate([np.zeros(0, np.uint32), *self._emptied]))
        contaminated = np.isin(row_D, np.concatenate([np.zeros(0, np.uint32), *self._contaminated]))
        lost, kind = beaten | emptied, np.where(emptied, REPEATED_PASSAGES, member["kind"])
        died = np.isin(row_D, list(self._dead))
        personal = np.isin(row_D, list(self._personal))
        scrubbed = self._named(verdicts, row_D)
        values = dict(zip(scrubbed.schema.names, scrubbed.columns, strict=True)) | member_of
        values["unit"] = self.unit.key
        dropped = lost | contaminated | personal
        values["verdict"] = pc.if_else(pa.array(dropped), DROPPED, verdicts.column("verdict"))
        values["verdict"] = pc.if_else(pa.array(died), DEAD, values["verdict"])
        values["step"] = pc.if_else(pa.array(lost), "deduplicate", verdicts.column("step"))
        values["step"] = pc.if_else(pa.array(contaminated), "decontaminate", values["step"])
        values["step"] = pc.if_else(pa.array(died | personal), "scrub", values["step"])
        rule = np.where(contaminated, CONTAMINATED, np.array(DUPLICATE_RULES)[kind])[dropped].tolist()
        added = [self._personal.get(row, [one]) for row, one in zip(row_D[dropped].tolist(), rule, strict=True)]
        values["rules"] = _with_added(verdicts.column("rules"), dropped, added)
        values["edits"] = self._of_rows(self._edits, columns.SPANS, row_D)
        values["findings"] = self._of_rows(self._findings, columns.FINDINGS, row_D)
        size = cluster_sizes(listed, member, kept_by_rules)
        weight = weights_of(self.cleaner.recipe.deduplicate, size)
        kept = pc.equal(values["verdict"], KEPT)
        values |= {"cluster_size": pa.array(size), "weight": pc.if_else(kept, pa.array(weight), None)}
        schema = ledger_schema(verdicts.schema)
        self.ledger.write(columns.assemble(schema, verdicts.num_rows, values))
        clusters = columns.assemble(columns.CLUSTERS, verdicts.num_rows, {**values, "kept": kept})
        self.clusters.write(clusters.filter(pa.array(listed & ~died)))

    def _named(self, verdicts: pa.RecordBatch, row_D: np.ndarray) -> pa.RecordBatch:
        """Verdicts with scrubbed ids and addresses: as in `text/`, where a document is there."""
        at, found = self._written(row_D)
        if not self.cleaner.fields or not found.any():
            return self._scrubbed(verdicts)
        known = pa.concat_batches(self._beside).take(pa.array(at))
        others = self._scrubbed(verdicts.filter(pa.array(~found)))
        place = np.where(found, np.arange(len(found)), len(found) + np.cumsum(~found) - 1)
        for name in known.schema.names:
            both = pa.concat_arrays([known.column(name), others.column(name)])
            index = verdicts.schema.get_field_index(name)
            verdicts = verdicts.set_column(index, verdicts.schema.field(name), both.take(pa.array(place)))
        return verdicts

    def _written(self, row_D: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of documents by row: their place among those written to `text/` (0 for others), and whether they are."""
        done = np.concatenate([np.zeros(0, np.uint32), *self._edited_rows])
        at = np.minimum(np.searchsorted(done, row_D), max(len(done) - 1, 0))
        found = (done[at] == row_D) if len(done) else np.zeros(len(row_D), bool)
        return np.where(found, at, 0), found

    def _of_rows(self, lists: list[pa.Array], type_: pa.DataType, row_D: np.ndarray) -> pa.Array:
        """What is known of kept documents, by row; an empty list for the others."""
        spans = pa.concat_arrays([*lists, pa.array([[]], type_)])
        at, found = self._written(row_D)
        return spans.take(pa.array(np.where(found, at, len(spans) - 1)))


def ledger_schema(verdicts: pa.Schema) -> pa.Schema:
    """Of `ledger/`: what stage A knew, then what deduplication and cleaning added, then the signals."""
    known = [verdicts.field(name) for name in columns.VERDICTS.names]
    signals = [field for field in verdicts if field.name not in columns.VERDICTS.names]
    return pa.schema(
        [
            *known,
            ("unit", pa.string()),
            *columns.CLUSTER,
            *columns.WEIGHT,
            ("edits", columns.SPANS),
            ("findings", columns.FINDINGS),
            *signals,
        ]
    )


def _one_each(rule: np.ndarray) -> pa.Array:
    """Names -> list<string>, each alone."""
    return pa.ListArray.from_arrays(pa.array(np.arange(len(rule) + 1, dtype=np.int32)), pa.array(rule, pa.string()))


def _with_added(rules: pa.Array, chosen_D: np.ndarray, added: list[list[str]]) -> pa.Array:
    """list<string>: the rules of each document, and those of the chosen ones (bool[D]) with what is added to theirs."""
    longer = [old + new for old, new in zip(rules.filter(pa.array(chosen_D)).to_pylist(), added, strict=True)]
    at_D = np.where(chosen_D, len(rules) + np.cumsum(chosen_D) - 1, np.arange(len(rules)))
    return pa.concat_arrays([rules, pa.array(longer, rules.type)]).take(pa.array(at_D))


def _without_text(edits: pa.Array) -> pa.Array:
    """Edits column -> spans column: the ledger holds no personal data."""
    inner = edits.values
    fields = [inner.field(name) for name in ("start", "end", "kind")]
    return pa.ListArray.from_arrays(
        edits.offsets, pa.StructArray.from_arrays(fields, fields=list(columns.SPANS.value_type))
    )


def _together(verdicts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What makes a row group of the ledger: hundreds of small ones cost DuckDB and the writer more than their rows."""
    groups = gather(verdicts, lambda batch: (batch.num_rows, batch.nbytes), GROUP_ROWS, GROUP_BYTES)
    return map(pa.concat_batches, groups)


def clean_unit(cleaner: UnitCleaner, book: ReceiptBook, scored: Receipt, decided: Decided) -> Receipt:
    """Do one unit and commit it. Its receipt is named by the unit and by what deduplication decided."""
    began, first = begin(), is_first(book.stage)
    unit = Unit.from_json(scored.details["unit"])
    name = decided.receipt_name(unit.key)
    with attempt(book, name) as guard:
        with ExitStack() as stack:
            writer = UnitWriter(cleaner, book.store, unit, decided, guard, stack)
            for batch in read_parts(book.store, scored, DEAD_LETTERS):
                writer.bury(batch)
            for batch in read_parts(book.store, scored, "curated"):
                writer.take(batch)
            for batch in _together(read_parts(book.store, scored, VERDICTS)):
                writer.settle(batch)
        scrubbing = {"scrub": round(guard.spent["scrub"], 4)}
        details = {FIRST: first, SPENT_ON: scrubbing, WAITED: round(waited(began), 4)}
        receipt = Receipt(book.stage, name, writer.parts(), tuple(writer.accounts), *since(began), details=details)
        book.commit(receipt)
    return receipt


class CleanUnits(beam.DoFn):
    """(number, receipt of stage A) -> (number, receipt). What deduplication decided is read from its own receipts."""

    def __init__(self, recipe: Recipe, books: dict[str, ReceiptBook]):
        self.recipe, self.books = recipe, books
        self._cleaner: UnitCleaner | None = None

    def cleaner(self) -> UnitCleaner:
        """Made once per worker, at its first unit, as `ScoreUnits.scorer` is."""
        if self._cleaner is None:
            bring(self.books["text"].store, self.recipe)
            self._cleaner = UnitCleaner(self.recipe)
        return self._cleaner

    def process(self, element: tuple[int, Receipt]) -> Iterator[tuple[int, Receipt]]:
        """One unit."""
        number, scored = element
        decided, book = Decided.of(self.recipe, self.books, scored.unit), self.books["text"]
        done = book.find(decided.receipt_name(scored.unit))
        yield number, done or clean_unit(self.cleaner(), book, scored, decided)
