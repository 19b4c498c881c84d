"""Components and who stays, against plain Python; the kernels and their Python source alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.dedup import forest

NODES = 25
EDGES = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=40)
UNIONS = {"compiled": forest.union.compiled, "python": forest.union.py_func, "numpy": forest.join}
WALKS = {"compiled": forest.keep_best.compiled, "python": forest.keep_best.py_func, "lists": forest.keep_each}


@pytest.mark.parametrize("way", UNIONS)
@settings(deadline=None, max_examples=100)
@given(edges=EDGES)
def test_union__names_the_smallest_node_of_each_component(way, edges):
    expected = list(range(NODES))
    for _ in range(NODES):  # labels spread one edge a round
        for a, b in edges:
            expected[a] = expected[b] = min(expected[a], expected[b])
    ends = np.array(edges, np.int64).reshape(-1, 2)
    parent = np.empty(NODES, np.int64)
    UNIONS[way](ends[:, 0].copy(), ends[:, 1].copy(), parent)
    assert parent.tolist() == expected


@pytest.mark.parametrize("way", ["compiled", "numpy"])
def test_union__of_a_long_chain_in_the_worst_order(way):
    chain = np.arange(200_000)
    parent = np.empty(200_001, np.int64)
    UNIONS[way](chain[::-1] + 1, chain[::-1], parent)
    assert not parent.any()


@pytest.mark.parametrize("way", WALKS)
@settings(deadline=None, max_examples=100)
@given(edges=EDGES)
def test_keep_best__drops_a_node_only_for_a_kept_neighbour(way, edges):
    ordered = sorted({(max(e), min(e)) for e in edges if e[0] != e[1]})
    winner, kept = [-1] * NODES, set(range(NODES))
    for node in range(NODES):
        rivals = [better for worse, better in ordered if worse == node and better in kept]
        if rivals:
            winner[node] = min(rivals)
            kept.discard(node)
    ends = np.array(ordered, np.int64).reshape(-1, 2)
    got, edge = np.full(NODES, -1, np.int64), np.full(NODES, -1, np.int64)
    WALKS[way](ends[:, 0].copy(), ends[:, 1].copy(), got, edge)
    assert got.tolist() == winner
    for node, rival in enumerate(winner):
        assert edge[node] == (ordered.index((node, rival)) if rival >= 0 else -1)
