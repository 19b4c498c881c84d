"""Seeds: runs of words by which an item is found in a document, looked up in a table behind a sieve.

Letters in names: W words of one document, G seeds, G1 = G + 1 offsets, P places of seeds in items, S slots of the
table, Q 64-bit words of the sieve, H seeds of one document and their hits, I items, K items that have hits in it, N
sizes of seeds.
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
def find_seeds(
    word_W, words, size_N, key_S, seed_S, sieve_Q, met_G, met, documents_G, key_H, seed_H, at_H
):  # fmt: skip
    """Which seeds stand in one document, and at which of its words. Returns how many; there are never more than words
    for each size.

    met_G (int32): `met` where the seed was met in this document already; documents_G counts the documents of each.
    Runs that the sieve lets through are noted first, without a branch that a processor could guess wrongly.
    """
    found, passed = 0, np.int64(0)
    mask, shift = np.uint64(key_S.size - 1), sieve_shift(sieve_Q)
    for n in range(size_N.size):
        size = size_N[n]
        total, top = np.uint64(0), np.uint64(1)
        for _ in range(size - 1):
            top *= SHINGLE_BASE
        for w in range(min(size - 1, words)):
            total = total * SHINGLE_BASE + word_W[w]
        for w in range(size - 1, words):
            first = w + 1 - size
            total = total * SHINGLE_BASE + word_W[w]
            h = seed_hash(total, size)
            total -= word_W[first] * top
            key_H[passed], at_H[passed] = h, first
            bit = h >> shift
            passed += np.int64((sieve_Q[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1))
    for at in range(passed):
        slot = slot_of(key_H[at], key_S, mask)
        if key_S[slot] == key_H[at]:
            g = seed_S[slot]
            if met_G[g] != met:
                met_G[g] = met
                documents_G[g] += np.uint32(1)
            seed_H[found], at_H[found] = g, at_H[at]
            found += 1
    return found


@kernel
def count_hits(seeds, seed_H, first_G1):
    """Places of items in which the seeds of a document stand, all of them counted."""
    hits = 0
    for h in range(seeds):
        hits += first_G1[seed_H[h] + 1] - first_G1[seed_H[h]]
    return hits


@kernel
def hits_by_item(
    seeds, seed_H, at_H, first_G1, item_P, place_P, size_I, least_I, count_I, item_H, met_2H, item_K, end_K, word_H,
    diagonal_H
):  # fmt: skip
    """The places of seeds of a document by item and diagonal (place in the document minus place in the item): word of
    the document and diagonal of each. Returns how many items there are: item_K, ascending, and where the hits of each
    end.

    Items with too few hits to cover what is asked of them are left out: most have one. count_I (int64) comes, and is
    left, zeroed. item_H, met_2H: room for hits.
    """
    hits, met = 0, 0
    for h in range(seeds):
        for p in range(first_G1[seed_H[h]], first_G1[seed_H[h] + 1]):
            i = np.int64(item_P[p])
            item_H[hits], met_2H[0, hits], met_2H[1, hits] = i, at_H[h], at_H[h] - place_P[p]
            hits += 1
            item_K[met] = i
            met += count_I[i] == 0
            count_I[i] += 1
    items = 0
    for k in range(met):
        i = item_K[k]
        item_K[items] = i
        if count_I[i] * size_I[i] >= least_I[i]:
            items += 1
        else:
            count_I[i] = 0
    item_K[:items].sort()
    end = 0
    for k in range(items):
        # From here on one more than where its next hit goes, so that 0 still says that it is left out.
        i = item_K[k]
        here = count_I[i]
        count_I[i] = end + 1
        end += here
        end_K[k] = end
    if items:
        for h in range(hits):
            at = count_I[item_H[h]] - 1
            if at >= 0:
                word_H[at], diagonal_H[at] = met_2H[0, h], met_2H[1, h]
                count_I[item_H[h]] += 1
    begin = 0
    for k in range(items):
        count_I[item_K[k]] = 0
        _sort_together(diagonal_H[begin : end_K[k]], word_H[begin : end_K[k]])
        begin = end_K[k]
    return items


@inline
def _sort_together(key_N, other_N):
    """By the keys; what stands verbatim in a document comes sorted."""
    for n in range(1, key_N.size):
        if key_N[n] < key_N[n - 1]:
            order_N = np.argsort(key_N)
            key_N[:], other_N[:] = key_N[order_N], other_N[order_N]
            return
