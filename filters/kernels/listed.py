"""Phrases of a list in a stream of words: every phrase is a row of words, whatever stands between them."""

# Letters: W words of the batch, D documents, D1 = D + 1 offsets, P phrases, S slots, Q 64-bit words of the sieve.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel

LONGEST = 32
"""Words of a phrase; the lengths of all that begin alike are bits of one uint32."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@inline
def joined(h, word):
    """The hash of some words and one more: the words' own are mixed well enough."""
    return h * MULTIPLIER + word


@kernel
def hash_phrases(hash_W, first_D1, begin_P, whole_P):
    """Of each document as one phrase, uint64: the hash of its first word or, if there are more, two; and of all."""
    for d in range(first_D1.size - 1):
        h = np.uint64(0)
        begin_P[d] = 0
        for w in range(first_D1[d], first_D1[d + 1]):
            h = joined(h, hash_W[w])
            if w < first_D1[d] + 2:
                begin_P[d] = h
        whole_P[d] = h


@inline
def slot_of(h, key_S, mask):
    """The slot that holds h, or the empty one where it would be."""
    slot = h & mask
    while key_S[slot] != 0 and key_S[slot] != h:
        slot = (slot + np.uint64(1)) & mask
    return slot


@kernel
def fill(key_P, bits_P, key_S, bits_S, sieve_Q):
    """Open addressing: key_S holds the keys, bits_S all bits of a key; sieve_Q: a bit by the top of each key."""
    mask, shift = np.uint64(key_S.size - 1), sieve_shift(sieve_Q)
    for p in range(key_P.size):
        slot = slot_of(key_P[p], key_S, mask)
        key_S[slot] = key_P[p]
        bits_S[slot] |= bits_P[p]
        top = key_P[p] >> shift
        sieve_Q[top >> np.uint64(6)] |= np.uint64(1) << (top & np.uint64(63))


@inline
def sieve_shift(sieve_Q):
    """How far down the top bits of a hash are that number the sieve's bits."""
    bits = 0
    while (1 << bits) < 64 * sieve_Q.size:
        bits += 1
    return np.uint64(64 - bits)


@inline
def sieved(h, sieve_Q, shift):
    """Whether a key may be h."""
    top = h >> shift
    return (sieve_Q[top >> np.uint64(6)] >> (top & np.uint64(63))) & np.uint64(1)


@kernel
def find_phrases(
    hash_W, chars_W, first_D1, begin_S, lengths_S, begin_Q, whole_S, whole_Q, found_D, chars_D, distinct_D
):
    """Phrases of each document, int64: how many, the code points of their words, how many different ones.

    From each word the longest phrase is taken, and reading goes on behind it. begin_S, lengths_S: hashes of the first
    word or two, and which lengths the phrases that begin so have; whole_S: hashes of whole phrases. A phrase of one
    word or two is its beginning, so that it need not be looked up as a whole.
    """
    begin_mask, whole_mask = np.uint64(begin_S.size - 1), np.uint64(whole_S.size - 1)
    shift = sieve_shift(begin_Q)
    seen_S = np.full(begin_S.size + whole_S.size, -1, np.int32)
    for d in range(first_D1.size - 1):
        found, chars, distinct, w, end = 0, 0, 0, first_D1[d], first_D1[d + 1]
        while w < end:
            one = joined(np.uint64(0), hash_W[w])
            two = joined(one, hash_W[w + 1]) if w + 1 < end else one
            if not (sieved(one, begin_Q, shift) | sieved(two, begin_Q, shift)):
                w += 1
                continue
            best, best_chars, best_slot, lengths = 0, np.int64(0), np.uint64(0), np.uint32(0)
            slot = slot_of(one, begin_S, begin_mask)
            if begin_S[slot] != 0:
                best, best_chars, best_slot = 1, np.int64(chars_W[w]), slot
            slot = slot_of(two, begin_S, begin_mask)
            if w + 1 < end and begin_S[slot] != 0:
                lengths = lengths_S[slot]
                running = np.int64(chars_W[w]) + chars_W[w + 1]
                if lengths & np.uint32(2):
                    best, best_chars, best_slot = 2, running, slot
                h, n = two, 2
                lengths >>= np.uint32(2)
                while lengths and w + n < end:
                    h = joined(h, hash_W[w + n])
                    running += chars_W[w + n]
                    n += 1
                    if lengths & np.uint32(1) and sieved(h, whole_Q, shift):
                        slot = slot_of(h, whole_S, whole_mask)
                        if whole_S[slot] != 0:
                            best, best_chars, best_slot = n, running, np.uint64(begin_S.size) + slot
                    lengths >>= np.uint32(1)
            if best == 0:
                w += 1
                continue
            chars += int(best_chars)
            found += 1
            if seen_S[best_slot] != d:
                seen_S[best_slot] = d
                distinct += 1
            w += best
        found_D[d], chars_D[d], distinct_D[d] = found, chars, distinct


def tables(begin_P: np.ndarray, whole_P: np.ndarray, words_P: np.ndarray) -> tuple[np.ndarray, ...]:
    """(begin_S, lengths_S, begin_Q, whole_S, whole_Q) of phrases: what find_phrases looks them up in."""
    slots = 1 << max(6, (2 * len(whole_P)).bit_length())
    begin_S, begin_Q, whole_S, whole_Q = (np.zeros(size, np.uint64) for size in (slots, slots // 8) * 2)
    lengths_S = np.zeros(slots, np.uint32)
    fill(whole_P, words_P.astype(np.uint32), whole_S, np.zeros(slots, np.uint32), whole_Q)
    bit_P = np.uint32(1) << (words_P.astype(np.uint32) - np.uint32(1))
    fill(begin_P, bit_P, begin_S, lengths_S, begin_Q)
    return begin_S, lengths_S, begin_Q, whole_S, whole_Q
