"""Bounds at the edge of what their signal can be or was; bounds within it, and those of few documents, are none."""

import pytest

from gristmill.pipelines.report.alarms.edges import edge_alarms
from gristmill.pipelines.report.figures import Histogram, Threshold
from gristmill.pipelines.report.sections.decisions import Entry


def edges(comparison: str, value: float, smallest: float, largest: float, unit: str = "words", documents: int = 500):
    bound = Threshold("p/rule", comparison, value, "", 0, 0.0)
    signal = Histogram("words", unit, documents, "linear", 0, 1, smallest, 0, largest, [], 0, 0.0, [bound], "")
    return [alarm.text for alarm in edge_alarms([Entry(2, "language zh", [], 500, 0, 0.0, [], [signal], "")], 300)]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (edges(">=", 0, 3, 90), "what its signal never falls below"),
        (edges("<=", 1, 0.1, 0.9, "share"), "what its signal, a share, never exceeds"),
        (edges(">=", 50, 50, 90), "the smallest value that occurs"),
        (edges("<=", 90, 50, 90), "the largest value that occurs"),
        (edges(">=", 91, 50, 90, documents=400), "above all values that occur: it drops all 400 documents"),
        (edges("<=", 49, 50, 90, documents=400), "below all values that occur"),
    ],
)
def test_a_bound_at_the_edge_is_an_alarm_that_says_which(found, why) -> None:
    assert len(found) == 1
    assert why in found[0]


@pytest.mark.parametrize(
    "found",
    [
        edges(">=", 51, 50, 90),
        edges(">=", 91, 50, 90),  # fired for all, which is told elsewhere
        edges("<=", 0, 0, 0),  # never fired, which is told elsewhere
        edges("<=", 0, 0, 1, "matches"),
        edges(">=", 0, -1, 5, "score"),
        edges(">=", 50, 50, 90, documents=299),
    ],
)
def test_a_bound_within_is_none(found) -> None:
    assert found == []
