"""The words and word pairs that decide: what a classifier says of each by itself."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

SHOWN = 25
CANDIDATES = 20_000
MIN_DOCUMENTS = 10
MIN_SHARE = 0.005
"""Of documents that must hold an n-gram: a name in a few of them is nothing that a card should tell."""


@dataclass(frozen=True, slots=True)
class NGram:
    """A word, or words in a row, as the model is fed them; log_odds of the label, beyond those of an empty text."""

    words: str
    documents: int
    log_odds: float


def frequent(lines: Sequence[str], longest: int) -> list[tuple[str, int]]:
    """(n-gram, documents that hold it) of fed lines, the most frequent ones; ties by the n-gram itself."""
    count: Counter[str] = Counter()
    for line in lines:
        count.update(_ngrams(line.split(" "), longest))
    least = max(MIN_DOCUMENTS, int(MIN_SHARE * len(lines)))
    found = [(gram, documents) for gram, documents in count.items() if documents >= least and gram]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:CANDIDATES]


def _ngrams(words: list[str], longest: int) -> Iterable[str]:
    return {" ".join(words[at : at + n]) for n in range(1, longest + 1) for at in range(len(words) - n + 1)}


def deciding(
    grams: Sequence[tuple[str, int]], probability: np.ndarray, of_nothing: float
) -> tuple[list[NGram], list[NGram]]:
    """(for the label, against it), strongest first: by log odds beyond those of an empty text, times the logarithm of
    how many documents hold it. probability: of the label, for each n-gram alone."""
    beyond = _log_odds(probability) - _log_odds(np.array([of_nothing]))
    weight = beyond * np.log1p([documents for _, documents in grams])
    order = np.lexsort((np.arange(len(grams)), -weight))
    made = [NGram(grams[i][0], grams[i][1], float(beyond[i])) for i in order]
    return [one for one in made[:SHOWN] if one.log_odds > 0], [one for one in made[::-1][:SHOWN] if one.log_odds < 0]


def _log_odds(probability: np.ndarray) -> np.ndarray:
    safe = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(safe / (1 - safe))
