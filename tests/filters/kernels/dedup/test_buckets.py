"""Pairs of a bucket, against plain Python; the kernel and its Python source alike."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.dedup import buckets

MEMBER = st.tuples(st.integers(0, 5), st.integers(0, 6))  # (rank, tie): many of each are equal
BUCKETS = st.lists(st.tuples(st.booleans(), st.lists(MEMBER, min_size=1, max_size=30)), max_size=5)


def pairs_by_hand(copies: bool, members: list[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
    """(worse, better) places and the rank of the better one; members are (rank, tie, place)."""
    ranked = sorted(members)
    if copies:
        return {(place, ranked[0][2], 0) for _, _, place in ranked[1:]}
    first_of_text = [m for i, m in enumerate(ranked) if m[1] not in {tie for _, tie, _ in ranked[:i]}]
    ends = [(place, 100 + rank) for rank, _, place in first_of_text]
    return {(ends[m][0], *ends[p]) for m in range(len(ends)) for p in range(m) if p < 4 or p >= m - 4}


def run(groups, sort, drop, pair):
    sizes = [len(members) for _, members in groups]
    ends = np.cumsum(sizes, dtype=np.int64)
    starts = ends - np.array(sizes, np.int64)
    flat = [member for _, members in groups for member in members]
    place = np.random.default_rng(len(flat)).permutation(len(flat)).astype(np.uint64)
    ranks, ties = (np.array([m[i] for m in flat], np.uint64) for i in (0, 1))
    copies, order, stop = np.array([c for c, _ in groups], bool), np.arange(len(flat)), ends.copy()
    sort(starts, stop, ties, ranks, place, order)
    drop(starts, ties, copies, order, stop)
    sort(starts, stop, ranks, ties, place, order)
    out = np.empty((buckets.count_pairs(starts, stop, copies), 3), np.uint64)
    pair(starts, stop, copies, place, 100 + ranks, order, out)
    members = [
        [(int(ranks[m]), int(ties[m]), int(place[m])) for m in range(a, b)] for a, b in zip(starts, ends, strict=True)
    ]
    return [tuple(pair) for pair in out.tolist()], members


KERNELS = (buckets.sort_members, buckets.drop_copies, buckets.pair_members)
WAYS = {
    "compiled": [kernel.compiled for kernel in KERNELS],
    "python": [kernel.py_func for kernel in KERNELS],
    "numpy": [buckets.sort_all, buckets.take_firsts, buckets.pair_all],
}


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=60)
@given(groups=BUCKETS)
def test_pairs__are_the_four_best_and_the_four_next_better_of_each_text(way, groups):
    pairs, members = run(groups, *WAYS[way])
    expected = [pairs_by_hand(copies, m) for (copies, _), m in zip(groups, members, strict=True)]
    assert len(pairs) == len(set(pairs)) == sum(map(len, expected))
    assert set(pairs) == set().union(*expected)


@pytest.mark.parametrize("distinct_ties", [True, False])
def test_pairs__of_a_hot_bucket_are_linear_in_its_size(distinct_ties):
    n = 20_000
    ties = np.arange(n) if distinct_ties else np.zeros(n)
    group = list(zip(np.arange(n)[::-1].tolist(), ties.astype(int).tolist(), strict=True))
    pairs, _ = run([(not distinct_ties, group)], *WAYS["compiled"])
    assert len(pairs) == (8 * n - 36 if distinct_ties else n - 1)


@pytest.mark.parametrize(
    ("find", "few"),
    [(buckets.may_repeat.compiled, True), (buckets.may_repeat.py_func, True), (buckets.may_all_repeat, False)],
    ids=WAYS,
)
def test_may_repeat__names_all_that_stand_twice_and_few_others(find, few):
    rng = np.random.default_rng(6)
    for size, values, words in [(0, 1, 1), (1, 1, 1), (2, 1, 1), (200, 150, 32), (2000, 2**32, 256), (300, 5, 1)]:
        half = rng.integers(2**32 - values, 2**32, size).astype(np.uint32)
        at = np.empty(size + 1, np.int64)
        found = at[: find(half, np.zeros(words, np.uint64), np.zeros(words, np.uint64), at)].tolist()
        count = Counter(half.tolist())
        twice = [place for place, value in enumerate(half.tolist()) if count[value] > 1]
        assert found == sorted(set(found))
        assert set(twice) <= set(found)
        assert not few or len(found) <= len(twice) + 0.2 * size


@pytest.mark.parametrize("size", [0, 1, 2, 63, 2000])
def test_at_repeats__names_all_that_stand_twice_and_few_others(size):
    value, alone = np.split(np.random.default_rng(size).integers(0, 2**32, 2 * size).astype(np.uint32), 2)
    found = buckets.at_repeats(np.r_[value, alone, value])
    twice = np.r_[np.arange(size), 2 * size + np.arange(size)]
    assert np.isin(twice, found).all()
    assert len(found) <= len(twice) + 0.3 * size
