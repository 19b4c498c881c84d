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


@kernel
def find_phrases(hash_W, chars_W, first_D1, begin_S, lengths_S, whole_S, sieve_Q, found_D, chars_D, distinct_D):
    """Phrases of each document, int64: how many, the code points of their words, how many different ones.

    From each word the longest phrase is taken, and reading goes on behind it. begin_S, lengths_S: hashes of the first
    word or two, and which lengths the phrases that begin so have; whole_S: hashes of whole phrases.
    """
    begin_mask, whole_mask = np.uint64(begin_S.size - 1), np.uint64(whole_S.size - 1)
    shift = sieve_shift(sieve_Q)
    seen_S = np.full(whole_S.size, -1, np.int32)
    for d in range(first_D1.size - 1):
        found, chars, distinct, w, end = 0, 0, 0, first_D1[d], first_D1[d + 1]
        while w < end:
            one = joined(np.uint64(0), hash_W[w])
            two = joined(one, hash_W[w + 1]) if w + 1 < end else one
            lengths = np.uint32(0)
            for h in (one, two):
                top = h >> shift
                if sieve_Q[top >> np.uint64(6)] >> (top & np.uint64(63)) & np.uint64(1):
                    slot = slot_of(h, begin_S, begin_mask)
                    if begin_S[slot] != 0:
                        lengths |= lengths_S[slot]
            best, best_slot, n, h = 0, np.uint64(0), 0, np.uint64(0)
            while lengths and w + n < end:
                h = joined(h, hash_W[w + n])
                n += 1
                if lengths & np.uint32(1):
                    slot = slot_of(h, whole_S, whole_mask)
                    if whole_S[slot] != 0:
                        best, best_slot = n, slot
                lengths >>= np.uint32(1)
            if best == 0:
                w += 1
                continue
            found += 1
            for k in range(w, w + best):
                chars += chars_W[k]
            if seen_S[best_slot] != d:
                seen_S[best_slot] = d
                distinct += 1
            w += best
        found_D[d], chars_D[d], distinct_D[d] = found, chars, distinct


def tables(
    begin_P: np.ndarray, whole_P: np.ndarray, words_P: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(begin_S, lengths_S, whole_S, sieve_Q) of phrases: what find_phrases looks them up in."""
    slots = 1 << max(6, (2 * len(whole_P)).bit_length())
    begin_S, whole_S, unused_Q = np.zeros(slots, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots // 8, np.uint64)
    lengths_S, sieve_Q = np.zeros(slots, np.uint32), np.zeros(slots // 8, np.uint64)
    fill(whole_P, words_P.astype(np.uint32), whole_S, np.zeros(slots, np.uint32), unused_Q)
    bit_P = np.uint32(1) << (words_P.astype(np.uint32) - np.uint32(1))
    fill(begin_P, bit_P, begin_S, lengths_S, sieve_Q)
    return begin_S, lengths_S, whole_S, sieve_Q
