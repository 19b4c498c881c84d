"""Verified similarity against Python's sets; the kernel and its Python source alike."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.dedup import jaccard

SETS = st.frozensets(st.integers(0, 40) | st.just(2**32 - 1), max_size=30)


def table(sets: list[frozenset[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    length = np.array([len(s) for s in sets], np.int64)
    flat = np.array([h for s in sets for h in sorted(s)], np.uint32)
    return flat, np.cumsum(length) - length, np.cumsum(length)


@pytest.mark.parametrize(
    "compare",
    [jaccard.compare.compiled, jaccard.compare.py_func, jaccard.count_common],
    ids=["compiled", "python", "numpy"],
)
@settings(deadline=None, max_examples=150)
@given(pairs=st.lists(st.tuples(SETS, SETS), max_size=6), threshold=st.sampled_from([0.0, 0.5, 0.7, 0.8, 1 / 3, 1.0]))
def test_compare__is_the_jaccard_of_sets_where_it_reaches_the_threshold(compare, pairs, threshold):
    similarity = np.empty(len(pairs))
    at = np.arange(len(pairs))
    left, right = table([a for a, _ in pairs]), table([b for _, b in pairs])
    compare(at, at, *left, *right, threshold, similarity)
    for (a, b), got in zip(pairs, similarity, strict=True):
        exact = Fraction(len(a & b), len(a | b)) if a and b else Fraction(-1)
        expected = float(exact) if float(exact) >= threshold else -1.0
        assert got == expected
