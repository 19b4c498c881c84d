"""Fits recover known laws."""

import numpy as np
import pytest

from gristmill.trainer.scaling.fit import fit_law

CHINCHILLA = {"constant": 1.69, "factor_N": 406.4, "exponent_N": -0.34, "factor_D": 410.7, "exponent_D": -0.28}


def ladder(noise: float, seed: int = 0):
    N, D = (grid.flatten() for grid in np.meshgrid(np.geomspace(1e6, 3e8, 6), np.geomspace(2e7, 3e9, 5)))
    loss = 1.69 + 406.4 * N**-0.34 + 410.7 * D**-0.28
    return {"N": N, "D": D}, loss * np.exp(np.random.default_rng(seed).normal(0, noise, len(N)))


def test_fit_law__recovers_chinchillas_coefficients_without_noise():
    law = fit_law(*ladder(0.0), samples=20)
    for name, value in CHINCHILLA.items():
        assert law.coefficients()[name]["value"] == pytest.approx(value, rel=0.01), name
    assert law(7e10, 1.4e12) == pytest.approx(1.69 + 406.4 * 7e10**-0.34 + 410.7 * 1.4e12**-0.28, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_fit_law__predicts_ten_times_the_compute_within_a_narrow_interval(seed):
    law = fit_law(*ladder(0.002, seed), samples=200)
    truth = 1.69 + 406.4 * 1e9**-0.34 + 410.7 * 1e10**-0.28
    low, high = law.interval(1e9, 1e10)
    assert law(1e9, 1e10) == pytest.approx(truth, rel=0.01)
    assert low < law(1e9, 1e10) < high
    assert low * 0.99 < truth < high * 1.01
    assert high - low < 0.03 * truth


def test_fit_law__the_interval_covers_the_truth_about_as_often_as_it_says():
    truth, inside = 1.69 + 406.4 * 1e9**-0.34 + 410.7 * 1e10**-0.28, []
    for seed in range(30):
        low, high = fit_law(*ladder(0.003, seed), samples=100).interval(1e9, 1e10)
        measured = truth * np.exp(np.random.default_rng(1000 + seed).normal(0, 0.003))
        inside.append(low <= measured <= high)
    assert sum(inside) >= 24, "27 of 30 expected"


def test_fit_law__a_power_of_compute_with_a_floor():
    C = np.geomspace(1e12, 1e16, 7)
    law = fit_law({"C": C}, 2.0 + 500 * C**-0.2, samples=20)
    found = law.coefficients()
    assert found["constant"]["value"] == pytest.approx(2.0, rel=0.01)
    assert found["factor_C"]["value"] == pytest.approx(500, rel=0.02)
    assert found["exponent_C"]["value"] == pytest.approx(-0.2, rel=0.01)


def test_fit_law__one_bad_run_hardly_moves_it():
    inputs, loss = ladder(0.0)
    loss[7] *= 1.5
    assert fit_law(inputs, loss, samples=5)(1e9, 1e10) == pytest.approx(
        1.69 + 406.4 * 1e9**-0.34 + 410.7 * 1e10**-0.28, rel=0.01
    )


def test_fit_law__too_few_runs_are_refused():
    with pytest.raises(ValueError, match="5 parameters need more than 5 runs, there are 5"):
        fit_law({"N": np.arange(1, 6), "D": np.arange(1, 6)}, np.ones(5))
