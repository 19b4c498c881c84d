"""Shares, caps and what is missing, against plain arithmetic and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.mixing.amounts import Wanted, allocate, effective, level, whole_rows

numbers = st.integers(0, 100).map(float)


@given(st.floats(0.1, 500), st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
@settings(deadline=None, max_examples=300)
def test_level__equals_bisection(ask, cells):
    due, room = (np.array(column) for column in zip(*cells, strict=True))
    room = np.where(due > 0, room, 0)
    low, high = 0.0, 1e9
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(room, middle * due).sum() < ask else (low, middle)
    expected = np.minimum(room, high * due)
    got = level(ask, due, room)
    assert got.sum() == pytest.approx(expected.sum(), rel=1e-6, abs=1e-6)
    assert (got <= room + 1e-9).all()


def one(tokens, share, total, cap, spread=False):
    tokens = np.array(tokens)
    asked = Wanted(np.array(share) * total, np.ones(len(tokens)))
    return allocate([asked], tokens, np.arange(len(tokens)), cap, spread=spread)


def test_allocate__what_a_capped_group_cannot_give_is_missing_or_spread():
    got = one([100, 1000], [0.7, 0.3], 1000, 4)
    assert got.tokens_SC.tolist() == [[400, 300]]
    assert got.missing_SG.tolist() == [[300, 0]]
    got = one([100, 1000], [0.7, 0.3], 1000, 4, spread=True)
    assert got.tokens_SC[0] == pytest.approx([400, 600])
    assert got.missing_SG.sum() == 0
    got = one([100, 100], [0.7, 0.3], 1000, 4, spread=True)
    assert got.tokens_SC[0] == pytest.approx([400, 400])
    assert got.missing_SG.sum() == pytest.approx(200)


def test_allocate__the_last_stage_chooses_first_and_the_cap_holds_over_all():
    tokens, group = np.array([100, 100]), np.array([0, 0])
    main, anneal = Wanted(np.array([500.0]), np.ones(2)), Wanted(np.array([200.0]), np.array([0.0, 1.0]))
    got = allocate([main, anneal], tokens, group, 4, spread=False)
    assert got.tokens_SC.tolist() == [[300, 200], [0, 200]]
    assert (got.tokens_SC.sum(0) <= 400).all()


def test_effective__is_the_formula_of_the_paper():
    once, many = effective(np.array([10.0, 10.0]), np.array([1.0, 5.0]))
    assert once == 10
    assert many == pytest.approx(10 + 10 * 15.387756 * (1 - np.exp(-4 / 15.387756)))
    assert effective(np.array([10.0]), np.array([0.5]))[0] == 5


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=20))
def test_whole_rows__add_up_and_are_off_by_less_than_one(rows):
    got = whole_rows(np.array(rows))
    assert got.sum() == round(float(np.array(rows).sum()))
    assert (np.abs(got - np.array(rows)) < 1 + 1e-5).all()
