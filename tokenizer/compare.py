"""Tokenizers measured on the same texts, by language and source: what a text costs, and what the vocabulary does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gristmill.tokenizer.opened import Opened

ALPHA = 2.5
"""Of the Renyi entropy; with it efficiency goes along best with the quality of translations (Zouhar et al. 2023,
"Tokenization and the Noiseless Channel", section 5)."""
ALL = "all"
BATCH = 512


@dataclass
class Measured:
    """Counts over the documents of one group, without special ids; they add up."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    words: int = 0
    tokens: int = 0
    partial: int = 0
    """Tokens that are no whole character."""

    def figures(self, count_V: np.ndarray) -> dict[str, Any]:
        """The counts and the ratios made of them, null where there is nothing to divide by.

        count_V: int64[V], how often each id occurs in the group.
        """
        return {
            "documents": self.documents, "bytes": self.bytes, "characters": self.characters, "words": self.words,
            "tokens": self.tokens,
            "bytes_per_token": _ratio(self.bytes, self.tokens),
            "tokens_per_word": _ratio(self.tokens, self.words),
            "tokens_per_character": _ratio(self.tokens, self.characters),
            "byte_fallback_share": _ratio(self.partial, self.tokens),
            "renyi_efficiency": renyi_efficiency(count_V),
            "ids_used": int(np.count_nonzero(count_V)),
        }  # fmt: skip


def renyi_efficiency(count_V: np.ndarray, alpha: float = ALPHA) -> float | None:
    """Renyi entropy of the ids over the logarithm of how many there are: 1 where all are equally frequent.

    Only the vocabulary that is given counts, used or not. None of no token, or of a single id.
    """
    total = int(count_V.sum())
    if total == 0 or len(count_V) < 2:
        return None
    share = count_V[count_V > 0] / total
    return float(np.log(np.sum(share**alpha)) / (1 - alpha) / math.log(len(count_V)))


def head_cost(vocabulary: int, bytes_per_token: float | None, width: int) -> dict[str, float | None]:
    """What the vocabulary costs a model of that width.

    head_parameters: of the last matrix (an embedding of its own has as many). head_layers: how many layers have as many
    (12 width**2 each: Kaplan et al. 2020, table 1). head_flop_per_byte: of the forward pass, 2 a parameter and token.
    """
    parameters = vocabulary * width
    return {
        "head_parameters": parameters,
        "head_layers": parameters / (12 * width**2),
        "head_flop_per_byte": 2 * parameters / bytes_per_token if bytes_per_token else None,
    }


def measure(
    tokenizer: Opened, texts: Sequence[str], languages: Sequence[str], sources: Sequence[str], width: int
) -> dict[str, Any]:
    """Figures of one tokenizer: `all`, by language, by source."""
    groups: dict[tuple[str, str], Measured] = {}
    counts: dict[tuple[str, str], np.ndarray] = {}
    for begin in range(0, len(texts), BATCH):
        batch = texts[begin : begin + BATCH]
        tokens, offsets = tokenizer.encode(batch)
        for n, text in enumerate(batch):
            ids = tokens[offsets[n] : offsets[n + 1]]
            row = Measured(1, len(text.encode()), len(text), len(text.split()), len(ids),
                           int(tokenizer.partial_V[ids].sum()))  # fmt: skip
            language, source = languages[begin + n], sources[begin + n]
            for key in ((ALL, ""), ("languages", language), ("sources", source)):
                _add(groups.setdefault(key, Measured()), row)
                count_V = counts.setdefault(key, np.zeros(tokenizer.vocabulary, np.int64))
                np.add.at(count_V, ids, 1)
    made: dict[str, Any] = {"tokenizer": tokenizer.name, "kind": tokenizer.kind, "vocabulary": tokenizer.vocabulary}
    whole = groups.get((ALL, ""), Measured()).figures(counts.get((ALL, ""), np.zeros(tokenizer.vocabulary, np.int64)))
    made[ALL] = whole | head_cost(tokenizer.vocabulary, whole["bytes_per_token"], width)
    for kind in ("languages", "sources"):
        made[kind] = {name: groups[one, name].figures(counts[one, name]) for one, name in sorted(groups) if one == kind}
    return made


def _add(total: Measured, row: Measured) -> None:
    for name, value in vars(row).items():
        setattr(total, name, getattr(total, name) + value)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
