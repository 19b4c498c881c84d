"""Words -> the merges that byte-pair encoding learns from them, as SentencePiece does (bpe_model_trainer.cc).

The pair of neighbours that occurs most often becomes a symbol, again and again; of pairs that occur equally often the
one of fewer characters, then the one whose text is lower. Two pairs may spell the same: the second is no piece, and
stays two symbols. SentencePiece looks only at the 5 % most frequent pairs, chosen anew every hundred merges, and where
none occurs any more it takes those that once did; here all are looked at, and learning ends with the last that occurs.

A pair of a new symbol has all its places from the merge that made the symbol, and only loses some later. So the places
of a pair are one slice of an array, in order; one look at each says whether the pair still stands there; and a count
that was put on the heap is never too low. Work and memory grow with the number of symbols, however long the words are.

Letters: N symbols of all words, S symbols (the alphabet, then what is learnt), P pairs, K pairs on the heap, Q places,
T symbols seen beside a new one.
"""

from typing import NamedTuple

import numpy as np

from gristmill.tokenizer.jit import inner, kernel
from gristmill.tokenizer.merges.pairs import (
    BEGIN,
    COUNT,
    KEY,
    LEFT_BITS,
    RIGHT_MASK,
    SIZE,
    add_pair,
    first_pairs,
    heap_of,
    key_of,
    sift_down,
    sift_up,
    slot_of_pair,
    with_row,
)
from gristmill.tokenizer.merges.symbols import fit, is_new, join, symbols_of
from gristmill.tokenizer.merges.words import END, Words, holding

INSIDE = -(1 << 31)
"""In symbol_N: neither the first nor the last character of a symbol. The first holds its number; the last, where it is
another, LAST less its number."""
LAST = END - 1
BEFORE, BEHIND = 0, 1
"""Columns of Beside."""


class Beside(NamedTuple):
    """Which symbols stand before and behind a new one; all zeros between two merges."""

    sum_S2: np.ndarray
    """int64: how often, each word counted as often as it occurs."""
    size_S2: np.ndarray
    """int64: in how many places; then where the next place of the pair goes, or below zero."""
    symbol_T2: np.ndarray
    """int64: which, in the order in which they are seen."""
    symbols_2: np.ndarray
    """int64: how many."""


def learn(words: Words, alphabet: np.ndarray, wanted: int) -> list[str]:
    """What is learnt of words that count_words made with the alphabet: at most `wanted` texts, in the order in which
    they merge; fewer where no pair is left."""
    known = len(alphabet)
    symbols = symbols_of(alphabet, wanted)
    sums, sizes, seen = np.zeros((3, known + wanted, 2), np.int64)
    beside = Beside(sums, sizes, seen, np.zeros(2, np.int64))
    # Places take half as much where they can.
    place_Q = np.empty(len(words.symbol_N), np.uint32 if len(words.symbol_N) < 1 << 32 else np.int64)
    found = merge_pairs(words.symbol_N.copy(), words.count_N, place_Q, known, symbols, beside)
    rows = zip(symbols.spelt_SL[known:found].tolist(), symbols.length_S[known:found].tolist(), strict=True)
    return ["".join(map(chr, row[:length])) for row, length in rows]


@kernel
def merge_pairs(symbol_N, count_N, place_Q, known, symbols, beside):
    """Describe the symbols that are learnt, from number `known` on. Returns the number behind the last one."""
    pairs, pair_PF, slot_H, used = first_pairs(symbol_N, count_N, place_Q)
    heap_K2, waiting = heap_of(pairs, pair_PF, symbols), pairs
    new = known
    while new < symbols.length_S.size and waiting:
        p = heap_K2[0, 1]
        count, begin = pair_PF[p, COUNT], pair_PF[p, BEGIN]
        left, right = pair_PF[p, KEY] >> LEFT_BITS, pair_PF[p, KEY] & RIGHT_MASK
        chosen = False
        if count == heap_K2[0, 0]:
            join(left, right, new, symbols)
            chosen = is_new(new, symbols)
            count = 0
        if count:  # it had more when it was put on the heap
            heap_K2[0, 0] = count
        else:
            waiting -= 1
            heap_K2[0, 0], heap_K2[0, 1] = heap_K2[waiting, 0], heap_K2[waiting, 1]
        sift_down(0, waiting, pair_PF, heap_K2, symbols)
        if not chosen:
            continue
        slice_Q = place_Q[begin : begin + pair_PF[p, SIZE]]
        places = replace_pair(symbol_N, count_N, slice_Q, left, right, new, symbols.length_S, beside)
        subtract(left, right, pair_PF, slot_H, beside)
        merged_Q = slice_Q[:places]
        count_beside(symbol_N, count_N, merged_Q, new, symbols.length_S, beside)
        for side in range(2):
            for t in range(beside.symbols_2[side]):
                symbol = beside.symbol_T2[t, side]
                before, behind = (symbol, new) if side == BEFORE else (new, symbol)
                size = beside.size_S2[symbol, side]
                beside.size_S2[symbol, side] = -1
                if fit(before, behind, symbols):
                    pair_PF, slot_H = add_pair(key_of(before, behind), pairs, pair_PF, slot_H)
                    count = pair_PF[pairs, COUNT] = beside.sum_S2[symbol, side]
                    pair_PF[pairs, BEGIN], pair_PF[pairs, SIZE] = used, size
                    heap_K2 = with_row(heap_K2, waiting)
                    heap_K2[waiting, 0], heap_K2[waiting, 1] = count, pairs
                    sift_up(waiting, pair_PF, heap_K2, symbols)
                    beside.size_S2[symbol, side] = used
                    pairs, waiting, used = pairs + 1, waiting + 1, used + size
        place_Q = holding(place_Q, used)
        note_places(symbol_N, merged_Q, new, symbols.length_S, beside.size_S2, place_Q)
        clear(beside)
        new += 1
    return new


