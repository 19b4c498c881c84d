"""Seeds: runs of words by which an item is found in a document, looked up in a table behind a sieve.

Letters in names: W words of one document, G seeds, G1 = G + 1 offsets, P places of seeds in items, S slots of the
table, Q 64-bit words of the sieve, H hits of one document, N sizes of seeds.
"""

import numpy as np

from gristmill.filters.kernels.dedup.letters import SHINGLE_BASE
from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.listed import sieve_shift, slot_of
from gristmill.filters.kernels.text.unicode import mix64


@inline
def seed_hash(total, size):
    """Of the polynomial over `size` words; never 0, which is an empty slot."""
    return mix64(total ^ np.uint64(size)) | np.uint64(1)


@kernel
def hash_seeds(word_W, first_I1, size_I, hash_W):
    """hash_W[w]: of the seed that begins at word w of its item; 0 where the item ends before. `size_I`: words of a
    seed."""
    for i in range(first_I1.size - 1):
        for w in range(first_I1[i], first_I1[i + 1]):
            hash_W[w] = np.uint64(0)
            if w + size_I[i] <= first_I1[i + 1]:
                total = np.uint64(0)
                for at in range(w, w + size_I[i]):
                    total = total * SHINGLE_BASE + word_W[at]
                hash_W[w] = seed_hash(total, size_I[i])


@kernel
def build_table(key_G, key_S, seed_S, sieve_Q):
    """The open table of the seeds' hashes: key_S (0: empty), the seed's number beside; sieve_Q: a bit for each."""
    mask, shift = np.uint64(key_S.size - 1), sieve_shift(sieve_Q)
    for g in range(key_G.size):
        slot = slot_of(key_G[g], key_S, mask)
        key_S[slot] = key_G[g]
        seed_S[slot] = g
        top = key_G[g] >> shift
        sieve_Q[top >> np.uint64(6)] |= np.uint64(1) << (top & np.uint64(63))


@kernel
def find_hits(
    word_W, words, size_N, key_S, seed_S, sieve_Q, first_G1, item_P, place_P, met_G, met, documents_G,
    item_H, place_H, at_H,
):  # fmt: skip
    """Where seeds stand in one document: item, place in the item, word of the document. Returns how many there are;
    beyond the arrays they are only counted.

    met_G (int32): `met` where the seed was met in this document already; documents_G counts the documents of each.
    """
    hits = 0
    mask, shift = np.uint64(key_S.size - 1), sieve_shift(sieve_Q)
    for n in range(size_N.size):
        size = size_N[n]
        total, top = np.uint64(0), np.uint64(1)
        for _ in range(size):
            top *= SHINGLE_BASE
        for w in range(words):
            total = total * SHINGLE_BASE + word_W[w]
            first = w + 1 - size
            if first < 0:
                continue
            if first > 0:
                total -= word_W[first - 1] * top
            h = seed_hash(total, size)
            bit = h >> shift
            if not (sieve_Q[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1):
                continue
            slot = slot_of(h, key_S, mask)
            if key_S[slot] != h:
                continue
            g = seed_S[slot]
            if met_G[g] != met:
                met_G[g] = met
                documents_G[g] += np.uint32(1)
            for p in range(first_G1[g], first_G1[g + 1]):
                if hits < item_H.size:
                    item_H[hits] = item_P[p]
                    place_H[hits] = place_P[p]
                    at_H[hits] = first
                hits += 1
    return hits
