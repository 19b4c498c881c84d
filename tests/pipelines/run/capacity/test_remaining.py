"""The time that a stage will still take: nothing before it can be known, and by bytes and source from then on."""

import pytest

from gristmill.pipelines.run.capacity.remaining import Done, seconds_left

SINCE = 1000.0


def one_after_another(seconds, size=100, source="web", begin=SINCE, count=4):
    return [Done(source, size, seconds, begin + seconds * (number + 1)) for number in range(count)]


def test_seconds_left__nothing_is_said_before_it_can_be_known():
    done = one_after_another(10)
    assert seconds_left([], [("web", 100)], SINCE) is None
    assert seconds_left(done[:2], [("web", 100)], SINCE) is None
    assert seconds_left(done, [], SINCE) is None
    assert seconds_left(done, [("web", 100)], SINCE + 999) is None  # all of them of an earlier try
    first_round = [Done("web", 100, 10, SINCE + 10)] * 8  # eight at once: one of them says nothing about the ninth
    assert seconds_left(first_round, [("web", 100)] * 8, SINCE) is None
    empty = [Done("web", 0, 0.0, SINCE)] * 9
    assert seconds_left(empty, [("web", 100)], SINCE) is None


def test_seconds_left__by_the_bytes_of_what_is_left():
    done = one_after_another(10)
    assert seconds_left(done, [("web", 100)], SINCE) == pytest.approx(10)
    assert seconds_left(done, [("web", 100), ("web", 1000)], SINCE) == pytest.approx(110)


def test_seconds_left__each_source_by_its_own_rate_and_new_ones_by_all():
    done = one_after_another(10, source="pages") + one_after_another(1, source="table", begin=SINCE + 40)
    assert seconds_left(done, [("pages", 100)], SINCE) == pytest.approx(10)
    assert seconds_left(done, [("table", 100)], SINCE) == pytest.approx(1)
    assert seconds_left(done, [("other", 100)], SINCE) == pytest.approx(5.5)


def test_seconds_left__as_many_at_once_as_there_were_and_one_file_by_one_worker():
    two = one_after_another(10) + one_after_another(10)
    assert seconds_left(two, [("web", 100)] * 4, SINCE) == pytest.approx(20)
    assert seconds_left(two, [("web", 1000)], SINCE) == pytest.approx(100)


def test_seconds_left__an_earlier_try_says_what_a_byte_costs_but_not_how_many_are_done_at_once():
    before = [Done("web", 100, 10, SINCE - 500)] * 16
    assert seconds_left([*before, *one_after_another(10)], [("web", 100)] * 2, SINCE) == pytest.approx(20)
