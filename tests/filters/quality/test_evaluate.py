"""Figures against plain loops over pairs and thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.quality import evaluate

SCORES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5001, 0.9, 1.0]) | st.floats(0, 1)
SCORED = st.lists(st.tuples(SCORES, st.booleans()), max_size=40)


def arrays(scored: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in scored], float), np.array([right for _, right in scored], bool)


@given(SCORED)
def test_area_under_roc__is_the_share_of_pairs_in_order(scored) -> None:
    right = [score for score, is_right in scored if is_right]
    other = [score for score, is_right in scored if not is_right]
    pairs = [1.0 if r > o else 0.5 if r == o else 0.0 for r in right for o in other]
    assert evaluate.area_under_roc(*arrays(scored)) == pytest.approx(np.mean(pairs) if pairs else 0.5)


@given(SCORED)
def test_average_precision__is_a_sum_over_thresholds(scored) -> None:
    total, before = 0.0, 0.0
    rights = sum(right for _, right in scored)
    for bound in sorted({score for score, _ in scored}, reverse=True):
        chosen = [right for score, right in scored if score >= bound]
        recall = sum(chosen) / max(1, rights)
        total += sum(chosen) / len(chosen) * (recall - before)
        before = recall
    assert evaluate.average_precision(*arrays(scored)) == pytest.approx(total)


@given(SCORED)
def test_precision_recall__each_point_is_so(scored) -> None:
    for point in evaluate.precision_recall(*arrays(scored)):
        chosen = [right for score, right in scored if score >= point.threshold]
        assert point.precision == pytest.approx(sum(chosen) / len(chosen))
        assert point.recall == pytest.approx(sum(chosen) / sum(right for _, right in scored))


@given(SCORED)
def test_thresholds__let_no_more_through_than_asked(scored) -> None:
    other = [score for score, right in scored if not right]
    for one in evaluate.thresholds(*arrays(scored)):
        assert sum(score >= one.at_least for score in other) <= one.rate * len(other) + 1e-9
        assert one.others_kept == pytest.approx(np.mean([score >= one.at_least for score in other]))


@given(SCORED)
def test_calibration__counts_everything_once(scored) -> None:
    bins = evaluate.calibration(*arrays(scored))
    assert sum(one.documents for one in bins) == len(scored)
    assert sum(one.documents * one.share for one in bins) == pytest.approx(sum(right for _, right in scored))
    assert 0 <= evaluate.calibration_error(bins) <= 1


@given(SCORED, st.randoms())
def test_the_order_of_documents_decides_nothing(scored, rng) -> None:
    shuffled = rng.sample(scored, len(scored))
    for figure in (evaluate.precision_recall, evaluate.thresholds):
        assert figure(*arrays(scored)) == figure(*arrays(shuffled))
