"""Connected components, and who stays in them.

Letters in names: N nodes (dense ids), E edges.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel


@inline
def _root(node, parent_N):
    while parent_N[node] != node:
        parent_N[node] = parent_N[parent_N[node]]  # path halving
        node = parent_N[node]
    return node


@kernel
def union(a_E, b_E, parent_N):
    """parent_N[n] = the smallest node of n's component, for edges (a, b) between dense ids (all int64).

    The smaller root wins, so that the result does not depend on the order of the edges. 20-60 M edges/s (beam.md 3.2).
    """
    for n in range(parent_N.size):
        parent_N[n] = n
    for e in range(a_E.size):
        a, b = _root(a_E[e], parent_N), _root(b_E[e], parent_N)
        if a < b:
            parent_N[b] = a
        else:
            parent_N[a] = b
    for n in range(parent_N.size):  # parents are smaller, hence final already
        parent_N[n] = parent_N[parent_N[n]]


@union.without_numba(most=1 << 20)
def join(a_E, b_E, parent_N):
    """As `union`: roots with a smaller one beside them go below the smallest such, until no edge joins two roots."""
    parent_N[:] = np.arange(parent_N.size)
    while True:
        a, b = parent_N[a_E], parent_N[b_E]
        apart = a != b
        if not apart.any():
            return
        np.minimum.at(parent_N, np.maximum(a, b)[apart], np.minimum(a, b)[apart])
        while (parent_N[parent_N] != parent_N).any():
            parent_N[:] = parent_N[parent_N]


@kernel
def keep_best(worse_E, better_E, winner_N, edge_N):
    """Walks the nodes in rank order: a node is dropped for its best-ranked neighbour that was kept, if it has one.

    Edges come sorted by (worse, better), node ids are rank order, so all better nodes are decided before a node is.
    winner_N (int64) comes as -1 and stays so for kept nodes; edge_N (int64) takes the edge to the winner.
    """
    for e in range(worse_E.size):
        node, rival = worse_E[e], better_E[e]
        if winner_N[node] < 0 and winner_N[rival] < 0:
            winner_N[node] = rival
            edge_N[node] = e


@keep_best.without_numba(most=1 << 20)
def keep_each(worse_E, better_E, winner_N, edge_N):
    """As `keep_best`, over lists, which Python walks five times as fast as arrays."""
    winner = winner_N.tolist()
    for e, (node, rival) in enumerate(zip(worse_E.tolist(), better_E.tolist(), strict=True)):
        if winner[node] < 0 and winner[rival] < 0:
            winner[node], edge_N[node] = rival, e
    winner_N[:] = winner