@inner
def symbol_that_ends(symbol_N, i):
    """The symbol whose last character stands at i, or END."""
    found = symbol_N[i]
    return found if found >= END else LAST - found


@inner
def add(symbol, side, count, beside):
    """Count a neighbour, if there is one."""
    if symbol != END:
        if beside.sum_S2[symbol, side] == 0:
            beside.symbol_T2[beside.symbols_2[side], side] = symbol
            beside.symbols_2[side] += 1
        beside.sum_S2[symbol, side] += count
        beside.size_S2[symbol, side] += 1


@inner
def clear(beside):
    """Forget them."""
    for side in range(2):
        for t in range(beside.symbols_2[side]):
            symbol = beside.symbol_T2[t, side]
            beside.sum_S2[symbol, side] = beside.size_S2[symbol, side] = 0
        beside.symbols_2[side] = 0


@inner
def replace_pair(symbol_N, count_N, place_Q, left, right, new, length_S, beside):
    """Put a symbol wherever its pair stands, and count what stood beside it, each pair of neighbours once. Returns how
    many places these are; they stand first in place_Q then."""
    places = 0
    for q in range(place_Q.size):
        i = np.int64(place_Q[q])
        middle = i + length_S[left]
        if symbol_N[i] == left and symbol_N[middle] == right:
            end = middle + length_S[right]
            before = symbol_that_ends(symbol_N, i - 1)
            if before != new:  # else it was behind the new symbol before, and is counted
                add(before, BEFORE, count_N[i], beside)
            add(symbol_N[end], BEHIND, count_N[i], beside)
            symbol_N[middle] = INSIDE
            symbol_N[end - 1] = LAST - new
            symbol_N[i] = new
            place_Q[places] = i
            places += 1
    return places


@inner
def subtract(left, right, pair_PF, slot_H, beside):
    """Take the pairs that stand no more, of what was beside a pair that merged, from their counts."""
    for side in range(2):
        for t in range(beside.symbols_2[side]):
            symbol = beside.symbol_T2[t, side]
            key = key_of(symbol, left) if side == BEFORE else key_of(right, symbol)
            p = slot_H[slot_of_pair(key, pair_PF, slot_H)]
            if p >= 0:
                pair_PF[p, COUNT] -= beside.sum_S2[symbol, side]
    clear(beside)


@inner
def count_beside(symbol_N, count_N, merged_Q, new, length_S, beside):
    """Count what stands beside a new symbol; of two of them the second, as behind the first."""
    for q in range(merged_Q.size):
        i = np.int64(merged_Q[q])
        before = symbol_that_ends(symbol_N, i - 1)
        if before != new:
            add(before, BEFORE, count_N[i], beside)
        add(symbol_N[i + length_S[new]], BEHIND, count_N[i], beside)


@inner
def note_places(symbol_N, merged_Q, new, length_S, next_S2, place_Q):
    """Write down where the pairs of a new symbol stand, each from next_S2 on; below zero it is no pair."""
    for q in range(merged_Q.size):
        i = np.int64(merged_Q[q])
        before, behind = symbol_that_ends(symbol_N, i - 1), symbol_N[i + length_S[new]]
        if before != END and before != new and next_S2[before, BEFORE] >= 0:
            place_Q[next_S2[before, BEFORE]] = i - length_S[before]
            next_S2[before, BEFORE] += 1
        if behind != END and next_S2[behind, BEHIND] >= 0:
            place_Q[next_S2[behind, BEHIND]] = i
            next_S2[behind, BEHIND] += 1
