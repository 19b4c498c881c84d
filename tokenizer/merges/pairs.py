"""Pairs of neighbouring symbols: a table of them, and a heap whose first one merges next.

Letters: N symbols of all words, P pairs, K pairs on the heap, Q places, H slots of a hash table.
"""

import numpy as np

from gristmill.tokenizer.jit import inner
from gristmill.tokenizer.merges.words import END

KEY, COUNT, BEGIN, SIZE = range(4)
"""Of a pair: its symbols, how often it occurs, its slice of places (of which some may stand no more)."""
LEFT_BITS, RIGHT_MASK = 32, 0xFFFFFFFF


@inner
def key_of(left, right):
    """Of a pair."""
    return (np.int64(left) << LEFT_BITS) | np.int64(right)


@inner
def slot_of_pair(key, pair_PF, slot_H):
    """Where the table has a pair, or a free slot for it."""
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(slot_H.size - 1))
    while slot_H[slot] >= 0 and pair_PF[slot_H[slot], KEY] != key:
        slot = (slot + 1) & (slot_H.size - 1)
    return slot


@inner
def free_slots(size):
    """int32, all below zero."""
    slot_H = np.empty(size, np.int32)
    for h in range(size):  # np.full takes ten times as long to compile
        slot_H[h] = -1
    return slot_H


@inner
def with_row(rows, row):
    """The rows, or more that begin with them, so that there is one of that number."""
    if row < len(rows):
        return rows
    more = np.empty((2 * row + 1, rows.shape[1]), rows.dtype)
    for r in range(len(rows)):
        for f in range(rows.shape[1]):
            more[r, f] = rows[r, f]
    return more


@inner
def add_pair(key, pairs, pair_PF, slot_H):
    """Give a pair that has none its number, which is `pairs`. Returns (pair_PF, slot_H), with room for the next."""
    pair_PF = with_row(pair_PF, pairs)
    pair_PF[pairs, KEY] = key
    pair_PF[pairs, COUNT] = pair_PF[pairs, SIZE] = 0
    slot_H[slot_of_pair(key, pair_PF, slot_H)] = pairs
    if 2 * pairs > slot_H.size:
        slot_H = free_slots(2 * slot_H.size)
        for p in range(pairs + 1):
            slot_H[slot_of_pair(pair_PF[p, KEY], pair_PF, slot_H)] = p
    return pair_PF, slot_H


@inner
def first_pairs(symbol_N, count_N, place_Q):
    """The pairs of characters. Returns (how many, pair_PF, slot_H, how many places); place_Q is filled."""
    pairs, pair_PF, slot_H = 0, np.empty((1 << 12, 4), np.int64), free_slots(1 << 13)
    pair_N = free_slots(symbol_N.size)
    for i in range(1, symbol_N.size - 1):
        if symbol_N[i] != END and symbol_N[i + 1] != END:
            key = key_of(symbol_N[i], symbol_N[i + 1])
            p = slot_H[slot_of_pair(key, pair_PF, slot_H)]
            if p < 0:
                p = pairs
                pair_PF, slot_H = add_pair(key, pairs, pair_PF, slot_H)
                pairs += 1
            pair_PF[p, COUNT] += count_N[i]
            pair_PF[p, SIZE] += 1
            pair_N[i] = p
    used = 0
    for p in range(pairs):
        pair_PF[p, BEGIN] = used
        used += pair_PF[p, SIZE]
        pair_PF[p, SIZE] = 0
    for i in range(symbol_N.size):
        p = pair_N[i]
        if p >= 0:
            place_Q[pair_PF[p, BEGIN] + pair_PF[p, SIZE]] = i
            pair_PF[p, SIZE] += 1
    return pairs, pair_PF, slot_H, used


@inner
def character(key, k, symbols):
    """The code point of a pair's text at k."""
    left = key >> LEFT_BITS
    if k < symbols.length_S[left]:
        return symbols.spelt_SL[left, k]
    return symbols.spelt_SL[key & RIGHT_MASK, k - symbols.length_S[left]]


@inner
def is_lower(one, other, symbols):
    """Whether the one of two pairs that occur equally often merges first; they are given by their keys."""
    length = symbols.length_S[one >> LEFT_BITS] + symbols.length_S[one & RIGHT_MASK]
    its = symbols.length_S[other >> LEFT_BITS] + symbols.length_S[other & RIGHT_MASK]
    if length != its:
        return length < its
    for k in range(length):
        a, b = character(one, k, symbols), character(other, k, symbols)
        if a != b:
            return a < b
    return one < other  # of one text: the second is no piece


@inner
def is_before(a, b, pair_PF, heap_K2, symbols):
    """Whether what stands at a of the heap merges before what stands at b. heap_K2: (count, pair)."""
    if heap_K2[a, 0] != heap_K2[b, 0]:
        return heap_K2[a, 0] > heap_K2[b, 0]
    return is_lower(pair_PF[heap_K2[a, 1], KEY], pair_PF[heap_K2[b, 1], KEY], symbols)


@inner
def swap(a, b, heap_K2):
    """Of the heap."""
    for f in range(2):
        heap_K2[a, f], heap_K2[b, f] = heap_K2[b, f], heap_K2[a, f]


@inner
def sift_down(k, size, pair_PF, heap_K2, symbols):
    """Put what stands at k where it belongs among those below it."""
    while 2 * k + 1 < size:
        child = 2 * k + 1
        if child + 1 < size and is_before(child + 1, child, pair_PF, heap_K2, symbols):
            child += 1
        if not is_before(child, k, pair_PF, heap_K2, symbols):
            break
        swap(k, child, heap_K2)
        k = child


@inner
def sift_up(k, pair_PF, heap_K2, symbols):
    """Put what stands at k where it belongs among those above it."""
    while k and is_before(k, (k - 1) >> 1, pair_PF, heap_K2, symbols):
        swap(k, (k - 1) >> 1, heap_K2)
        k = (k - 1) >> 1


@inner
def heap_of(pairs, pair_PF, symbols):
    """A heap of all pairs."""
    heap_K2 = np.empty((pairs, 2), np.int64)
    for p in range(pairs):
        heap_K2[p, 0], heap_K2[p, 1] = pair_PF[p, COUNT], p
    for k in range(pairs // 2 - 1, -1, -1):
        sift_down(k, pairs, pair_PF, heap_K2, symbols)
    return heap_K2
