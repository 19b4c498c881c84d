"""How well a tokenizer fits a text: counts that add up over batches and workers, and the ratios made of them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.tokenizer.encode import Encoder, Texts
from gristmill.tokenizer.sampling import large_strings

ALL = "all"
"""Name of the figures over every language."""


@dataclass(frozen=True)
class Figures:
    """Counts over documents of one language, without BOS and EOS."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    words: int = 0
    """Runs of anything but white space; says little where words are not spaced (Chinese: use characters)."""
    tokens: int = 0
    byte_tokens: int = 0
    """Tokens that are single bytes of a character without a piece of its own."""
    unknown: int = 0
    round_trip_errors: int = 0
    """Documents that do not come back as they were. Both must be 0."""

    def __add__(self, other: "Figures") -> "Figures":
        mine, its = dataclasses.astuple(self), dataclasses.astuple(other)
        return Figures(*(a + b for a, b in zip(mine, its, strict=True)))

    def as_dict(self) -> dict[str, int | float]:
        """The counts and tokens_per_word, tokens_per_character, bytes_per_token, byte_token_share (0 of nothing)."""
        return dataclasses.asdict(self) | {
            "tokens_per_word": _ratio(self.tokens, self.words),
            "tokens_per_character": _ratio(self.tokens, self.characters),
            "bytes_per_token": _ratio(self.bytes, self.tokens),
            "byte_token_share": _ratio(self.byte_tokens, self.tokens),
        }


def evaluate(encoder: Encoder, texts: Texts, languages: Sequence[str | None]) -> dict[str, Figures]:
    """Figures by language of a batch of texts; "" stands for no language. Add batches up with merged()."""
    array = pc.fill_null(large_strings(texts), "")
    tokens, offsets = encoder.encode(array, bos=False, eos=False)
    is_byte = encoder.partial_V[tokens]
    counts = {
        "documents": np.ones(len(array), np.int64),
        "bytes": pc.binary_length(array).to_numpy(zero_copy_only=False),
        "characters": pc.utf8_length(array).to_numpy(zero_copy_only=False),
        "words": np.fromiter((len(text.split()) for text in array.to_pylist()), np.int64, len(array)),
        "tokens": np.diff(offsets),
        "byte_tokens": _sums(is_byte, offsets),
        "unknown": _sums(tokens == encoder.unk, offsets),
        "round_trip_errors": _round_trip_errors(encoder, array, tokens, offsets),
    }
    names = np.array([language or "" for language in languages], dtype=object)
    return {
        language: Figures(*(int(counts[field.name][names == language].sum()) for field in dataclasses.fields(Figures)))
        for language in sorted(set(names))
    }


def merged(parts: Sequence[dict[str, Figures]]) -> dict[str, Figures]:
    """The sum of several batches' figures, by language, and their total under "all"."""
    total: dict[str, Figures] = {}
    for part in parts:
        for language, figures in part.items():
            total[language] = total.get(language, Figures()) + figures
    return {ALL: sum(total.values(), Figures())} | dict(sorted(total.items()))


def _sums(flags: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """int64[D]: how many flags of each document are set."""
    running = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    return running[offsets[1:]] - running[offsets[:-1]]


def _round_trip_errors(encoder: Encoder, array: pa.Array, tokens: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    lists = np.split(tokens, offsets[1:-1])
    texts = array.to_pylist()
    return np.fromiter(
        (encoder.decode(ids.tolist()) != text for ids, text in zip(lists, texts, strict=True)), np.int64, len(array)
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
