"""Best-fit-decreasing bin packing in O(pieces x log L): the compiled part of packing.py.

Letters: P pieces of documents, in document order; L row length; C capacities 0..L; R rows.
"""

import numpy as np

from gristmill.tokenizer.jit import inline, kernel


@inline
def set_open(tree, leaf_count, capacity, is_open):
    """Tell the tree whether a row with this much room exists. tree[i] says it for all leaves below node i."""
    node = leaf_count + capacity
    tree[node] = is_open
    while node > 1:
        node >>= 1
        tree[node] = tree[2 * node] | tree[2 * node + 1]


@inline
def smallest_open(tree, leaf_count, wanted):
    """The smallest capacity >= wanted that a row has, or -1: up to the first right sibling with one, then down left."""
    node = leaf_count + wanted
    if tree[node]:
        return wanted
    while node > 1:
        if node & 1 == 0 and tree[node + 1]:
            node += 1
            while node < leaf_count:
                node = 2 * node + (0 if tree[2 * node] else 1)
            return node - leaf_count
        node >>= 1
    return -1


@inline
def longest_first(length_P, row_length, begin, end, order_P):
    """Order the pieces begin..end: longest first, equal lengths in document order (a counting sort)."""
    position_C = np.zeros(row_length + 2, np.int64)
    for p in range(begin, end):
        position_C[row_length - length_P[p] + 1] += 1
    for c in range(1, row_length + 2):
        position_C[c] += position_C[c - 1]
    for p in range(begin, end):
        shortfall = row_length - length_P[p]
        order_P[position_C[shortfall]] = p
        position_C[shortfall] += 1


@kernel
def best_fit_decreasing(length_P, row_length, window_tokens, row_P):
    """Assign a row to every piece (int32, 1 to row_length tokens each) and return the number of rows.

    Pieces are taken in windows of window_tokens; within one, longest first. Each goes into the row with the least room
    that suffices (of several, the one touched last), else opens a row. Rows stay open across windows, so what a window
    leaves open is filled by the next.
    """
    leaf_count = 1
    while leaf_count <= row_length:
        leaf_count *= 2
    tree = np.zeros(2 * leaf_count, np.bool_)
    first_C = np.full(row_length + 1, -1, np.int32)  # by room, the stack of open rows: the top one, then next_R
    next_R = np.empty(length_P.size, np.int32)
    rows = begin = end = 0
    while end < length_P.size:
        begin = end
        tokens = 0
        while end < length_P.size and tokens < window_tokens:
            tokens += length_P[end]
            end += 1
        order_P = np.empty(end - begin, np.int32)
        longest_first(length_P, row_length, begin, end, order_P)
        for p in order_P:
            room = smallest_open(tree, leaf_count, length_P[p])
            if room < 0:
                row, room = rows, row_length
                rows += 1
            else:
                row = first_C[room]
                first_C[room] = next_R[row]
                if first_C[room] < 0:
                    set_open(tree, leaf_count, room, False)
            row_P[p] = row
            left = room - length_P[p]
            if left > 0:
                if first_C[left] < 0:
                    set_open(tree, leaf_count, left, True)
                next_R[row] = first_C[left]
                first_C[left] = row
    return rows
