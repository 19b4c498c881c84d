"""Stage A, in one pass over a unit: read, extract, identify, score, decide, fingerprint; no shuffle, no text leaves it.

Writes `curated/` (kept), `dropped/`, and beside them the dead letters, the verdicts and the fingerprints that later
stages read.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.dedup.fingerprint_file import fingerprint_batch
from gristmill.filters.dedup.fingerprints import fingerprint, rank
from gristmill.filters.judge import Judge, Judgement
from gristmill.filters.language.identify import identify, script_of
from gristmill.filters.measured import Stored
from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.recipe.columns import curated_schema, derivations, dropped_schema
from gristmill.pipelines.recipe.entries import judge_of
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records import columns
from gristmill.pipelines.records.accounts import ASIDE, DEAD, DROPPED, IN, KEPT, UNJUDGED, Accounts
from gristmill.pipelines.records.conversations import said_parts
from gristmill.pipelines.records.elements import DeadLetter, Records, Unit
from gristmill.pipelines.stages.addressed import addressed
from gristmill.pipelines.stages.replay import Failure, dead_document, survive
from gristmill.pipelines.storage.parts import PartWriter
from gristmill.pipelines.storage.receipt_book import ReceiptBook

VERDICTS, FINGERPRINTS, DEAD_LETTERS = "_work/verdicts", "_work/fingerprints", "_work/dead"


@dataclass(frozen=True)
class Scored:
    """What stage A knows of the documents of a batch, in the batch's order."""

    language: pa.Array
    score: np.ndarray
    script: pa.Array
    judgement: Judgement

    @property
    def kept(self) -> np.ndarray:
        """bool[D]: no rule fired."""
        return pc.list_value_length(self.judgement.fired).to_numpy() == 0


