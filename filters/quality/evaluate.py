"""How well scores tell a label from the others. Everything is counted at distinct scores, so that the order of
documents of equal score decides nothing."""

from dataclasses import dataclass

import numpy as np

POINTS = 20
"""Of a precision-recall curve, at evenly spread recalls."""
BINS = 10
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of the other documents that a threshold lets through."""


@dataclass(frozen=True, slots=True)
class Point:
    """At scores of at least `threshold`: the share of chosen documents that are right, and of right ones chosen."""

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Documents whose scores lie in a tenth of the scale: how many, their mean score, the share with the label."""

    documents: int
    score: float
    share: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """The bound that lets this share of the other documents through, and how many of the right ones."""

    rate: float
    at_least: float
    others_kept: float
    kept: float


def _steps(score_D: np.ndarray, is_right_D: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct scores, highest first; documents and right ones with at least that score)."""
    order = np.argsort(-score_D, kind="stable")
    score, right = score_D[order], np.cumsum(is_right_D[order])
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.zeros(0, np.int64)
    return score[last], last + 1, right[last]


def average_precision(score_D: np.ndarray, is_right_D: np.ndarray) -> float:
    """Area under the precision-recall curve as steps: sum of precision times gained recall; 0 without a right one."""
    _, chosen, right = _steps(score_D, is_right_D)
    if not is_right_D.any():
        return 0.0
    return float(np.sum(right / chosen * np.diff(right, prepend=0)) / is_right_D.sum())


def area_under_roc(score_D: np.ndarray, is_right_D: np.ndarray) -> float:
    """Probability that a right document scores higher than another one, ties half (Mann and Whitney); 0.5 where one
    kind is missing."""
    others = len(score_D) - int(is_right_D.sum())
    if not others or not is_right_D.any():
        return 0.5
    _, chosen, right = _steps(score_D, is_right_D)
    wrong = chosen - right
    below = others - wrong + np.diff(wrong, prepend=0) / 2  # others under each step, half of those in it
    return float(np.sum(np.diff(right, prepend=0) * below) / (is_right_D.sum() * others))


def precision_recall(score_D: np.ndarray, is_right_D: np.ndarray, points: int = POINTS) -> list[Point]:
    """The curve, at the highest thresholds that reach recalls of 1 / points, 2 / points, ... 1."""
    if not is_right_D.any():
        return []
    score, chosen, right = _steps(score_D, is_right_D)
    recall = right / is_right_D.sum()
    at = np.unique(np.searchsorted(recall, np.arange(1, points + 1) / points - 1e-12))
    return [Point(float(score[i]), float(right[i] / chosen[i]), float(recall[i])) for i in at]


def calibration(score_D: np.ndarray, is_right_D: np.ndarray) -> list[Bin]:
    """Bins of the scale from 0 to 1; what is well calibrated has a mean score equal to its share."""
    bin_D = np.minimum((score_D * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(bin_D, minlength=BINS)
    total = np.maximum(count, 1)
    scores = np.bincount(bin_D, score_D, BINS) / total
    shares = np.bincount(bin_D, is_right_D, BINS) / total
    return [Bin(int(n), float(s), float(r)) for n, s, r in zip(count, scores, shares, strict=True)]


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error: the mean distance between score and share, weighted by documents."""
    documents = sum(one.documents for one in bins)
    return sum(one.documents * abs(one.score - one.share) for one in bins) / max(1, documents)


def thresholds(score_D: np.ndarray, is_right_D: np.ndarray) -> list[Threshold]:
    """For each of RATES the lowest bound that lets at most that share of the other documents through."""
    other, right = np.sort(score_D[~is_right_D])[::-1], score_D[is_right_D]
    if not len(other):
        return []
    found = []
    for rate in RATES:
        allowed = int(rate * len(other))
        # Above the first one that must not pass: the next number that a double can hold.
        bound = float(np.nextafter(other[allowed], 2.0)) if allowed < len(other) else 0.0
        kept = float((right >= bound).mean()) if len(right) else 0.0
        found.append(Threshold(rate, bound, float((other >= bound).mean()), kept))
    return found
