"""Sets of shingle hashes, their MinHash signatures and LSH band keys.

Letters in names: S shingles of the batch, D documents, D1 = D + 1 offsets, P permutations, N bands, R radix.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import mix64

RADIX = 256
SMALL = 32  # below this, insertion beats clearing and summing the counters
MANY = 1 << 15  # from here on so many agree in their high halves that sorting by the low ones too is no slower
MOST_MOVES = 32  # of insertion, for each hash: uniform ones take a quarter of one, or of SMALL the half


@inline
def _fmix32(h):
    """MurmurHash3's 32-bit finaliser: datasketch's affine32 applies it before its permutations (minhash.py, _fmix)."""
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@inline
def _scatter(from_S, to_S, shift, place_R):
    """One stable counting pass by the 8 bits at `shift`; place_R says where those of each value begin."""
    for h in from_S:
        r = (h >> shift) & np.uint32(0xFF)
        to_S[place_R[r]] = h
        place_R[r] += np.uint32(1)


@inline
def _sort_by_half(hash_S, scratch_S, shift, place_2R):
    """Stable radix sort by the 16 bits at `shift`: two passes."""
    place_2R[:] = 0
    for h in hash_S:
        place_2R[0, np.int64((h >> shift) & np.uint32(0xFF))] += np.uint32(1)
        place_2R[1, np.int64((h >> shift >> np.uint32(8)) & np.uint32(0xFF))] += np.uint32(1)
    low, high = np.uint32(0), np.uint32(0)
    for r in range(RADIX):
        of_low, of_high = place_2R[0, r], place_2R[1, r]
        place_2R[0, r], place_2R[1, r] = low, high
        low += of_low
        high += of_high
    _scatter(hash_S, scratch_S, shift, place_2R[0])
    _scatter(scratch_S, hash_S, shift + np.uint32(8), place_2R[1])


@inline
def _insert(hash_S, most):
    """Insertion sort of what is nearly in order; False where it gave up, after more than `most` moves."""
    moves = np.int64(0)
    for s in range(1, hash_S.size):
        h = hash_S[np.uint64(s)]
        if h < hash_S[np.uint64(s - 1)]:
            to = np.uint64(s)
            while to > 0 and hash_S[to - np.uint64(1)] > h:
                hash_S[to] = hash_S[to - np.uint64(1)]
                to -= np.uint64(1)
            hash_S[to] = h
            moves += s - np.int64(to)
            if moves > most:
                return False
    return True


@kernel
def sort_hashes(hash_S, scratch_S, place_2R):
    """Sorts the uint32 hashes of one document in place. scratch_S is as long as hash_S; place_2R is uint32[2, 256].

    Hashes are uniform: in the order of their high halves, those of a usual document are nearly sorted. Linear for any
    input: what insertion has too much to do with is sorted by both halves.
    """
    if hash_S.size < MANY:
        if hash_S.size >= SMALL:
            _sort_by_half(hash_S, scratch_S, np.uint32(16), place_2R)
        if _insert(hash_S, MOST_MOVES * hash_S.size):
            return
    _sort_by_half(hash_S, scratch_S, np.uint32(0), place_2R)
    _sort_by_half(hash_S, scratch_S, np.uint32(16), place_2R)


@kernel
def make_sets(hash_S, start_D1, scratch_S, place_2R):
    """Sorts each document's hashes and drops repeats, in place; start_D1 is rewritten to the compacted offsets."""
    out = np.uint64(0)
    first = 0
    for d in range(start_D1.size - 1):
        end = start_D1[d + 1]
        sort_hashes(hash_S[first:end], scratch_S[: end - first], place_2R)
        if first < end:
            last = hash_S[first]
            hash_S[out] = last
            out += np.uint64(1)
            for h in hash_S[first + 1 : end]:
                hash_S[out] = h
                out += np.uint64(h != last)
                last = h
        first = end
        start_D1[d + 1] = out


@inline
def _least_of_four(h0, h1, h2, h3, a, b):
    low = min(np.uint32(h0 * a + b), np.uint32(h1 * a + b))
    return min(low, min(np.uint32(h2 * a + b), np.uint32(h3 * a + b)))


@kernel
def sign(hash_S, start_D1, a_P, b_P, signature_DP):
    """signature_DP[d, p] = min over d's shingles h of (a_p * fmix32(h) + b_p) mod 2**32; 2**32 - 1 without shingles.

    Bit-equal to datasketch 2.x MinHash(scheme="affine32"). All arrays uint32; LLVM turns the inner loops into vectors.
    Eight shingles at a time: loading a, b and the least value for one, and storing that, takes longer than its product.
    """
    for d in range(start_D1.size - 1):
        least_P = signature_DP[d]
        least_P[:] = np.uint32(0xFFFFFFFF)
        s, end = start_D1[d], start_D1[d + 1]
        while s + 8 <= end:
            h0, h1, h2, h3 = _fmix32(hash_S[s]), _fmix32(hash_S[s + 1]), _fmix32(hash_S[s + 2]), _fmix32(hash_S[s + 3])
            s += 4
            h4, h5, h6, h7 = _fmix32(hash_S[s]), _fmix32(hash_S[s + 1]), _fmix32(hash_S[s + 2]), _fmix32(hash_S[s + 3])
            s += 4
            for p in range(a_P.size):
                a, b = a_P[p], b_P[p]
                low = min(_least_of_four(h0, h1, h2, h3, a, b), _least_of_four(h4, h5, h6, h7, a, b))
                least_P[p] = min(least_P[p], low)
        while s < end:
            h = _fmix32(hash_S[s])
            for p in range(a_P.size):
                least_P[p] = min(least_P[p], np.uint32(h * a_P[p] + b_P[p]))
            s += 1


@kernel
def band_keys(signature_DP, rows, key_DN):
    """key_DN[d, n] (uint64) = hash of band n's `rows` signature values, started from n: bands share one key space."""
    for d in range(signature_DP.shape[0]):
        for n in range(key_DN.shape[1]):
            key = mix64(np.uint64(n + 1))
            for r in range(rows):
                key = mix64(key ^ np.uint64(signature_DP[d, n * rows + r])) + np.uint64(r)
            key_DN[d, n] = key