@dataclass
class UnitScorer:
    """Scores one unit after another; holds what is made once per worker."""

    recipe: Recipe
    sample: float = 1.0

    @cached_property
    def judge(self) -> Judge:
        """The compiled `decide` list."""
        return judge_of(self.recipe)

    @cached_property
    def verdict_schema(self) -> pa.Schema:
        """Fixed columns, then one per signal."""
        return pa.schema([*columns.VERDICTS, *self.judge.columns])

    @cached_property
    def curated_schema(self) -> pa.Schema:
        """Of `curated/`."""
        return curated_schema(self.recipe)

    @cached_property
    def dropped_schema(self) -> pa.Schema:
        """Of `dropped/`."""
        return dropped_schema(self.recipe)

    def score(self, batch: pa.RecordBatch, source: str) -> Scored:
        """Language, script, signals, rules and line edits of a batch as the reader gives it."""
        text = batch.column("text")
        if self.recipe.sources[source].kind != "text":
            text = said_parts(text, batch)  # roles have English names in every language
        language, score = self.language(text, batch.column("declared_language"))
        return self.judged(batch, source, language, score, script_of(text))

    def judged(
        self,
        batch: pa.RecordBatch,
        source: str,
        language: pa.Array,
        score: np.ndarray,
        script: pa.Array,
        stored: Stored | None = None,
    ) -> Scored:
        """Signals, rules and line edits of a batch whose language is known; `stored`: what is known of its signals."""
        text = batch.column("text")
        sources = pa.repeat(pa.scalar(source, pa.string()), len(text))
        told = (batch.column("doc_id"), score, batch.column("url"))
        beside = {name: batch.column(name) for name in self.judge.beside - {"doc_id", "url"}}
        if self.recipe.sources[source].judges_assistant:
            text = said_parts(text, batch, assistant=True)
        judgement = self.judge.judge(text, language, script, sources, *told, stored, **beside)
        return Scored(language, score, script, judgement)

    def examine(self, batch: pa.RecordBatch, source: str) -> tuple[Scored, pa.RecordBatch | None]:
        """All that is computed from the texts of a batch: scores and fingerprints."""
        scored = self.score(batch, source)
        return scored, self.fingerprint(batch, source, scored)

    def language(self, text: pa.Array, declared: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """The languages of texts, as declared or identified, and how sure they are."""
        unknown = declared.is_null()
        if not pc.any(unknown).as_py():
            return declared, np.ones(len(text), np.float32)
        characters = self.recipe.language.characters
        found, found_score = identify(text.filter(unknown), None if characters == "whole" else characters)
        unknown_D = unknown.to_numpy(zero_copy_only=False)
        score = np.ones(len(text), np.float32)
        score[unknown_D] = found_score
        return pc.replace_with_mask(declared, unknown, found), score

    def fingerprint(self, batch: pa.RecordBatch, source: str, scored: Scored) -> pa.RecordBatch | None:
        """What deduplication compares: of every document, or of those that the rules kept. None: no deduplication."""
        options = self.recipe.deduplicate
        if options is None:
            return None
        order = self.rank(batch, source, scored)
        if options.fingerprint == "kept":
            batch, order = columns.chosen(batch, scored.kept), order[scored.kept]
        prints = fingerprint(batch.column("text"), options.minhash)
        made = fingerprint_batch(batch.column("row").to_numpy(), batch.column("doc_id"), order, prints)
        return addressed(made, batch, options.urls)

    def rank(self, batch: pa.RecordBatch, source: str, scored: Scored) -> np.ndarray:
        """uint64[D], smaller is better: who stays when documents are duplicates of each other."""
        quality = np.zeros(batch.num_rows)
        name = self.recipe.deduplicate.quality if self.recipe.deduplicate else None
        if name:
            quality = scored.judgement.signals.column(name).to_numpy(zero_copy_only=False)
        size = pc.binary_length(batch.column("text")).to_numpy()
        of = self.recipe.sources[source]
        return rank(scored.kept, of.priority, quality, size, batch.column("doc_id"), derivations(batch, of))


class UnitWriter:
    """The parts and accounts of one unit at stage A."""

    def __init__(self, scorer: UnitScorer, book: ReceiptBook, unit: Unit, guard: Guard, stack: ExitStack):
        self._examine = guard.step("judge", scorer.examine)
        self.scorer, self.recipe, self.unit, self.source = scorer, scorer.recipe, unit, unit.source
        self.accounts = Accounts()
        store, key = book.store, unit.key

        def writer(dataset: str, **options: object) -> PartWriter:
            return stack.enter_context(PartWriter(store, dataset, key, **options))  # type: ignore[arg-type]

        self.curated = writer("curated", compression="lz4")  # read once more, by stage B: a quarter larger than by zstd
        self.dropped = writer("dropped", format="parquet", content=columns.CONTENT["dropped"])
        self.dead = writer(DEAD_LETTERS)
        self.verdicts = writer(VERDICTS)
        self.fingerprints = writer(FINGERPRINTS, compression=None)

    def parts(self) -> tuple:
        """Every finished part."""
        writers = (self.curated, self.dropped, self.dead, self.verdicts, self.fingerprints)
        return tuple(part for writer in writers for part in writer.parts)

    def take(self, records: Records) -> None:
        """Account for, judge and write what the reader gives."""
        batch = records.batch
        for reason, count in records.aside.items():
            self.accounts.add("read", ASIDE, self.source, count, 0, reason=reason)
        self._enter(batch, records.dead)
        refused = batch.column("drop").is_valid().to_numpy(zero_copy_only=False)
        self._refuse(columns.chosen(batch, refused))
        self._judge(columns.chosen(batch, ~refused))

    def _enter(self, batch: pa.RecordBatch, dead: list[DeadLetter]) -> None:
        """Counts of the two steps that the reader does itself."""
        size, step = batch.column("raw_bytes").to_numpy(), batch.column("drop_step")
        self._bury([letter for letter in dead if letter.step == "read"], "read")
        self.accounts.add_rows("read", IN, self.source, None, size)
        for letter in dead:
            self.accounts.add("read", IN, self.source, 1, letter.length)
            if letter.step != "read":
                self.accounts.add("read", KEPT, self.source, 1, letter.length)
                self.accounts.add("extract", IN, self.source, 1, letter.length)
        self._bury([letter for letter in dead if letter.step != "read"], "extract")
        past_read = pc.fill_null(pc.not_equal(step, "read"), True).to_numpy(zero_copy_only=False)
        self.accounts.add_rows("read", KEPT, self.source, None, size[past_read])
        self.accounts.add_rows("extract", IN, self.source, None, size[past_read])

    def _bury(self, letters: list[DeadLetter], step: str, known: Mapping[str, object] | None = None) -> None:
        """Dead letters; `known`: what the ledger can say of these records beside what every dead letter holds."""
        for letter in letters:
            self.accounts.add(step, DEAD, self.source, 1, letter.length, reason=letter.kind)
        if letters:
            self.dead.write(columns.dead_batch(self.source, letters))
            died = {
                "source": self.source,
                "row": pa.array([letter.row for letter in letters], pa.uint32()),
                "bytes": pa.array([letter.length for letter in letters], pa.int64()),
                "verdict": DEAD,
                "step": step,
                "rules": pa.array([[]] * len(letters), pa.list_(pa.string())),
            }
            died |= known or {}
            self.verdicts.write(columns.assemble(self.scorer.verdict_schema, len(letters), died))

    def _refuse(self, batch: pa.RecordBatch) -> None:
        """Records that reading or extraction dropped by a rule of its own."""
        if batch.num_rows == 0:
            return
        lang = batch.column("declared_language")
        rules = pa.ListArray.from_arrays(pa.array(range(batch.num_rows + 1), pa.int32()), batch.column("drop"))
        size = batch.column("raw_bytes").to_numpy()
        for step in ("read", "extract"):
            mine = pc.equal(batch.column("drop_step"), step)
            mine_D = mine.to_numpy(zero_copy_only=False)
            reason = batch.column("drop").filter(mine)
            self.accounts.add_rows(step, DROPPED, self.source, None, size[mine_D], reason)
            self.accounts.add_fired(step, self.source, None, size[mine_D], rules.filter(mine))
        shared = {**_identity(batch, self.source), "lang": lang, "step": batch.column("drop_step"), "rules": rules}
        self.dropped.write(
            columns.assemble(
                self.scorer.dropped_schema,
                batch.num_rows,
                {**dict(zip(batch.schema.names, batch.columns, strict=True)), **shared},
            )
        )
        text_bytes = pc.fill_null(pc.binary_length(batch.column("text")), 0)
        verdict = {**shared, "row": batch.column("row"), "bytes": text_bytes, "verdict": DROPPED}
        self.verdicts.write(columns.assemble(self.scorer.verdict_schema, batch.num_rows, verdict))

    def _judge(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        self.accounts.add_rows("extract", KEPT, self.source, None, batch.column("raw_bytes").to_numpy())
        for outcome in survive(lambda piece: self._examine(piece, self.source), batch):
            if isinstance(outcome, Failure):
                self._fail(batch.slice(outcome.row, 1), outcome.error)
            else:
                self.write(outcome[0], *outcome[1])

    def _fail(self, row: pa.RecordBatch, error: str) -> None:
        """A document that no judge could be found for: a dead letter of the step `decide`."""
        letter = dead_document(self.unit, row, "decide", error)
        self.accounts.add("decide", IN, self.source, 1, letter.length)
        self._bury([letter], "decide", _identity(row, self.source))

    def write(self, batch: pa.RecordBatch, scored: Scored, prints: pa.RecordBatch | None) -> None:
        """What was decided about documents, and themselves where that sends them."""
        rows, text, kept = batch.num_rows, batch.column("text"), scored.kept
        size = pc.binary_length(text).to_numpy()
        fired, judged = scored.judgement.fired, scored.judgement.judged
        self._account(scored, size)
        shared = {
            **_identity(batch, self.source),
            "row": batch.column("row"),
            "lang": scored.language,
            "lang_score": pa.array(scored.score),
            "script": scored.script,
            "bytes": pa.array(size, pa.int64()),
            "verdict": pc.if_else(pa.array(kept), KEPT, DROPPED),
            "judged": pa.array(judged),
            "step": pc.if_else(pa.array(kept), pa.scalar(None, pa.string()), "decide"),
            "rules": fired,
        }
        signals = dict(zip(scored.judgement.signals.schema.names, scored.judgement.signals.columns, strict=True))
        self.verdicts.write(columns.assemble(self.scorer.verdict_schema, rows, {**shared, **signals}))

        whole = {**dict(zip(batch.schema.names, batch.columns, strict=True)), **shared}
        dropped = columns.assemble(self.scorer.dropped_schema, rows, whole)
        self.dropped.write(columns.chosen(dropped, ~kept))
        curated = columns.assemble(
            self.scorer.curated_schema, rows, {**whole, "edits": scored.judgement.edits.column()}
        )
        self.curated.write(columns.chosen(curated, kept))
        if prints is not None:
            self.fingerprints.write(prints)

    def _account(self, scored: Scored, size: np.ndarray) -> None:
        lang, kept, fired = scored.language, scored.kept, scored.judgement.fired
        self.accounts.add_rows("decide", IN, self.source, lang, size)
        self.accounts.add_rows("decide", KEPT, self.source, lang.filter(pa.array(kept)), size[kept])
        first = pc.list_element(fired.filter(pa.array(~kept)), 0)
        self.accounts.add_rows("decide", DROPPED, self.source, lang.filter(pa.array(~kept)), size[~kept], first)
        self.accounts.add_fired("decide", self.source, lang, size, fired)
        unjudged = ~scored.judgement.judged
        self.accounts.add_rows("decide", UNJUDGED, self.source, lang.filter(pa.array(unjudged)), size[unjudged])


def _identity(batch: pa.RecordBatch, source: str) -> dict[str, object]:
    return {"doc_id": batch.column("doc_id"), "id": batch.column("id"), "source": source, "url": batch.column("url")}
