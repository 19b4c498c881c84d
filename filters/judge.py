"""Judging a batch: which entry admits a document, which signals its rules need on which view, which rules fire."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from gristmill.filters.edits import Edits
from gristmill.filters.measured import Entry, Measured, Stored, Turn, admitting
from gristmill.filters.plan import IDENTIFIED, Documents, Plan, moved, together
from gristmill.filters.rules import Preset, Rule, fired_matrix
from gristmill.filters.signals import SIGNALS

UNJUDGED = "unjudged"
"""The rule that drops a document which no entry admits, where the recipe says `otherwise: drop`."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about the documents of a batch, in their order.

    signals: float64 columns, null where a document's entry does not ask for the signal. A document that no entry admits
    has those signals of the text as extracted which some entry asks for and which mean something for its language.
    fired: list<string>, full names of all rules that fired, in recipe order; empty for a kept document.
    judged: bool per document; false where no entry admits it: kept, or dropped by the rule UNJUDGED.
    edits: byte ranges of the extracted text that the entry's editing presets change; where the numbers were
    stored, only of documents that no rule drops.
    """

    signals: pa.RecordBatch
    fired: pa.Array
    judged: np.ndarray
    edits: Edits


class LackingError(ValueError):
    """Numbers that rules ask for and nobody stored: (signal, editing steps before it) of each."""

    def __init__(self, lacking: list[tuple[str, list[str]]]):
        super().__init__(", ".join(name for name, _ in lacking))
        self.lacking = lacking


class Judge:
    """A compiled recipe: entries, the signals that they need, and the columns that these make.

    columns: pa.Schema of `Judgement.signals`, known before any document is read; a field's metadata holds the
    documentation and unit of its signal. rule_names: full names of all rules in recipe order.
    otherwise: what becomes of documents that no entry admits, "keep" or "drop". measured: signals that every document
    has, of its text as extracted, whether or not a rule asks for them. everywhere: a preset on language_score that
    judges these too; the entries have it among theirs. keys: of signals whose numbers come from files (models, lists,
    labels), what tells these apart.

    Raises KeyError for a rule on an unknown signal and ValueError for one on a signal whose editing step is missing.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        otherwise: Literal["keep", "drop"] = "keep",
        measured: Sequence[str] = (),
        everywhere: Preset | None = None,
        keys: Mapping[str, Any] | None = None,
    ) -> None:
        self.entries, self.otherwise = tuple(entries), otherwise
        keys = keys or {}
        self._everywhere = Plan([everywhere] if everywhere else [], (), keys)
        self._plans = [Plan(entry.presets, measured, keys) for entry in entries]
        signal_of = {column: SIGNALS[name] for plan in self._plans for column, name in plan.signal_of.items()}
        signal_of |= {column: SIGNALS[name] for column, name in self._everywhere.signal_of.items()}
        signal_of |= {name: SIGNALS[name] for name in measured}  # without entries too
        self.columns = pa.schema(
            pa.field(column, pa.float64(), metadata={"doc": signal.doc, "unit": signal.unit})
            for column, signal in signal_of.items()
        )
        names = [name for plan in (*self._plans, self._everywhere) for name in plan.rule_names]
        self.rule_names = list(dict.fromkeys(names))
        asked = [name for plan in self._plans for name in plan.views[0].names]
        self._unjudged = Plan((), list(dict.fromkeys([*asked, *measured])), keys)

    @cached_property
    def beside(self) -> frozenset[str]:
        """What its signals ask for beside texts (`Counters.beside`), where they say so."""
        names = {name for plan in (*self._plans, self._unjudged) for name in plan.signal_of.values()}
        return frozenset(filter(None, (SIGNALS[name].beside for name in names)))

    @property
    def measured(self) -> Measured:
        """What its numbers are, so that another judge can use them."""
        return Measured(self.entries, tuple(plan.asked for plan in (*self._plans, self._unjudged)))

    @property
    def all_rules(self) -> list[str]:
        """What can stand in `fired`, in order."""
        return [*self.rule_names, UNJUDGED]

    def placed_rules(self) -> list[tuple[int, str, str, Rule]]:
        """(number of the entry, full name, column that it reads, rule) of every rule, in recipe order."""
        return [
            (number, name, column, rule)
            for number, plan in enumerate(self._plans)
            for name, column, rule in zip(plan.rule_names, plan.rule_columns, plan.rules, strict=True)
        ]

    def judge(
        self,
        text: pa.Array,
        language: pa.Array,
        script: pa.Array,
        source: pa.Array,
        doc_id: pa.Array | None = None,
        language_score: np.ndarray | None = None,
        url: pa.Array | None = None,
        stored: Stored | None = None,
        **beside: pa.Array | None,
    ) -> Judgement:
        """Judge one batch. text large_string; language, script, source, doc_id, url string columns of that length, and
        whatever else signals may ask for by name (`Counters.beside`); without language_score no rule on it fires.
        stored: what an earlier judge measured of this batch: only what it lacks is computed from the texts.

        Raises TypeError for another text type. Rows keep their order; every row is answered, by the first entry that
        admits it.
        """
        count = len(language)
        score_D = np.full(count, np.nan) if language_score is None else np.asarray(language_score, np.float64)
        beside = {"language": language, "doc_id": doc_id, "url": url, **beside}
        whole = Documents(np.arange(count), text, language, beside, score_D)
        entry_D = admitting(self.entries, language, script, source, count)
        before_D = entry_D if stored is None else admitting(stored.measured.entries, language, script, source, count)
        values = {name: np.full(count, np.nan) for name in self.columns.names}
        fired: list[tuple[np.ndarray, np.ndarray]] = []
        edits: list[Edits] = []
        for number, plan in enumerate(self._plans):
            row_E = np.flatnonzero(entry_D == number)
            if not len(row_E):
                continue
            mine = whole.take(row_E)
            columns, made = self._values(plan, mine, stored, before_D)
            for name, value_E in columns.items():
                values[name][row_E] = value_E
            fired_RE = fired_matrix(plan.rules, [columns[name] for name in plan.rule_columns], len(row_E))
            fired.append(self._numbered(plan, fired_RE, row_E))
            if stored is not None and plan.editors:
                kept = mine.take(np.flatnonzero(~fired_RE.any(axis=0)))
                made, row_E = plan.edit(kept, stored, before_D[kept.row]), kept.row
            edits.append(moved(made, row_E, count))
        if len(row_U := np.flatnonzero(entry_D == len(self._plans))):
            for name, value_U in self._unjudged_signals(whole.take(row_U), stored, before_D).items():
                values[name][row_U] = value_U
            if IDENTIFIED in values:
                values[IDENTIFIED][row_U] = score_D[row_U]
            fired += self._unjudged_fired(row_U, score_D)
        signals = pa.record_batch([pa.array(values[name], from_pandas=True) for name in values], schema=self.columns)
        judged_D = entry_D < len(self._plans)
        return Judgement(signals, self._fired_lists(fired, count), judged_D, together(edits, count))

    def turn(self, number: int, before: Measured, entry: int, languages: Sequence[str | None]) -> Turn:
        """What to ask of documents in these languages that `entry` of an earlier judge judged (its last: none did), and
        that the entry `number` of this one judges (its last: none does).

        Raises LackingError where a rule asks for a number that the earlier judge did not.
        """
        if number == len(self._plans):
            everywhere = zip(self._everywhere.rule_names, self._everywhere.rules, strict=True)
            asked = tuple((self.rule_names.index(name), rule, IDENTIFIED) for name, rule in everywhere)
            return Turn(frozenset(), asked, len(self.rule_names) if self.otherwise == "drop" else None)
        plan, old = self._plans[number], before.asked[entry]
        same = frozenset(name for name, bound in plan.asked.bounds.items() if old.bounds.get(name) == bound)
        rules = [one for one in zip(plan.rule_names, plan.rules, plan.rule_columns, strict=True) if one[0] not in same]
        known = plan.known(pa.array(languages, pa.string()), old, entry < len(before.entries))
        if lacking := [json.loads(plan.meaning_of[column]) for _, _, column in rules if column not in known]:
            raise LackingError([(name, steps) for name, steps, _ in lacking])
        return Turn(same, tuple((self.rule_names.index(name), rule, known[column]) for name, rule, column in rules))

    def _numbered(self, plan: Plan, fired_RE: np.ndarray, row_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(row, number of the rule) of what fires among the rules of a plan, document by document."""
        doc, rule = np.nonzero(fired_RE.T)
        number_R = np.array([self.rule_names.index(name) for name in plan.rule_names], np.int64)
        return row_E[doc], number_R[rule]

    def _unjudged_fired(self, row_U: np.ndarray, score_D: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """What fires for documents that no entry admits."""
        fired = []
        for name, asked in zip(self._everywhere.rule_names, self._everywhere.rules, strict=True):
            row_F = row_U[asked.fires(score_D[row_U])]
            fired.append((row_F, np.full(len(row_F), self.rule_names.index(name))))
        if self.otherwise == "drop":
            fired.append((row_U, np.full(len(row_U), len(self.rule_names))))
        return fired

    def _values(
        self, plan: Plan, of: Documents, stored: Stored | None, before_D: np.ndarray
    ) -> tuple[dict[str, np.ndarray], Edits]:
        """The columns of a plan, and the edits where they were found on the way."""
        if stored is None:
            return plan.measure(of)
        values = {column: np.full(len(of.row), np.nan) for column in plan.signal_of}
        asked = stored.measured.asked
        for before in np.unique(before_D[of.row]).tolist():
            at = np.flatnonzero(before_D[of.row] == before)
            some = of.take(at)
            found = plan.remember(some, stored, plan.known(some.language, asked[before], before < len(asked) - 1))
            for column, value in found.items():
                values[column][at] = value
        return values, Edits.none(len(of.row))

    def _unjudged_signals(self, of: Documents, stored: Stored | None, before_D: np.ndarray) -> dict[str, np.ndarray]:
        """What any entry asks of the text as extracted; NaN where it means nothing for a document's language."""
        code = of.language.dictionary_encode(null_encoding="encode")
        names = code.dictionary.to_pylist()
        values, _ = self._values(self._unjudged, of, stored, before_D)
        return {
            name: np.where(np.array([SIGNALS[name].valid_for(one) for one in names])[code.indices], value_U, np.nan)
            for name, value_U in values.items()
        }

    def _fired_lists(self, fired: list[tuple[np.ndarray, np.ndarray]], documents: int) -> pa.Array:
        """list<string> per document from (row, rule number) pairs; a row's pairs keep their order."""
        if not fired:
            return pa.array([[]] * documents, pa.list_(pa.string()))
        row_F, rule_F = (np.concatenate(found) for found in zip(*fired, strict=True))
        order_F = np.argsort(row_F, kind="stable")
        names = pa.array(self.all_rules, pa.string()).take(pa.array(rule_F[order_F]))
        offset_D1 = np.searchsorted(row_F[order_F], np.arange(documents + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offset_D1), names)
