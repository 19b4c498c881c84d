"""One moment, however a record says it."""

import math

import pytest

from gristmill.filters.dedup.moments import moment

DAY = 1704153600  # 2024-01-02, by `date -ud`
TIME = 1704164645  # 03:04:05 of it
SAID = {
    "2024-01-02": DAY, "2024-1-2": DAY, "2024/01/02": DAY, "2024.1.2": DAY, "20240102": DAY, 20240102: DAY,
    "2024年1月2日": DAY, "2024年01月02日 03:04": TIME - 5, "2024年1月2日 03:04:05": TIME,
    "2024-01-02T03:04:05Z": TIME, "2024-01-02 03:04:05": TIME, "2024-01-02T11:04:05+08:00": TIME,
    "20240102030405": TIME, 20240102030405: TIME, "Tue, 02 Jan 2024 03:04:05 GMT": TIME, TIME: TIME, str(TIME): TIME,
    TIME * 1000: TIME, TIME * 10**6: TIME, TIME * 10**9: TIME, float(TIME): TIME,
    "2024": DAY - 86400, 2024: DAY - 86400, "2024-01": DAY - 86400, "2024年1月": DAY - 86400, "1969-12-31": -86400,
}  # fmt: skip
NO_DATE = ["", "yesterday", "昨天", "2024-13-01", "0000-01-01", "2024年13月1日", "1" * 40, True, None, [],
           math.nan, math.inf, 1e30, "Tue, 99 Foo 2024", "２０２４-01-02"]  # fmt: skip


@pytest.mark.parametrize("value", SAID, ids=repr)
def test_moment(value):
    assert moment(value) == SAID[value] * 10**6


@pytest.mark.parametrize("value", NO_DATE, ids=repr)
def test_moment__of_what_is_no_date(value):
    assert moment(value) is None


def test_moment__knows_fractions_of_a_second():
    assert moment("2024-01-02T03:04:05.25Z") - moment("2024-01-02T03:04:05Z") == 250_000
    assert moment(str(TIME + 0.5)) == TIME * 10**6 + 500_000
