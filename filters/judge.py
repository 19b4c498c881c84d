"""Judging a batch: which entry admits a document, which signals its rules need on which view, which rules fire."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from filters.rules import Preset

Editor = Callable[[pa.Array], tuple["Edits", dict[str, np.ndarray]]]  # noqa: F821
"""large_string texts -> their edits, and page-level signals (float64 per document) found on the way."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a recipe's `decide`: which documents, which presets in order. An absent condition admits all.

    languages: ISO 639-1; scripts: ISO 15924; sources: names of the recipe's sources.
    """

    languages: frozenset[str] | None
    scripts: frozenset[str] | None
    sources: frozenset[str] | None
    presets: tuple[Preset, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about the documents of a batch, in their order.

    signals: float64 columns, null where a document's entry does not ask for the signal.
    fired: list<string>, full names of all rules that fired, in recipe order; empty for a kept document.
    judged: bool per document; false where no entry admits it (`unjudged`: kept, counted).
    edits: byte ranges of the extracted text that the entry's editing presets change.
    """

    signals: pa.RecordBatch
    fired: pa.Array
    judged: np.ndarray
    edits: "Edits"  # type: ignore[name-defined]  # noqa: F821


class Judge:
    """A compiled recipe: entries, the signals that they need, and the columns that these make.

    columns: pa.Schema of `Judgement.signals`, known before any document is read; a field's metadata holds the
    signal's documentation. rule_names: full names of all rules in recipe order.
    """

    columns: pa.Schema
    rule_names: list[str]

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)

    def judge(self, text: pa.Array, language: pa.Array, script: pa.Array, source: pa.Array) -> Judgement:
        """Judge one batch. text large_string; language, script, source string columns of the same length.

        Raises TypeError for another text type. Rows keep their order; every row is answered.
        """
        raise NotImplementedError
