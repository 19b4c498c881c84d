"""Membership in sorted arrays is np.isin."""

import numpy as np
import pytest

from gristmill.pipelines.whatif.sets import among, distinct, either


@pytest.mark.parametrize("members", [[], [5], [0, 3, 2**63, 2**64 - 1]])
def test_among__as_isin(members):
    members_M = np.array(members, np.uint64)
    values = np.array([0, 1, 3, 5, 5, 2**63, 2**63 + 1, 2**64 - 1], np.uint64)
    assert among(members_M, values).tolist() == np.isin(values, members_M).tolist()
    assert among(members_M, values[:0]).tolist() == []


def test_among__opaque_items():
    """Clusters are 16 bytes."""
    items = np.frombuffer(bytes(range(64)), "V16")
    assert among(np.unique(items[[1, 3]]), items).tolist() == [False, True, False, True]


@pytest.mark.parametrize("values", [[], [7], [2**64 - 1, 0, 3, 3, 0]])
def test_distinct__as_unique(values):
    values_V = np.array(values, np.uint64)
    assert distinct(values_V).tolist() == np.unique(values_V).tolist()
    assert either(values_V, values_V[:1], values_V[:0]).tolist() == np.unique(values_V).tolist()
