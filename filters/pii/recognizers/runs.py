"""How long a text's runs of digits and words are: a pattern of ten digits is not tried where all have eleven."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

LONGEST = 63
"""A longer run counts as one of so many characters."""

_DIGITS = np.zeros(256, np.int8)
_DIGITS[list(b"0123456789")] = 1
_WORDS = _DIGITS.copy()
_WORDS[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = 1


def bits(lengths: Iterable[int]) -> int:
    """Lengths of runs as bits, as `runs` gives them."""
    return sum(1 << min(length, LONGEST) for length in {*lengths})


@lru_cache(maxsize=4)
def runs(text: str) -> tuple[int, int]:
    """The lengths that there are of runs of ASCII digits, and of ASCII letters and digits, as bits."""
    data_B = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    return _lengths(_DIGITS[data_B]), _lengths(_WORDS[data_B])


def _lengths(of_B: np.ndarray) -> int:
    edge_E = np.flatnonzero(np.diff(of_B, prepend=0, append=0))
    length_R = np.minimum(edge_E[1::2] - edge_E[::2], LONGEST)
    return bits(np.flatnonzero(np.bincount(length_R)).tolist())
