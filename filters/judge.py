"""Judging a batch: which entry admits a document, which signals its rules need on which view, which rules fire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import Edits, apply
from gristmill.filters.line_rules import DATATROVE, FINEWEB, PAPER, TFDS, c4_editor
from gristmill.filters.refinedweb import edit_refinedweb
from gristmill.filters.rules import Preset, Rule, fired_matrix
from gristmill.filters.signals import SIGNALS, score
from gristmill.filters.signals.declare import IDENTIFICATION

Editor = Callable[[pa.Array], tuple[Edits, dict[str, np.ndarray]]]
"""large_string texts -> their edits, and page-level signals (float64 per document) found on the way."""

EDITORS: dict[str, Editor] = {
    "c4@tfds": c4_editor(TFDS),
    "c4@paper": c4_editor(PAPER),
    "c4@datatrove": c4_editor(DATATROVE),
    "c4@fineweb": c4_editor(FINEWEB),
    "refinedweb@dclm": edit_refinedweb,
}
"""What the `editor` of a preset names. Those with one name before the @ find the same signals."""

UNJUDGED = "unjudged"
"""The rule that drops a document which no entry admits, where the recipe says `otherwise: drop`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a recipe's `decide`: which documents, which presets in order. An absent condition admits all.

    languages: ISO 639-1; scripts: ISO 15924; sources: names of the recipe's sources.
    """

    languages: frozenset[str] | None
    scripts: frozenset[str] | None
    sources: frozenset[str] | None
    presets: tuple[Preset, ...]

    def admits(self, language: pa.Array, script: pa.Array, source: pa.Array) -> np.ndarray:
        """Bool per document. A null value satisfies only an absent condition."""
        admitted_D = np.ones(len(language), bool)
        for wanted, column in ((self.languages, language), (self.scripts, script), (self.sources, source)):
            if wanted is not None:
                admitted_D &= pc.is_in(column, pa.array(sorted(wanted), column.type)).to_numpy(zero_copy_only=False)
        return admitted_D


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about the documents of a batch, in their order.

    signals: float64 columns, null where a document's entry does not ask for the signal. A document that no entry admits
    has those signals of the text as extracted which some entry asks for and which mean something for its language.
    fired: list<string>, full names of all rules that fired, in recipe order; empty for a kept document.
    judged: bool per document; false where no entry admits it: kept, or dropped by the rule UNJUDGED.
    edits: byte ranges of the extracted text that the entry's editing presets change.
    """

    signals: pa.RecordBatch
    fired: pa.Array
    judged: np.ndarray
    edits: Edits


@dataclass(slots=True)
class _View:
    """The text after some editing steps: the editor that made it, the suffix of its columns, what to compute on it.

    found_suffix: of the columns that the editor finds; a name by itself where it is the first of its kind.
    """

    editor: str | None
    suffix: str
    found_suffix: str = ""
    names: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str | None:
        """The editor's name before the @, which signals name."""
        return self.editor and self.editor.split("@")[0]


class _Plan:
    """The rules of one entry, each with the column that it reads, and the views that these columns come from.

    signal_of: column -> signal, of the rules and of what presets measure beside them.
    """

    def __init__(self, presets: Sequence[Preset], measured: Sequence[str]) -> None:
        self.views = [_View(None, "", names=[*measured])]
        self.rules: list[Rule] = []
        self.rule_names: list[str] = []
        self.rule_columns: list[str] = []
        self.signal_of: dict[str, str] = {}
        for preset in presets:
            if preset.editor is not None:
                self.views.append(self._next_view(preset.editor, preset.short_name))
            self.rules += preset.rules
            self.rule_names += preset.rule_names()
            self.rule_columns += [self._column(rule.signal) for rule in preset.rules]
            self.signal_of |= {self._column(rule.signal): rule.signal for rule in preset.rules}
            self.signal_of |= {self._column(name): name for name in preset.measures}
        self.signal_of |= {name: name for name in measured}

    def _column(self, name: str) -> str:
        """The column of a signal for rules that see the newest view, which will compute it if no editor does."""
        editor, view = SIGNALS[name].editor, self.views[-1]
        if editor == IDENTIFICATION:
            return name
        if editor is None:
            if name not in view.names:
                view.names.append(name)
            return name + view.suffix
        finders = [view for view in self.views if view.kind == editor]
        if not finders:
            raise ValueError(f"signal {name} comes from the editing step {editor}, which no preset before makes")
        return name + finders[-1].found_suffix

    def _next_view(self, editor: str, short_name: str) -> _View:
        before = self.views[-1].suffix
        view = _View(editor, f"{before}__{short_name}")
        if any(one.kind == view.kind for one in self.views):
            view.found_suffix = before
        return view

    def measure(
        self,
        text: pa.Array,
        beside: Mapping[str, pa.Array | None],
        language_score: np.ndarray,
    ) -> tuple[dict[str, np.ndarray], Edits]:
        """All columns of the plan, float64 per document, and the edits of its editing steps as one."""
        columns = {"language_score": language_score}
        edits = Edits.none(len(text))
        for view in self.views:
            if view.editor is not None:
                made, found = EDITORS[view.editor](text)
                edits, text = edits.then(made) if len(edits) else made, apply(text, made)
                columns |= {name + view.found_suffix: value_D for name, value_D in found.items()}
            found = score(text, view.names, beside)
            columns |= {name + view.suffix: value_D for name, value_D in found.items()}
        return {name: columns[name] for name in self.signal_of}, edits


