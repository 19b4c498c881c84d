"""What a short run of bytes became, kept: most runs of a text stood in it before, and are found by one look-up.

Letters: B bytes of text, M slots of the memory, P = 1 + pieces that one holds.
"""

import numpy as np

from gristmill.tokenizer.jit import inline

LONGEST_KEY, REMEMBERED_PIECES = 16, 7
"""Bytes and pieces of a run whose pieces are remembered. A newer run takes the place of an older one of its slot."""
FEWEST_SLOTS, MOST_SLOTS = 1 << 4, 1 << 14
"""0.8 MB at most, which stay in a core's second cache; few for a short text: they are zeroed first."""


@inline
def eight_bytes(data_B, begin, count):
    """The first `count` of 8 bytes as one number. A fixed loop, which is compiled to one load."""
    number = np.uint64(0)
    for k in range(8):
        number |= np.uint64(data_B[np.uint64(begin) + np.uint64(k)]) << np.uint64(8 * k)
    return number if count >= 8 else number & ((np.uint64(1) << np.uint64(8 * count)) - np.uint64(1))


@inline
def key_of(data_B, begin, end):
    """Up to 16 bytes of a run as two numbers. No two runs without a NUL have the same."""
    low, high = np.uint64(0), np.uint64(0)
    if begin + LONGEST_KEY <= data_B.size:
        low = eight_bytes(data_B, begin, end - begin)
        if end - begin > 8:
            high = eight_bytes(data_B, begin + 8, end - begin - 8)
        return low, high
    for k in range(min(end - begin, 8)):
        low |= np.uint64(data_B[begin + k]) << np.uint64(8 * k)
    for k in range(8, end - begin):
        high |= np.uint64(data_B[begin + k]) << np.uint64(8 * (k - 8))
    return low, high


@inline
def slot_of(low, high, key_M2):
    """Where a key lies."""
    mixed = (low ^ (high * np.uint64(0xFF51AFD7ED558CCD))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed >> np.uint64(40)) & np.uint64(key_M2.shape[0] - 1))


@inline
def recall(slot, found_MP, out, place):
    """Write the pieces that lie in a slot to out[place:]; the place after them."""
    count = np.int64(found_MP[slot, 0])
    for k in range(count):
        out[place + k] = found_MP[slot, 1 + k]
    return place + count


@inline
def remember(slot, low, high, ids_S, count, key_M2, found_MP):
    """Put a key and its pieces, ids_S[:count], into a slot, unless they are too many for one."""
    if count < found_MP.shape[1]:
        key_M2[slot, 0], key_M2[slot, 1], found_MP[slot, 0] = low, high, count
        for k in range(count):
            found_MP[slot, 1 + k] = ids_S[k]


@inline
def new_memory(text_bytes):
    """(key_M2 uint64, found_MP int32: how many pieces, then these), empty, for so much text."""
    slots = FEWEST_SLOTS
    while slots < MOST_SLOTS and 8 * slots < text_bytes:
        slots *= 2
    return np.zeros((slots, 2), np.uint64), np.empty((slots, 1 + REMEMBERED_PIECES), np.int32)
