"""Han characters and words as numbers: as they are told apart in a text, and as lists of them are looked up.

Letters: B bytes, N numbers of a list, T tokens.
"""

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text.unicode import code_point
from gristmill.filters.pii.names.tagger.tokens import lower, mix


@kernel
def character(data_B, start):
    """The Han character whose three bytes begin here; 0: one of four."""
    c = code_point(data_B, start)[0]
    return c if c <= 0xFFFF else np.int64(0)


@kernel
def joined(first, second):
    """Two characters as one number."""
    return first << 16 | second


@kernel
def pair_at(data_B, i, start_T):
    """The Han characters that are tokens i and i + 1, as one number."""
    return joined(character(data_B, start_T[i]), character(data_B, start_T[i + 1]))


@kernel
def holds(listed_N, value):
    """Whether a sorted list has a number."""
    place = np.searchsorted(listed_N, value)
    return place < len(listed_N) and listed_N[place] == value


def pair(text: str) -> int:
    """Two characters as pair_at() gives them."""
    return int(joined.py_func(*map(ord, text)))


def pairs(text: str) -> np.ndarray:
    """int64, sorted: pairs of characters that stand in a text with spaces between."""
    return np.array(sorted(map(pair, text.split())), np.int64)


def word_hash(word: str) -> int:
    """The hash of a word, as tokenise() makes it."""
    h = 1
    for c in word[:24]:
        h = int(mix.py_func(h, lower.py_func(ord(c))))
    return h


def han_hash(text: str) -> int:
    """The hash of a Han character, as tokenise() makes it, or of several in a row, as mark_lists() does."""
    h, *others = (int(mix.py_func(3, ord(c))) for c in text)
    for one in others:
        h = int(mix.py_func(h, one))
    return h
