"""The phrases of chinese@gristmill, as data that can be looked at, and their automaton."""

from functools import cache

import numpy as np

from gristmill.filters.data import lines_of
from gristmill.filters.kernels import phrases
from gristmill.filters.kernels.text.unicode import LIMIT, LOWER

KINDS = {
    "furniture": phrases.FURNITURE,
    "navigation": phrases.NAVIGATION,
    "contact": phrases.CONTACT,
    "phone": phrases.PHONE,
    "offer": phrases.OFFER,
    "gambling": phrases.SPAM,
    "loans": phrases.SPAM,
    "adult": phrases.SPAM,
    "papers": phrases.SPAM,
    "games": phrases.SPAM,
}
"""Categories of filters/data/chinese_phrases.txt and what a phrase of each is to the signals."""


def chinese_phrases() -> dict[str, tuple[str, ...]]:
    """Category -> phrases, as the shipped file has them."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for line in lines_of("chinese_phrases.txt"):
        kind, _, words = line.partition(": ")
        found[kind] += words.split()
    return {kind: tuple(words) for kind, words in found.items()}


@cache
def fold_table() -> np.ndarray:
    """int32 by code point: the half-width, lower-case form under which `char` words and phrases are compared."""
    fold_C = LOWER.copy()
    fold_C[0xFF01:0xFF5F] = LOWER[0x21:0x7F]
    return fold_C


@cache
def chinese_automaton() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(symbol_C uint16 by code point, next_SY, kind_S, length_S3): the tables of kernels.phrases.read_lines."""
    fold_C = fold_table()
    bits: dict[str, int] = {}
    for kind, words in chinese_phrases().items():
        for word in words:
            folded = "".join(chr(fold_C[ord(char)]) for char in word)
            bits[folded] = bits.get(folded, 0) | KINDS[kind]
    next_SY, kind_S, length_S3, symbols = phrases.automaton(bits)
    symbol_C = np.zeros(LIMIT, np.uint16)
    symbol_C[[ord(char) for char in symbols]] = list(symbols.values())
    return symbol_C[fold_C], next_SY, kind_S, length_S3
