"""Dates, times of day, moments, durations and intervals as text: ISO 8601, whatever their range, unit and zone.

A moment with a time zone is told in UTC: the instant is what the file stores, and a zone's name may mean nothing here
(`tzutc()`, `Mars/Phobos`), or another thing on a machine with other rules.
"""

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31 in days since 1970: years of four digits."""
DAY_SECONDS = 86_400
DAYS_OF_400_YEARS = 146_097


def time_texts(column: pa.Array) -> pa.Array:
    """A column of any temporal type as large_string; nulls stay."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _moments(column.view(pa.int64()), kind.unit, "Z" if kind.tz else "")
    if pa.types.is_date32(kind):
        return _days(column.view(pa.int32()))
    if pa.types.is_date64(kind):
        return _days(pc.cast(pc.divide(column.view(pa.int64()), DAY_SECONDS * 1000), pa.int32(), safe=False))
    if pa.types.is_duration(kind):
        return _texts(_duration(ticks, PER_SECOND[kind.unit]) for ticks in column.view(pa.int64()).to_pylist())
    if pa.types.is_interval(kind):
        return _texts(value and _interval(*value) for value in column.to_pylist())
    return column.cast(pa.large_string())


def _texts(values: Iterable[str | None]) -> pa.Array:
    return pa.array(list(values), pa.large_string())


def _moments(ticks: pa.Array, unit: str, zone: str) -> pa.Array:
    day = DAY_SECONDS * PER_SECOND[unit]
    texts = ticks.view(pa.timestamp(unit)).cast(pa.large_string())
    if zone:
        texts = pc.binary_join_element_wise(texts, pa.scalar(zone, pa.large_string()), pa.scalar("", pa.large_string()))
    first, last = max(FIRST_DAY * day, -(2**63)), min((LAST_DAY + 1) * day - 1, 2**63 - 1)
    return _far(texts, ticks, first, last, lambda value: _moment(value, PER_SECOND[unit]) + zone)


def _days(days: pa.Array) -> pa.Array:
    texts = days.view(pa.date32()).cast(pa.large_string())
    return _far(texts, days, FIRST_DAY, LAST_DAY, _day)


def _far(texts: pa.Array, ticks: pa.Array, first: int, last: int, say: Callable[[int], str]) -> pa.Array:
    """The texts, with those of ticks outside of [first, last] said by `say`."""
    far = pc.fill_null(pc.or_(pc.less(ticks, first), pc.greater(ticks, last)), False)
    if not pc.any(far).as_py():
        return texts
    return pc.replace_with_mask(texts, far, _texts(map(say, ticks.filter(far).to_pylist())))


def _moment(ticks: int, per_second: int) -> str:
    days, rest = divmod(ticks, DAY_SECONDS * per_second)
    seconds, part = divmod(rest, per_second)
    fraction = f".{part:0{len(str(per_second)) - 1}}" if per_second > 1 else ""
    return f"{_day(days)} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def _day(days: int) -> str:
    """+12345-06-07: a date with the sign and as many digits of the year as it needs (ISO 8601-1, 5.2.2.4)."""
    # Years of the Gregorian calendar that begin in March, from 0000-03-01 on (Hinnant, "chrono-compatible algorithms").
    era, day = divmod(days + 719_468, DAYS_OF_400_YEARS)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    return f"{era * 400 + year + (month >= 10):+05}-{(month + 2) % 12 + 1:02}-{day - (153 * month + 2) // 5 + 1:02}"


def _duration(ticks: int | None, per_second: int) -> str | None:
    return None if ticks is None else f"PT{_seconds(ticks, per_second)}S"


def _seconds(ticks: int, per_second: int) -> str:
    whole, part = divmod(abs(ticks), per_second)
    fraction = f".{part:0{len(str(per_second)) - 1}}".rstrip("0") if part else ""
    return f"{'-' if ticks < 0 else ''}{whole}{fraction}"


def _interval(months: int, days: int, nanoseconds: int) -> str:
    return f"P{months}M{days}DT{_seconds(nanoseconds, PER_SECOND['ns'])}S"
