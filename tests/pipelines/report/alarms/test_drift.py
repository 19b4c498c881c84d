"""The population stability index: its values, and that samples of one distribution do not drift."""

import math

import numpy as np
import pytest

from gristmill.pipelines.report.alarms.drift import joined_bins, psi


def test_psi__as_worked_out_by_hand() -> None:
    before, now = np.array([500_000, 500_000]), np.array([600_000, 400_000])
    by_hand = (0.6 - 0.5) * math.log(0.6 / 0.5) + (0.4 - 0.5) * math.log(0.4 / 0.5)
    assert psi(before, now) == pytest.approx(by_hand, abs=1e-5)
    assert psi(before, before * 7) == pytest.approx(0, abs=1e-5)
    assert psi(before, now) == pytest.approx(psi(now, before))
    assert math.isfinite(psi(np.array([300, 0]), np.array([0, 300])))


def test_joined_bins__have_a_tenth_of_both_and_lose_nothing() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        before, now = rng.integers(0, 40, 40), rng.integers(0, 40, 40)
        first, second = joined_bins(before, now)
        assert (first.sum(), second.sum()) == (before.sum(), now.sum())
        assert ((first / first.sum() + second / second.sum())[:-1] >= 0.2).all()
        assert len(first) <= 11


def test_a_list_that_begins_to_match_drifts() -> None:
    before, now = np.array([980, 20]), np.array([600, 400])
    assert psi(*joined_bins(before, now)) > 0.25
    assert psi(*joined_bins(np.array([0, 1000, 0]), np.array([0, 500, 500]))) > 0.25


def test_what_moves_into_a_gap_of_the_reference_drifts() -> None:
    assert psi(*joined_bins(np.array([100, 0, 0, 0, 200]), np.array([100, 0, 200, 0, 0]))) > 0.25


@pytest.mark.parametrize("size", [300, 3000])
def test_samples_of_one_distribution_stay_far_below_the_bound(size) -> None:
    rng = np.random.default_rng(size)
    draws = [np.histogram(rng.gamma(2, 1, size), np.linspace(0, 8, 41))[0] for _ in range(200)]
    found = [psi(*joined_bins(one, other)) for one, other in zip(draws[::2], draws[1::2], strict=True)]
    assert max(found) < 0.25
    moved = np.histogram(rng.gamma(2, 1.6, size), np.linspace(0, 8, 41))[0]
    assert psi(*joined_bins(draws[0], moved)) > 0.25
