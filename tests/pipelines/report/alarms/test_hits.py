"""What did nothing or everything is an alarm; what is so by chance, or among few documents, is none."""

import numpy as np
import pytest

from gristmill.pipelines.report.alarms.hits import Case, Doing, alarms_in

LEAST = 300


def told(cases: dict[Case, tuple[int, int]], **options: bool) -> list[tuple[str, str, int]]:
    doing = Doing("decide", "a rule", "fired for", "rules", cases, **options)
    return [(alarm.kind, alarm.where, alarm.documents) for alarm in alarms_in(doing, LEAST)]


def test_nothing_and_everything_of_a_run_are_said_once() -> None:
    both = {("web", "en"): 200, ("news", "zh"): 200}
    assert told({case: (n, 0) for case, n in both.items()}) == [("nothing", "", 400)]
    assert told({case: (n, n) for case, n in both.items()}) == [("everything", "", 400)]
    assert told({case: (n, 0) for case, n in both.items()}, none=False) == []
    assert told({case: (n, n) for case, n in both.items()}, all=False) == []


def test_few_documents_raise_none() -> None:
    assert told({("web", "en"): (299, 0)}) == []
    assert told({}) == []
    assert told({("web", "en"): (1000, 500), ("news", "zh"): (299, 299)}) == []


def test_a_source_and_a_language_that_are_the_same_documents_are_one_alarm() -> None:
    cases = {("web", "en"): (1000, 100), ("news", "zh"): (400, 400)}
    assert told(cases) == [("everything", "source news", 400)]
    cases = {("web", "en"): (1000, 100), ("web", "zh"): (400, 400), ("news", "zh"): (400, 400)}
    assert told(cases) == [("everything", "source news", 400), ("everything", "language zh", 800)]


def test_nothing_in_a_group_is_one_only_where_that_surprises() -> None:
    assert told({("web", "en"): (10_000, 100), ("news", "zh"): (400, 0)}) == []  # about 4 were to be expected
    assert told({("web", "en"): (10_000, 500), ("news", "zh"): (400, 0)}) == [("nothing", "source news", 400)]


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.02, 0.05])
def test_a_rule_that_fires_everywhere_alike_raises_hardly_any(rate) -> None:
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(200):
        cases = {("web", f"l{n}"): (400, int(rng.binomial(400, rate))) for n in range(10)}
        alarms += sum(where != "" for _, where, _ in told(cases))
    assert alarms <= 4  # of 2,000 groups


def test_the_text_names_what_where_and_how_many() -> None:
    doing = Doing(
        "decide", "chinese@gristmill/spam", "fired for", "rules", {("a", "zh"): (500, 500), ("b", "en"): (500, 1)}
    )
    assert [alarm.text for alarm in alarms_in(doing, LEAST)] == [
        "chinese@gristmill/spam fired for all of the 500 documents of source a."
    ]
