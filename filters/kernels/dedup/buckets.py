"""Buckets of documents that share a band key: which keys may have one, which pairs are worth verifying.

Letters in names: K keys, W words of a bitmap, M members of all buckets, G buckets, X pairs.
A member is (rank, tie, place): smaller is better; `tie` is a hash of the exact text, `place` its location.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.ranges import positions

BEST = 4  # design, section 7: each member is paired with the four best-ranked and the four next-better ones
NEXT_BETTER = 4

BITS_EACH = 8
"""Of each bitmap, for a half of a key at least: then an eighth of those that are alone are sorted with those that are
not."""


@kernel
def may_repeat(half_K, once_W, again_W, at_K):
    """int: how many positions of half_K (uint32) it writes to at_K (int64[K + 1]), in order: of all that stand twice or
    more, and of some more. once_W, again_W (uint64, zeros, a power of two of them): a bit for each value of a half's
    low bits that is met, and met again: two passes, where finding the others takes a sort.
    """
    mask = np.uint32(once_W.size * 64 - 1)
    for half in half_K:
        slot = half & mask
        word, bit = slot >> np.uint32(6), np.uint64(1) << np.uint64(slot & np.uint32(63))
        again_W[word] |= once_W[word] & bit
        once_W[word] |= bit
    count = 0
    for k in range(half_K.size):
        slot = half_K[k] & mask
        at_K[count] = k
        count += (again_W[slot >> np.uint32(6)] >> np.uint64(slot & np.uint32(63))) & np.uint64(1)
    return count


@may_repeat.without_numba(most=1 << 18)
def may_all_repeat(half_K, once_W, again_W, at_K):
    """As `may_repeat`, but all."""
    at_K[:-1] = np.arange(half_K.size)
    return half_K.size


def at_repeats(half_K):
    """int64, rising: the positions of all of half_K (uint32) that stand twice or more, and of some more: see
    `may_repeat`."""
    words = 1 << max(0, (half_K.size * BITS_EACH - 1).bit_length() - 6)
    at_K = np.empty(half_K.size + 1, np.int64)
    return at_K[: may_repeat(half_K, np.zeros(words, np.uint64), np.zeros(words, np.uint64), at_K)]


@inline
def _before(a, b, major_M, minor_M, place_M):
    if major_M[a] != major_M[b]:
        return major_M[a] < major_M[b]
    if minor_M[a] != minor_M[b]:
        return minor_M[a] < minor_M[b]
    return place_M[a] < place_M[b]


@kernel
def sort_members(start_G, end_G, major_M, minor_M, place_M, order_M):
    """Sorts each bucket's order_M[start:end] (int64 indices of members) by major, minor, place (all uint64).

    Heap sort: in place, and n log n for 20,000 equal documents too; most buckets have two members.
    """
    for g in range(end_G.size):
        heap = order_M[start_G[g] : end_G[g]]
        n = heap.size
        build = n // 2
        while n > 1:
            if build > 0:
                build -= 1
                sinking, hole = heap[build], build
            else:
                n -= 1
                sinking, hole = heap[n], 0
                heap[n] = heap[0]
            child = 2 * hole + 1
            while child < n:
                if child + 1 < n and _before(heap[child], heap[child + 1], major_M, minor_M, place_M):
                    child += 1
                if not _before(sinking, heap[child], major_M, minor_M, place_M):
                    break
                heap[hole] = heap[child]
                hole, child = child, 2 * child + 1
            heap[hole] = sinking


@sort_members.without_numba(most=1 << 18)
def sort_all(start_G, end_G, major_M, minor_M, place_M, order_M):
    """As `sort_members`, all buckets in one sort."""
    bucket, _, at = positions(start_G, end_G)
    member = order_M[at]
    order_M[at] = member[np.lexsort((place_M[member], minor_M[member], major_M[member], bucket))]


@kernel
def drop_copies(start_G, tie_M, copies_G, order_M, end_G):
    """Keeps the first member of each exact text, for buckets sorted by (tie, rank); end_G takes the new ends.

    A bucket of the exact hash (copies_G) keeps its copies: pair_members joins them to the best of them. In all others
    they would fill the places of the four best and the four next-better members with one text.
    """
    for g in range(end_G.size):
        if copies_G[g]:
            continue
        out = start_G[g] + 1
        for m in range(start_G[g] + 1, end_G[g]):
            if tie_M[order_M[m]] != tie_M[order_M[out - 1]]:
                order_M[out] = order_M[m]
                out += 1
        end_G[g] = out


@drop_copies.without_numba(most=1 << 18)
def take_firsts(start_G, tie_M, copies_G, order_M, end_G):
    """As `drop_copies`."""
    bucket, number, at = positions(start_G, end_G)
    tie = tie_M[order_M[at]]
    first = (number == 0) | copies_G[bucket] | np.r_[True, tie[1:] != tie[:-1]][: tie.size]
    bucket, member = bucket[first], order_M[at[first]]
    end_G[:] = start_G + np.bincount(bucket, minlength=end_G.size)
    order_M[positions(start_G, end_G)[2]] = member


def count_pairs(start_G, end_G, copies_G):
    """How many pairs pair_members writes."""
    n, most = end_G - start_G, BEST + NEXT_BETTER
    few = np.minimum(n, most)
    return int(np.where(copies_G, n - 1, few * (few - 1) // 2 + most * (n - few)).sum())


@kernel
def pair_members(start_G, end_G, copies_G, place_M, rank_M, order_M, pair_X3):
    """Of every pair the places of the worse and the better end, and the rank of the latter, 0 for copies (all uint64);
    at most BEST + NEXT_BETTER a member."""
    x = 0
    for g in range(end_G.size):
        first = start_G[g]
        best = 1 if copies_G[g] else BEST
        following = 0 if copies_G[g] else NEXT_BETTER
        for m in range(first + 1, end_G[g]):
            near = max(first, m - following)
            between = max(0, near - first - best)
            for number in range(first, m - between):
                partner = order_M[number if number < first + best else number + between]
                pair_X3[x, 0], pair_X3[x, 1] = place_M[order_M[m]], place_M[partner]
                pair_X3[x, 2] = np.uint64(0) if copies_G[g] else rank_M[partner]
                x += 1


@pair_members.without_numba(most=1 << 18)
def pair_all(start_G, end_G, copies_G, place_M, rank_M, order_M, pair_X3):
    """As `pair_members`: of each member the numbers of all that it may be paired with, and which of these there are."""
    bucket, number, at = positions(start_G, end_G)
    best, following = np.arange(BEST), np.arange(-NEXT_BETTER, 0)
    copies, number = copies_G[bucket, None], number[:, None]
    is_best = np.where(copies, (best == 0) & (number > 0), best < number - NEXT_BETTER)
    is_near = ~copies & (number + following >= 0)
    partner = np.hstack([np.broadcast_to(best, is_best.shape), number + following])
    worse, which = np.nonzero(np.hstack([is_best, is_near]))
    better = order_M[start_G[bucket[worse]] + partner[worse, which]]
    pair_X3[:, 0], pair_X3[:, 1] = place_M[order_M[at[worse]]], place_M[better]
    pair_X3[:, 2] = np.where(copies_G[bucket[worse]], np.uint64(0), rank_M[better])
