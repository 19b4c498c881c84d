"""Exact Jaccard similarity of stored shingle hashes.

Letters in names: X pairs, D documents, S shingles; `a`, `b` are the two sides of a pair.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.ranges import positions


@inline
def _similarity(a_S, a, a_end, b_S, b, b_end, threshold):
    """|A and B| / |A or B| of two sorted sets, or -1 as soon as it cannot reach the threshold.

    J >= t needs an intersection of at least t (|A| + |B|) / (1 + t); each hash that one side lacks uses up what may be
    missing. Hashes are uniform, so dissimilar sets give up after a few steps. One less, as the bound itself is rounded.
    """
    total = (a_end - a) + (b_end - b)
    needed = np.int64(np.ceil(threshold * total / (1.0 + threshold))) - 1
    may_miss = total - 2 * needed
    if a == a_end or b == b_end or abs((a_end - a) - (b_end - b)) > may_miss:
        return -1.0
    common = 0
    while a < a_end and b < b_end:
        x, y = a_S[a], b_S[b]
        a += x <= y
        b += y <= x
        common += x == y
        may_miss -= x != y
        if may_miss < 0:
            return -1.0
    similarity = common / (total - common)
    return similarity if similarity >= threshold else -1.0


@kernel
def compare(a_X, b_X, a_S, a_start_D, a_end_D, b_S, b_start_D, b_end_D, threshold, similarity_X):
    """similarity_X[x] (float64) = Jaccard of document a_X[x] of a table with b_X[x] of another, -1 below the threshold.

    Document d's sorted hashes are S[start_D[d]:end_D[d]]. A document without shingles is similar to none.
    """
    for x in range(a_X.size):
        a, b = a_X[x], b_X[x]
        similarity_X[x] = _similarity(a_S, a_start_D[a], a_end_D[a], b_S, b_start_D[b], b_end_D[b], threshold)


@compare.without_numba(most=1 << 16)
def count_common(a_X, b_X, a_S, a_start_D, a_end_D, b_S, b_start_D, b_end_D, threshold, similarity_X):
    """As `compare`: what a pair has in common stands twice among the sorted hashes of both."""
    sizes, keys = [], []
    for at_X, hash_S, start_D, end_D in ((a_X, a_S, a_start_D, a_end_D), (b_X, b_S, b_start_D, b_end_D)):
        pair, _, at = positions(start_D[at_X], end_D[at_X])
        keys.append(pair.astype(np.uint64) << np.uint64(32) | hash_S[at])
        sizes.append(end_D[at_X] - start_D[at_X])
    sorted_keys = np.sort(np.concatenate(keys))
    twice = sorted_keys[1:][sorted_keys[1:] == sorted_keys[:-1]]
    common_X = np.bincount((twice >> np.uint64(32)).astype(np.int64), minlength=at_X.size)
    similarity_X[:] = common_X / np.maximum(sizes[0] + sizes[1] - common_X, 1)
    similarity_X[(similarity_X < threshold) | (sizes[0] == 0) | (sizes[1] == 0)] = -1.0
