"""The merges of byte-pair encoding, in one run of characters that no merge can leave (runs.py).

Letters: S symbols of a run, T nodes of a tree of minima over them, H slots of the hash table, R ranks of merges.
"""

import numpy as np

from gristmill.tokenizer.jit import kernel
from gristmill.tokenizer.models.vocabulary import NONE, find

SHORT_RUN = 48
"""Symbols; a longer run (base64, ruled lines, indentation) is merged by the tree."""


@kernel
def merge_short_run(ids_S, merged_S, count, edges_H, made_R):
    """Merge in place, by search: quadratic, but fastest for the few symbols of a usual run. Returns how many are left.

    merged_S[i] belongs to the pair (i, i + 1).
    """
    for i in range(count - 1):
        merged_S[i] = find(ids_S[i], ids_S[i + 1], edges_H)
    while count > 1:
        best, at = np.int32(NONE), 0
        for i in range(count - 1):
            if merged_S[i] < best:
                best, at = merged_S[i], i
        if best == NONE:
            break
        made = made_R[best]
        ids_S[at] = made
        count -= 1
        for i in range(at + 1, count):
            ids_S[i] = ids_S[i + 1]
            merged_S[i - 1] = merged_S[i]
        if at > 0:
            merged_S[at - 1] = find(ids_S[at - 1], made, edges_H)
        if at < count - 1:
            merged_S[at] = find(made, ids_S[at + 1], edges_H)
    return count


@kernel
def set_leaf(tree_T, leaf, value):
    """Change a leaf of a tree of minima."""
    tree_T[leaf] = value
    while leaf > 1:
        leaf >>= 1
        tree_T[leaf] = min(tree_T[2 * leaf], tree_T[2 * leaf + 1])


@kernel
def merge_long_run(ids_S, tree_T, next_S, previous_S, count, edges_H, made_R):
    """As merge_short_run, in O(n log n): symbols are a linked list, the best pair is the leftmost minimum of a tree."""
    leaves = 1
    while leaves < count:
        leaves *= 2
    for i in range(leaves):
        next_S[i], previous_S[i] = i + 1, i - 1
        has_pair = i + 1 < count
        tree_T[leaves + i] = find(ids_S[i], ids_S[i + 1], edges_H) if has_pair else np.int32(NONE)
    for node in range(leaves - 1, 0, -1):
        tree_T[node] = min(tree_T[2 * node], tree_T[2 * node + 1])
    while tree_T[1] != NONE:
        best = tree_T[1]
        node = 1
        while node < leaves:
            node = 2 * node if tree_T[2 * node] == best else 2 * node + 1
        at = node - leaves
        gone = next_S[at]
        after, before = next_S[gone], previous_S[at]
        made = made_R[best]
        ids_S[at] = made
        next_S[at] = after
        set_leaf(tree_T, leaves + gone, np.int32(NONE))
        if after < count:
            previous_S[after] = at
        set_leaf(tree_T, node, find(made, ids_S[after], edges_H) if after < count else np.int32(NONE))
        if before >= 0:
            set_leaf(tree_T, leaves + before, find(ids_S[before], made, edges_H))
    left = 0
    i = 0
    while i < count:
        ids_S[left] = ids_S[i]
        left += 1
        i = next_S[i]
    return left


@kernel
def merge_run(ids_S, links_3S, count, edges_H, made_R):
    """Encode one run in place: the first `count` of ids_S are characters, then pieces. Returns how many pieces.

    Always merges the pair of the lowest rank, the leftmost of equals. edges_H: (left, right) -> rank, made_R: rank ->
    the id that it makes.
    """
    if count <= SHORT_RUN:
        return merge_short_run(ids_S, links_3S[0], count, edges_H, made_R)
    return merge_long_run(ids_S, links_3S[0], links_3S[1], links_3S[2], count, edges_H, made_R)
