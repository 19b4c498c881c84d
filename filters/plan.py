"""What the rules of one entry need: views of the text, and columns of signals on them, measured or remembered."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.filters.edits import Edits, apply
from gristmill.filters.junk.edit import edit_junk, editor_of
from gristmill.filters.line_rules import DATATROVE, FINEWEB, PAPER, TFDS, c4_editor
from gristmill.filters.measured import Asked, Stored
from gristmill.filters.refinedweb import edit_refinedweb
from gristmill.filters.rules import Preset, Rule
from gristmill.filters.signals import SIGNALS, score
from gristmill.filters.signals.declare import IDENTIFICATION

Editor = Callable[[pa.Array], tuple[Edits, dict[str, np.ndarray]]]
"""large_string texts -> their edits, and page-level signals (float64 per document) found on the way."""


class Editors(dict[str, Editor]):
    """By name; those of chosen families of lines are too many to list."""

    def __missing__(self, name: str) -> Editor:
        return editor_of(name)


EDITORS = Editors(
    {
        "c4@tfds": c4_editor(TFDS),
        "c4@paper": c4_editor(PAPER),
        "c4@datatrove": c4_editor(DATATROVE),
        "c4@fineweb": c4_editor(FINEWEB),
        "refinedweb@dclm": edit_refinedweb,
        "lines@gristmill": edit_junk,
    }
)
"""What the `editor` of a preset names. Those with one name before the @ find the same signals."""

IDENTIFIED = "language_score"
"""The signal that identification gives; it stands beside the others, for every document."""


@dataclass(slots=True)
class View:
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


@dataclass(frozen=True, slots=True)
class Documents:
    """Some documents of a batch: their rows in it, and what signals are computed from."""

    row: np.ndarray
    text: pa.Array
    language: pa.Array
    beside: Mapping[str, pa.Array | None]
    language_score: np.ndarray

    def take(self, at: np.ndarray) -> "Documents":
        """Some of these; what is asked for whole is not copied."""
        if len(at) == len(self.row):
            return self
        rows = pa.array(at)
        text, language = (column if column is None else column.take(rows) for column in (self.text, self.language))
        beside = {name: column if column is None else column.take(rows) for name, column in self.beside.items()}
        return Documents(self.row[at], text, language, beside, self.language_score[at])


class Plan:
    """The rules of one entry, each with the column that it reads, and the views that these columns come from.

    meaning_of: column -> what the number in it is, of the rules and of what presets measure beside them. `keys` tells
    signals of one name apart, where their numbers come from files.
    """

    def __init__(self, presets: Sequence[Preset], measured: Sequence[str], keys: Mapping[str, Any]) -> None:
        self.views = [View(None, "", names=[*measured])]
        self.rules: list[Rule] = []
        self.rule_names: list[str] = []
        self.rule_columns: list[str] = []
        self.signal_of: dict[str, str] = {}
        self.meaning_of: dict[str, str] = {}
        self._keys = keys
        for preset in presets:
            if preset.editor is not None:
                self.views.append(self._next_view(preset.editor, preset.short_name))
            self.rules += preset.rules
            self.rule_names += preset.rule_names()
            self.rule_columns += [self._column(rule.signal) for rule in preset.rules]
            for name in preset.measures:
                self._column(name)
        for name in measured:
            self._mean(name, name, 1)

    @property
    def editors(self) -> tuple[str, ...]:
        """The editing steps, in order."""
        return tuple(view.editor for view in self.views if view.editor is not None)

    @property
    def asked(self) -> Asked:
        """What later judges need to know of its numbers."""
        named = zip(self.rule_names, self.rule_columns, self.rules, strict=True)
        bounds = {name: (self.meaning_of[column], rule.comparison, rule.threshold) for name, column, rule in named}
        return Asked(self.meaning_of, self.editors, bounds)

    def _column(self, name: str) -> str:
        """The column of a signal for rules that see the newest view, which will compute it if no editor does."""
        editor, view = SIGNALS[name].editor, self.views[-1]
        if editor == IDENTIFICATION:
            return self._mean(name, name, 1)
        if editor is None:
            if name not in view.names:
                view.names.append(name)
            return self._mean(name + view.suffix, name, len(self.views))
        finders = [number for number, view in enumerate(self.views) if view.kind == editor]
        if not finders:
            raise ValueError(f"signal {name} comes from the editing step {editor}, which no preset before makes")
        return self._mean(name + self.views[finders[-1]].found_suffix, name, finders[-1] + 1)

    def _mean(self, column: str, name: str, views: int) -> str:
        """Note what stands in a column: a signal, as it is after so many views."""
        steps = [view.editor for view in self.views[1:views]]
        self.signal_of[column] = name
        self.meaning_of[column] = json.dumps([name, steps, self._keys.get(name)])
        return column

    def _next_view(self, editor: str, short_name: str) -> View:
        before = self.views[-1].suffix
        view = View(editor, f"{before}__{short_name}")
        if any(one.kind == view.kind for one in self.views):
            view.found_suffix = before
        return view

    def measure(self, of: Documents, columns: Collection[str] | None = None) -> tuple[dict[str, np.ndarray], Edits]:
        """All columns of the plan, or some; float64 per document; and the edits of its editing steps as one."""
        wanted = self.signal_of if columns is None else columns
        values = {IDENTIFIED: of.language_score}
        text, edits = of.text, Edits.none(len(of.language))
        for view in self.views:
            if view.editor is not None:
                made, found = EDITORS[view.editor](text)
                edits, text = edits.then(made) if len(edits) else made, apply(text, made)
                values |= {name + view.found_suffix: value_D for name, value_D in found.items()}
            names = [name for name in view.names if name + view.suffix in wanted]
            found = score(text, names, of.beside)
            values |= {name + view.suffix: value_D for name, value_D in found.items()}
        return {name: values[name] for name in self.signal_of if name in wanted}, edits

    def known(self, language: pa.Array, asked: Asked, judged: bool) -> dict[str, str]:
        """Column -> the one in which another judge, who asked `asked` of documents in these languages, stored the same
        number.

        judged: whether that judge admitted them; if not, it left out what means nothing for a document's language.
        """
        column_of = {meaning: column for column, meaning in asked.columns.items()}
        languages = [] if judged else language.unique().to_pylist()
        return {
            column: column_of[meaning]
            for column, meaning in self.meaning_of.items()
            if meaning in column_of and all(SIGNALS[self.signal_of[column]].valid_for(one) for one in languages)
        } | {name: name for name in self.signal_of if name == IDENTIFIED}

    def remember(self, of: Documents, stored: Stored, known: Mapping[str, str]) -> dict[str, np.ndarray]:
        """As `measure`, where the columns `known` are stored: only the others are measured now."""
        missing = [column for column in self.signal_of if column not in known]
        values = self.measure(of, missing)[0] if missing else {}
        for column, before in known.items():
            values[column] = of.language_score if column == IDENTIFIED else stored.values(before, of.row)
        return {column: values[column] for column in self.signal_of}

    def edit(self, of: Documents, stored: Stored, before: np.ndarray) -> Edits:
        """As `measure` finds them: those that are stored after the same editing steps, the others made now.

        before: by which entry of the earlier judge each document was judged.
        """
        same_steps = np.array([asked.editors == self.editors for asked in stored.measured.asked])
        same = same_steps[before] & stored.edited[of.row]
        documents = len(of.row)
        known, new = np.flatnonzero(same), np.flatnonzero(~same)
        made = [moved(stored.edits.take(of.row[known]), known, documents)]
        if len(new):
            made.append(moved(self.measure(of.take(new), ())[1], new, documents))
        return together(made, documents)


def moved(edits: Edits, row_E: np.ndarray, documents: int) -> Edits:
    """The edits with document i renamed to row_E[i] of a batch of so many documents."""
    if len(row_E) == documents:
        return edits
    return replace(edits, documents=documents, doc_E=row_E[edits.doc_E])


def together(found: list[Edits], documents: int) -> Edits:
    """The edits of disjoint sets of documents as one."""
    found = [edits for edits in found if len(edits)]
    if len(found) == 1:  # sorting them again would cost as much as finding them
        return found[0]
    return Edits.concatenate(found) if found else Edits.none(documents)
