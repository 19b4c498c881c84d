"""Words of texts as they are compared: no case, width, accents, punctuation, white space; Chinese as simplified."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from gristmill.filters.kernels.contamination.words import load_fold, read_words
from gristmill.filters.kernels.text.unicode import FLAGS


@cache
def fold() -> tuple[np.ndarray, np.ndarray]:
    """The tables of `kernels.contamination.words`, loaded once per process."""
    return load_fold()


@dataclass(frozen=True)
class Words:
    """Of one text."""

    hash: np.ndarray
    """uint64[W]"""
    begin: np.ndarray
    end: np.ndarray
    """int64[W]: bytes of the text in UTF-8."""
    numbers: np.ndarray
    """bool[W]: words that begin with a digit and stand behind one that does not."""


def words_of(text: str) -> Words:
    """The words of a text: runs of letters and digits; each character where a script has no spaces."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    room = len(data) // 2 + 1
    hash_W, begin_W, end_W = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
    count = read_words(data, 0, len(data), FLAGS, *fold(), hash_W, begin_W, end_W)
    spans = zip(begin_W[:count].tolist(), end_W[:count].tolist(), strict=True)
    raw = data.tobytes()
    digit_W = np.array([raw[begin:end].decode("utf-8", "replace")[:1].isdigit() for begin, end in spans], bool)
    first_W = digit_W & ~np.r_[False, digit_W[:-1]][:count]
    return Words(hash_W[:count], begin_W[:count], end_W[:count], first_W)
