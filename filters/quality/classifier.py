"""A classifier of a recipe: which model reads which language, and what its labels are called as signals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.filters.by_language import readers
from gristmill.filters.placed import placed_at
from gristmill.filters.quality.bag import Bag, read_bag
from gristmill.filters.quality.feeding import FEEDINGS
from gristmill.filters.quality.model_file import LABEL
from gristmill.filters.quality.network import Network


@dataclass(frozen=True, slots=True)
class Model:
    """A fastText model by its content. Where it lies on this machine is said with `place`."""

    name: str
    """As the recipe names it."""
    sha256: str
    bytes: int
    labels: tuple[str, ...]
    feeding: str

    @property
    def kept_as(self) -> str:
        """Where a run directory keeps a copy."""
        return f"models/{self.sha256[:16]}-{Path(self.name).name}"

    @property
    def files(self) -> tuple["Model"]:
        """Of which it is made: itself."""
        return (self,)

    def probabilities(self, text: pa.Array) -> np.ndarray:
        """float64[texts, labels] of a large_string column: from 0 to 1; 0 where the model gives none."""
        lines = FEEDINGS[self.feeding](text.fill_null(""))
        if (ours := load_bag(self.sha256)) is not None:
            return np.minimum(ours.probabilities(lines), 1.0)
        # A list: a single str fails under numpy 2.
        found, probabilities = load_model(self.sha256).predict(lines.to_pylist(), k=-1)
        column = {LABEL + label: number for number, label in enumerate(self.labels)}
        value_DL = np.zeros((len(text), len(self.labels)))
        for row, (names, values) in enumerate(zip(found, probabilities, strict=True)):
            value_DL[row, [column[name] for name in names]] = values
        return np.minimum(value_DL, 1.0)  # it gives 1.00003, too


@dataclass(frozen=True, slots=True)
class Classifier:
    """A named classifier: one model, or one for each of some languages, all with the same labels.

    signals: name of a signal -> the label whose probability it is. languages: what the numbers mean something for;
    None: any. A document in another language has no number (NaN), and no rule on it fires.
    """

    name: str
    models: tuple[tuple[str, Model | Network], ...]
    """By language, or one under ANY."""
    signals: tuple[tuple[str, str], ...]
    languages: frozenset[str] | None

    @property
    def key(self) -> list[Any]:
        """What a step key holds of it: no paths."""
        models = [[language, model.sha256, model.feeding] for language, model in self.models]
        return [self.name, models, list(self.signals), sorted(self.languages) if self.languages else None]

    def values(self, text: pa.Array, language: pa.Array | None) -> np.ndarray:
        """float64[texts, signals]. language: ISO 639-1 of each text; None: every text is in this one's language.

        Raises ValueError where languages are needed to choose among models.
        """
        if language is None and len(self.models) > 1:
            raise ValueError(f"the classifier {self.name} has a model for each language: give the languages")
        labels = [label for _, label in self.signals]
        value_DS = np.full((len(text), len(labels)), np.nan)
        for _, model, rows, chosen in readers(self.models, self.languages, text, language):
            value_DS[rows] = model.probabilities(chosen)[:, [model.labels.index(label) for label in labels]]
        return value_DS


@cache
def load_model(sha256: str) -> Any:
    """The fastText model of this content, loaded once per process: before a fork, so that workers share it.

    Raises KeyError for one that was not placed.
    """
    import fasttext  # here, so that a process that classifies nothing need not load it

    return fasttext.load_model(placed_at(sha256))


@cache
def load_bag(sha256: str) -> Bag | None:
    """The same, for our own kernel; None for a model that only fastText scores. Raises KeyError."""
    return read_bag(Path(placed_at(sha256)))


def signal_names(name: str, labels: Sequence[str], positive: str | None) -> dict[str, str]:
    """Signal -> label: the classifier's own name for the positive label, else `<classifier>.<label>` of each.

    Raises ValueError for a positive label that the model lacks.
    """
    if positive is not None:
        if positive not in labels:
            raise ValueError(f"the model has no label '{positive}'; its labels are {', '.join(labels)}")
        return {name: positive}
    return {f"{name}.{label}": label for label in labels}


def same_labels(models: Mapping[str, Model | Network]) -> None:
    """Raises ValueError where models of several languages have other labels than the first."""
    (first, model), *others = models.items()
    for language, other in others:
        if set(other.labels) != set(model.labels):
            raise ValueError(
                f"its models have different labels: {first} has {', '.join(sorted(model.labels))}, "
                f"{language} has {', '.join(sorted(other.labels))}; train them with the same ones"
            )
