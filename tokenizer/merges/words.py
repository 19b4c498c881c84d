"""Texts -> the distinct words that merges are learnt from, and how often each occurs.

A word is what no piece reaches beyond: spaces and what follows them up to the next, cut where the script changes and at
digits and characters that get no piece. So a Chinese sentence is as many words as it has clauses.

Letters: C characters of a batch, A of the alphabet, W distinct words, N their symbols, H slots of a hash table.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from gristmill.tokenizer.jit import inner, kernel
from gristmill.tokenizer.merges.scripts import ANY, CHARACTERS, scripts

END = -1
"""Between words."""
SPACE, SPACE_POINT = ord(" "), 0x2581
"""In texts; as SentencePiece spells it."""
DIGITS = [*range(ord("0"), ord("9") + 1), *range(0xFF10, 0xFF1A)]
"""Pieces by themselves (split_digits)."""
BEGIN_BITS = 40
BEGIN_MASK = (1 << BEGIN_BITS) - 1
TAG_SHIFT = BEGIN_BITS + 1
"""A slot of the table holds where a word begins, and above it as many bits of its hash as leave the sign."""
BATCH = 1 << 20
"""Characters that are counted at once."""


class Words(NamedTuple):
    """Distinct words of two characters or more."""

    symbol_N: np.ndarray
    """int32: END, the characters of a word by their number in the alphabet, END, those of the next, ..., END."""
    count_N: np.ndarray
    """int64: how often the word occurs that the symbol is of."""


def batches(texts: Iterable[str]) -> Iterator[np.ndarray]:
    """The texts' characters, uint32, about BATCH at once; a newline ends each text."""
    parts: list[str] = []
    size = 0
    for text in texts:
        parts.append(text)
        size += len(text)
        if size >= BATCH:
            yield _points(parts)
            parts, size = [], 0
    yield _points(parts)


def _points(parts: list[str]) -> np.ndarray:
    return np.frombuffer("\n".join([*parts, ""]).encode("utf-32-le"), np.uint32)


def count_words(texts: Iterable[str], alphabet: np.ndarray) -> Words:
    """The words of texts, in the order in which they first occur. alphabet: code points, a space among them as U+2581
    and no newline."""
    number_of = np.full(CHARACTERS, END, np.int32)
    number_of[alphabet] = np.arange(len(alphabet))
    number_of[SPACE], number_of[SPACE_POINT] = number_of[SPACE_POINT], END
    number_of[DIGITS] = END
    words, used, symbol_N, word_H2 = 0, 1, np.full(1, END, np.int32), np.zeros((1 << 12, 2), np.int64)
    for point_C in batches(texts):
        words, used, symbol_N, word_H2 = add_words(point_C, number_of, scripts(), words, used, symbol_N, word_H2)
    begin_W, count_W = word_H2[word_H2[:, 0] > 0].T
    order_W = np.argsort(begin_W & BEGIN_MASK)
    ends_W = np.append((begin_W & BEGIN_MASK)[order_W], used)
    count_N = np.repeat(count_W[order_W], np.diff(ends_W))
    return Words(symbol_N[:used], np.concatenate([np.zeros(1, np.int64), count_N]))


@inner
def holding(array, size):
    """The array, or a longer one that begins with it, so that it holds `size` values."""
    if size <= array.size:
        return array
    longer = np.empty(2 * size, array.dtype)
    for n in range(array.size):  # a slice would take a second to compile
        longer[n] = array[n]
    return longer


@inner
def hash_of(symbol_N, begin):
    """Of the word at begin."""
    value = np.uint64(0)
    while symbol_N[begin] != END:
        value = (value ^ np.uint64(symbol_N[begin])) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
        begin += 1
    return value


@inner
def slot_of(symbol_N, begin, word_H2):
    """(where the table has the word at begin, or a free slot for it; what is written there)."""
    value = hash_of(symbol_N, begin)
    slot = np.int64(value & np.uint64(len(word_H2) - 1))
    entry = (np.int64(value >> np.uint64(TAG_SHIFT)) << BEGIN_BITS) | begin
    while word_H2[slot, 0]:
        if (word_H2[slot, 0] ^ entry) <= BEGIN_MASK:  # the same tag
            other, k = word_H2[slot, 0] & BEGIN_MASK, begin
            while symbol_N[other] == symbol_N[k] and symbol_N[k] != END:
                other, k = other + 1, k + 1
            if symbol_N[other] == symbol_N[k]:
                break
        slot = (slot + 1) & (len(word_H2) - 1)
    return slot, entry


@kernel
def add_words(point_C, number_of, script_of, words, used, symbol_N, word_H2):
    """Count the words of some characters, of which the last is of none.

    Returns what it was given, with more room: how many words there are; the symbols of Words and how many these are;
    and a hash table of (where a word begins, with some bits of its hash above; its count). What is being read stands
    behind the last word until it ends.
    """
    symbol_N = holding(symbol_N, used + point_C.size + 1)
    at = used
    before = np.uint32(SPACE)
    for c in range(point_C.size):
        point = point_C[c]
        number = number_of[point]
        inside = number >= 0
        if inside and at > used:
            if point == SPACE:
                inside = before == SPACE
            elif before != SPACE:
                left, right = script_of[before], script_of[point]
                inside = left == right or min(left, right) == ANY
        if not inside:
            symbol_N[at] = END
            if at - used >= 2:
                slot, entry = slot_of(symbol_N, used, word_H2)
                word_H2[slot, 1] += 1
                if not word_H2[slot, 0]:
                    word_H2[slot, 0] = entry
                    used = at + 1
                    words += 1
                    if 2 * words > len(word_H2):
                        word_H2 = enlarged(symbol_N, word_H2)
            at = used
        if number >= 0:
            symbol_N[at] = number
            at += 1
        before = point
    return words, used, symbol_N, word_H2


@inner
def enlarged(symbol_N, word_H2):
    """The table with twice as many slots."""
    larger = np.empty((2 * len(word_H2), 2), np.int64)
    for h in range(len(larger)):
        larger[h, 0] = larger[h, 1] = 0
    for h in range(len(word_H2)):
        if word_H2[h, 0]:
            slot, entry = slot_of(symbol_N, word_H2[h, 0] & BEGIN_MASK, larger)
            larger[slot, 0], larger[slot, 1] = entry, word_H2[h, 1]
    return larger
