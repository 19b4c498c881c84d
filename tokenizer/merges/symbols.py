"""What merging knows of a symbol besides where it stands: its text, and what it may become a piece with.

Letters: S symbols (the alphabet, then what is learnt), L characters of the longest piece, H slots of a hash table.
"""

from typing import NamedTuple

import numpy as np

from gristmill.tokenizer.jit import inner
from gristmill.tokenizer.merges.scripts import ANY, scripts
from gristmill.tokenizer.merges.words import SPACE_POINT

LONGEST = 16
"""Characters of a piece (max_sentencepiece_length)."""
NO_SPACE, ONE_SPACE, SPACES, SPACED = range(4)
"""What a symbol holds: text; one space; several; one and text behind it."""


class Symbols(NamedTuple):
    """Of all symbols; rows of those not learnt yet mean nothing."""

    spelt_SL: np.ndarray
    """uint32: its code points, then zeros."""
    length_S: np.ndarray
    """int64: its characters."""
    script_S: np.ndarray
    """uint8: its script, or ANY."""
    spacing_S: np.ndarray
    """uint8: NO_SPACE, ..."""
    learnt_H: np.ndarray
    """int32: a hash table of those learnt, by their text."""


def symbols_of(alphabet: np.ndarray, wanted: int) -> Symbols:
    """The characters of an alphabet, and room for `wanted` symbols."""
    known, size = len(alphabet), len(alphabet) + wanted
    spelt_SL, length_S = np.zeros((size, LONGEST), np.uint32), np.ones(size, np.int64)
    script_S, spacing_S = np.full(size, ANY, np.uint8), np.full(size, NO_SPACE, np.uint8)
    spelt_SL[:known, 0] = alphabet
    script_S[:known] = np.where(alphabet == SPACE_POINT, ANY, scripts()[alphabet])
    spacing_S[:known][alphabet == SPACE_POINT] = ONE_SPACE
    return Symbols(spelt_SL, length_S, script_S, spacing_S, np.full(2 << size.bit_length(), -1, np.int32))


@inner
def fit(left, right, symbols):
    """Whether two may make a piece (trainer_interface.cc, IsValidSentencePiece)."""
    if symbols.length_S[left] + symbols.length_S[right] > LONGEST:
        return False
    first, second = symbols.spacing_S[left], symbols.spacing_S[right]
    if second == NO_SPACE:
        if first == SPACES:
            return False
    elif second == SPACED or (first != ONE_SPACE and first != SPACES):
        return False
    one, other = symbols.script_S[left], symbols.script_S[right]
    return one == other or min(one, other) == ANY


@inner
def join(left, right, new, symbols):
    """Describe the symbol of two that fit."""
    spelt_SL, length_S, script_S, spacing_S, _ = symbols
    for k in range(LONGEST):
        spelt_SL[new, k] = spelt_SL[left, k]
    for k in range(length_S[right]):
        spelt_SL[new, length_S[left] + k] = spelt_SL[right, k]
    length_S[new] = length_S[left] + length_S[right]
    script_S[new] = max(script_S[left], script_S[right])  # of which one may be ANY, the least
    if spacing_S[right] != NO_SPACE:
        spacing_S[new] = SPACES
    else:
        spacing_S[new] = NO_SPACE if spacing_S[left] == NO_SPACE else SPACED


@inner
def is_new(new, symbols):
    """Whether none that was learnt is spelt as this one, which is noted as learnt then."""
    spelt_SL, learnt_H = symbols.spelt_SL, symbols.learnt_H
    value = np.uint64(0)
    for k in range(LONGEST):
        value = (value ^ np.uint64(spelt_SL[new, k])) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
    slot = np.int64(value & np.uint64(learnt_H.size - 1))
    while learnt_H[slot] >= 0:
        k = 0
        while k < LONGEST and spelt_SL[learnt_H[slot], k] == spelt_SL[new, k]:
            k += 1
        if k == LONGEST:
            return False
        slot = (slot + 1) & (learnt_H.size - 1)
    learnt_H[slot] = new
    return True
