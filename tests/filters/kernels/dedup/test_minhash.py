"""Sets of shingle hashes, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.dedup import minhash
from gristmill.filters.kernels.dedup.minhash import MANY, MOST_MOVES, RADIX, SMALL, make_sets

HASH = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2**16 - 1, 2**16, 2**32 - 2**16, 2**32 - 1])
DOCUMENTS = st.lists(st.lists(HASH, max_size=3 * SMALL), max_size=6)
RANDOM = np.random.default_rng(7)
N = 3000
HOSTILE = {
    "all equal": np.full(N, 7),
    "two in turn": np.tile([9, 8], N // 2),
    "two halves that are equal, falling": 2**31 + np.arange(N)[::-1],
    "one high half": 2**31 + RANDOM.integers(0, 2**16, N),
    "two high halves": RANDOM.choice([2**16, 2**31], N) + RANDOM.integers(0, 2**16, N),
    "one low half": RANDOM.integers(0, 2**16, N) << 16,
    "rising": np.arange(N) << 16,
    "falling": np.arange(N)[::-1] << 16,
    "repeats": RANDOM.integers(0, 2**32, 50)[RANDOM.integers(0, 50, N)],
}


def sets(documents):
    """The sets that it makes, each an array."""
    start_D1 = np.r_[0, np.cumsum([len(one) for one in documents])].astype(np.int64)
    hash_S = np.concatenate([np.zeros(0, np.uint32), *(np.array(one, np.uint32) for one in documents)])
    make_sets(hash_S, start_D1, np.empty_like(hash_S), np.empty((2, RADIX), np.uint32))
    return np.split(hash_S[: start_D1[-1]], start_D1[1:-1]) if documents else []


def assert_unique(documents):
    for one, made in zip(documents, sets(documents), strict=True):
        assert np.array_equal(made, np.unique(np.array(one, np.uint32)))


@settings(deadline=None, max_examples=100)
@given(documents=DOCUMENTS)
def test_make_sets__sorts_each_document_and_drops_repeats(documents):
    assert_unique(documents)


@pytest.mark.parametrize("size", [0, 1, 2, SMALL - 1, SMALL, SMALL + 1, 5000, MANY - 1, MANY, MANY + 1, 3 * MANY])
def test_make_sets__of_any_size(size):
    assert_unique([[3, 3], RANDOM.integers(0, 2**32, size), [], RANDOM.integers(0, 2**10, size)])


@pytest.mark.parametrize("name", HOSTILE)
def test_make_sets__of_hashes_that_are_not_uniform(name):
    assert_unique([HOSTILE[name], HOSTILE[name][:SMALL], HOSTILE[name]])


class Counted(np.ndarray):
    """An array that counts how many of its items are written."""

    writes = 0

    def __setitem__(self, at, value):
        Counted.writes += 1
        super().__setitem__(at, value)


@pytest.fixture
def written(monkeypatch):
    """How many items the sort writes for an array, as Python; the array must be sorted then."""
    for name in ("_scatter", "_sort_by_half", "_insert", "sort_hashes"):
        monkeypatch.setattr(minhash, name, getattr(minhash, name).py_func)

    def count(hashes):
        hash_S, before = hashes.astype(np.uint32).view(Counted), Counted.writes
        minhash.sort_hashes(hash_S, np.empty_like(hash_S), np.empty((2, RADIX), np.uint32))
        assert np.array_equal(hash_S, np.sort(hashes.astype(np.uint32)))
        return Counted.writes - before

    return count


@pytest.mark.parametrize("name", HOSTILE)
def test_sort_hashes__takes_linear_time(written, name):
    """Insertion alone would move those that fall past half of all."""
    assert written(HOSTILE[name]) < (MOST_MOVES + 10) * N


def test_sort_hashes__of_uniform_ones_moves_few(written):
    assert 2 * N <= written(RANDOM.integers(0, 2**32, N)) < 2.5 * N
