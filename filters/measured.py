"""What an earlier judge has measured, and what of it another judge can use: a bound is turned without a text.

A number is named by what it is (a signal, of which view, by which model), not by the column that it stood in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import Edits
from gristmill.filters.rules import Preset, Rule


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


def admitting(
    entries: Sequence[Entry], language: pa.Array, script: pa.Array, source: pa.Array, documents: int
) -> np.ndarray:
    """int64[documents]: the number of the first entry that admits each; how many entries there are where none does."""
    first_D = np.full(documents, len(entries))
    for number in range(len(entries) - 1, -1, -1):
        first_D[entries[number].admits(language, script, source)] = number
    return first_D


@dataclass(frozen=True, slots=True)
class Asked:
    """What a judge asks of the documents of one entry: the meaning of every column, and the editing steps in order.

    bounds: of its rules by full name the meaning of the number, the comparison and the threshold; not kept as JSON.
    """

    columns: Mapping[str, str]
    editors: tuple[str, ...] = ()
    bounds: Mapping[str, tuple[str, str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a judge asks of the documents of each of its entries, and at the end of those that none admits.

    Entries are known by their conditions only.
    """

    entries: tuple[Entry, ...]
    asked: tuple[Asked, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """As JSON values."""
        conditions = [
            {
                name: None if values is None else sorted(values)
                for name, values in (("languages", e.languages), ("scripts", e.scripts), ("sources", e.sources))
            }
            for e in self.entries
        ]
        asked = [{"columns": dict(one.columns), "editors": list(one.editors)} for one in self.asked]
        return [condition | one for condition, one in zip([*conditions, {}], asked, strict=True)]

    @classmethod
    def from_json(cls, records: list[dict[str, Any]]) -> "Measured":
        """The inverse of to_json."""

        def some(record: dict[str, Any], name: str) -> frozenset[str] | None:
            return None if record[name] is None else frozenset(record[name])

        entries = tuple(Entry(some(r, "languages"), some(r, "scripts"), some(r, "sources"), ()) for r in records[:-1])
        return cls(entries, tuple(Asked(r["columns"], tuple(r["editors"])) for r in records))


@dataclass(frozen=True, slots=True)
class Turn:
    """What is left to ask of documents that one entry judged and another one judges now.

    same: full names of the rules that fire exactly where they fired. asked: (number of the rule, rule, column in which
    its number is stored) of the others. always: the number of a rule that fires for all.
    """

    same: frozenset[str]
    asked: tuple[tuple[int, Rule, str], ...]
    always: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The numbers of a batch as an earlier judge left them, and the edits of those documents whose edits are known.

    signals: its float64 columns. edited: bool per document.
    """

    measured: Measured
    signals: pa.RecordBatch
    edits: Edits
    edited: np.ndarray

    def values(self, column: str, row_R: np.ndarray) -> np.ndarray:
        """float64 of these documents, NaN where there is none."""
        whole_D: np.ndarray = self.signals.column(column).to_numpy(zero_copy_only=False)
        return whole_D[row_R]