class Judge:
    """A compiled recipe: entries, the signals that they need, and the columns that these make.

    columns: pa.Schema of `Judgement.signals`, known before any document is read; a field's metadata holds the
    documentation and unit of its signal. rule_names: full names of all rules in recipe order.
    otherwise: what becomes of documents that no entry admits, "keep" or "drop". measured: signals that every document
    has, of its text as extracted, whether or not a rule asks for them. everywhere: a preset on language_score that
    judges these too; the entries have it among theirs.

    Raises KeyError for a rule on an unknown signal and ValueError for one on a signal whose editing step is missing.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        otherwise: Literal["keep", "drop"] = "keep",
        measured: Sequence[str] = (),
        everywhere: Preset | None = None,
    ) -> None:
        self.entries, self.otherwise = tuple(entries), otherwise
        self._everywhere = _Plan([everywhere] if everywhere else [], ())
        self._plans = [_Plan(entry.presets, measured) for entry in entries]
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
        self._extracted = list(dict.fromkeys([*asked, *measured]))

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
        **beside: pa.Array | None,
    ) -> Judgement:
        """Judge one batch. text large_string; language, script, source, doc_id, url string columns of that length, and
        whatever else signals may ask for by name (`Counters.beside`); without language_score no rule on it fires.

        Raises TypeError for another text type. Rows keep their order; every row is answered, by the first entry that
        admits it.
        """
        open_D = np.ones(len(text), bool)
        beside = {"language": language, "doc_id": doc_id, "url": url, **beside}
        score_D = np.full(len(text), np.nan) if language_score is None else np.asarray(language_score, np.float64)
        values = {name: np.full(len(text), np.nan) for name in self.columns.names}
        fired: list[tuple[np.ndarray, np.ndarray]] = []
        edits: list[Edits] = []
        for entry, plan in zip(self.entries, self._plans, strict=True):
            row_E = np.flatnonzero(open_D & entry.admits(language, script, source))
            open_D[row_E] = False
            if not len(row_E):
                continue
            columns, made = plan.measure(*_rows(text, beside, row_E), score_D[row_E])
            for name, value_E in columns.items():
                values[name][row_E] = value_E
            fired_RE = fired_matrix(plan.rules, [columns[name] for name in plan.rule_columns], len(row_E))
            doc, rule = np.nonzero(fired_RE.T)
            number_R = np.array([self.rule_names.index(name) for name in plan.rule_names], np.int64)
            fired.append((row_E[doc], number_R[rule]))
            edits.append(_moved(made, row_E, len(text)))
        if len(row_U := np.flatnonzero(open_D)):
            for name, value_U in self._unjudged_signals(*_rows(text, beside, row_U)).items():
                values[name][row_U] = value_U
            if "language_score" in values:
                values["language_score"][row_U] = score_D[row_U]
            for name, asked in zip(self._everywhere.rule_names, self._everywhere.rules, strict=True):
                row_F = row_U[asked.fires(score_D[row_U])]
                fired.append((row_F, np.full(len(row_F), self.rule_names.index(name))))
            if self.otherwise == "drop":
                fired.append((row_U, np.full(len(row_U), len(self.rule_names))))
        signals = pa.record_batch([pa.array(values[name], from_pandas=True) for name in values], schema=self.columns)
        return Judgement(signals, self._fired_lists(fired, len(text)), ~open_D, _together(edits, len(text)))

    def _unjudged_signals(self, text: pa.Array, beside: Mapping[str, pa.Array | None]) -> dict[str, np.ndarray]:
        """What any entry asks of the text as extracted; NaN where it means nothing for a document's language."""
        language = beside["language"]
        assert language is not None
        code = language.dictionary_encode(null_encoding="encode")
        names = code.dictionary.to_pylist()
        return {
            name: np.where(np.array([SIGNALS[name].valid_for(of) for of in names])[code.indices], value_U, np.nan)
            for name, value_U in score(text, self._extracted, beside).items()
        }

    def _fired_lists(self, fired: list[tuple[np.ndarray, np.ndarray]], documents: int) -> pa.Array:
        """list<string> per document from (row, rule number) pairs; a row's pairs keep their order."""
        if not fired:
            return pa.array([[]] * documents, pa.list_(pa.string()))
        row_F, rule_F = (np.concatenate(found) for found in zip(*fired, strict=True))
        order_F = np.argsort(row_F, kind="stable")
        names = pa.array([*self.rule_names, UNJUDGED], pa.string()).take(pa.array(rule_F[order_F]))
        offset_D1 = np.searchsorted(row_F[order_F], np.arange(documents + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offset_D1), names)


def _rows(
    text: pa.Array, beside: Mapping[str, pa.Array | None], row_E: np.ndarray
) -> tuple[pa.Array, Mapping[str, pa.Array | None]]:
    """These rows of texts and of what stands beside them; what is asked for whole is not copied."""
    if len(row_E) == len(text):
        return text, beside
    rows = pa.array(row_E)
    return text.take(rows), {name: column if column is None else column.take(rows) for name, column in beside.items()}


def _moved(edits: Edits, row_E: np.ndarray, documents: int) -> Edits:
    """The edits with document i renamed to row_E[i] of a batch of so many documents."""
    if len(row_E) == documents:
        return edits
    return replace(edits, documents=documents, doc_E=row_E[edits.doc_E])


def _together(found: list[Edits], documents: int) -> Edits:
    """The edits of disjoint sets of documents as one."""
    found = [edits for edits in found if len(edits)]
    if len(found) == 1:  # sorting them again would cost as much as finding them
        return found[0]
    return Edits.concatenate(found) if found else Edits.none(documents)
