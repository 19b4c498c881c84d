"""Scores of all items from those of each: value, standard error, count.

Letters: N items.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Value = float | tuple[float, float]
"""Of one item: a number; or (nats, bytes), (confidence, right) where a metric is no mean."""

BINS = 10
"""Of the calibration, of equal width over 0 to 1 (Guo et al. 2017 have 15; with some hundred items they are empty)."""
RESAMPLES, SEED = 1000, 20_170_606


@dataclass(frozen=True)
class Score:
    """Of a metric over items. `standard_error` is nan for fewer than two items."""

    value: float
    standard_error: float
    count: int


@dataclass(frozen=True)
class Metric:
    """How a metric is summed up."""

    summarise: Callable[[Sequence[Value]], Score]
    higher_is_better: bool | None = True
    """None: it says what is, not what is better."""
    only_value: Callable[[Sequence[Value]], float] | None = None
    """The score without its error, where that is dear."""

    def value(self, values: Sequence[Value]) -> float:
        """The score without its error."""
        return self.summarise(values).value if self.only_value is None else self.only_value(values)


def mean(values: Sequence[Value]) -> Score:
    """The mean, and the standard deviation of a sample over the root of its size (lm-evaluation-harness)."""
    x_N = np.asarray(values, np.float64)
    error = float(x_N.std(ddof=1) / math.sqrt(len(x_N))) if len(x_N) > 1 else math.nan
    return Score(float(x_N.mean()), error, len(x_N))


def ratio(values: Sequence[Value]) -> Score:
    """Sum over sum, of (numerator, denominator); the standard error of a ratio estimator (Cochran 1977, 6.4)."""
    pair_N2 = np.asarray(values, np.float64)
    total = pair_N2.sum(0)
    found = total[0] / total[1]
    rest_N = pair_N2[:, 0] - found * pair_N2[:, 1]
    N = len(pair_N2)
    error = math.sqrt(N / (N - 1) * float((rest_N**2).sum())) / total[1] if N > 1 else math.nan
    return Score(float(found), float(error), N)


def bits(values: Sequence[Value]) -> Score:
    """Bits per unit, of (negative log-probability in nats, units)."""
    found = ratio(values)
    return Score(found.value / math.log(2), found.standard_error / math.log(2), found.count)


def exponential(of: Callable[[Sequence[Value]], Score]) -> Callable[[Sequence[Value]], Score]:
    """exp of a score (perplexity); its standard error by the delta method."""

    def summarise(values: Sequence[Value]) -> Score:
        found = of(values)
        value = math.exp(min(found.value, 700.0))
        return Score(value, value * found.standard_error, found.count)

    return summarise


def calibration_error(values: Sequence[Value]) -> Score:
    """Expected calibration error (Naeini et al. 2015) of (confidence, right); its standard error by 1,000 bootstrap
    samples of the items. It is at least 0, so that few items give more than many."""
    pair_N2 = np.asarray(values, np.float64)
    found = _calibration_error(pair_N2)
    if len(pair_N2) < 2:
        return Score(found, math.nan, len(pair_N2))
    rng = np.random.default_rng(SEED)
    again = [_calibration_error(pair_N2[rng.integers(0, len(pair_N2), len(pair_N2))]) for _ in range(RESAMPLES)]
    return Score(found, float(np.std(again, ddof=1)), len(pair_N2))


def _calibration_error(pair_N2: np.ndarray) -> float:
    bin_N = np.minimum((pair_N2[:, 0] * BINS).astype(int), BINS - 1)
    gap = np.bincount(bin_N, pair_N2[:, 1] - pair_N2[:, 0], BINS)
    return float(np.abs(gap).sum() / len(pair_N2))


METRICS: dict[str, Metric] = {
    "acc": Metric(mean),
    "acc_norm": Metric(mean),
    "acc_bytes": Metric(mean),
    "exact_match": Metric(mean),
    "likelihood_per_character": Metric(mean),
    "brier_score": Metric(mean, higher_is_better=False),
    "calibration_error": Metric(
        calibration_error,
        higher_is_better=False,
        only_value=lambda values: _calibration_error(np.asarray(values, np.float64)),
    ),
    "bits_per_byte": Metric(bits, higher_is_better=False),
    "byte_perplexity": Metric(exponential(ratio), higher_is_better=False),
    "word_perplexity": Metric(exponential(ratio), higher_is_better=False),
    "perplexity": Metric(exponential(mean), higher_is_better=False),
    "tool_calls": Metric(mean, higher_is_better=None),
    "tool_errors": Metric(mean, higher_is_better=False),
    "first_preferred": Metric(mean, higher_is_better=None),
    "log_ratio": Metric(mean, higher_is_better=None),
    "log_ratio_size": Metric(mean, higher_is_better=False),
    "empty": Metric(mean, higher_is_better=None),
    "expected_max": Metric(mean, higher_is_better=False),
    "any_above": Metric(mean, higher_is_better=False),
    "mean_probability": Metric(mean, higher_is_better=False),
}
"""The last three are those of `gristmill probe`, of what is not wanted."""
MEAN = Metric(mean)


def metric_of(name: str) -> Metric:
    """How a metric is summed up; those that are not named are means of what is better the higher (pass@k)."""
    return METRICS.get(name, MEAN)
