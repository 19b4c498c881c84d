"""When a page was fetched or written, from the many forms in which records say it."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?)?月?年?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII
)
_PACKED = {4: "%Y", 8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}
_MICROSECONDS = ((1e11, 10**6), (1e14, 10**3), (1e17, 1))
"""Numbers below the first are seconds since 1970, then milliseconds, then microseconds, then nanoseconds."""


def moment(value: object) -> int | None:
    """Microseconds since 1970 of a date; without an offset it is UTC. None for what is no date.

    Read are ISO 8601 (`2024-01-02T03:04:05Z`, as WARC has it), 2024-01-02 and its parts, 2024年1月2日, the 14 digits
    of archives (20240102030405, also as a number), dates of HTTP (`Tue, 02 Jan 2024 03:04:05 GMT`), and seconds,
    milli-, micro- or nanoseconds since 1970.
    """
    if isinstance(value, str):
        value = value.strip()
        if not re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
            return _of_text(value) if len(value) <= 64 else None
        value = float(value) if "." in value or len(value) > 20 else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _of_number(value)


def _of_number(value: float) -> int | None:
    packed = _PACKED.get(len(str(value))) if isinstance(value, int) else None
    if packed:
        try:
            return _since(datetime.strptime(str(value), packed))
        except ValueError:
            pass  # then it counts seconds
    for limit, unit in _MICROSECONDS:
        if abs(value) < limit:
            return round(value * unit)
    return round(value / 1000) if abs(value) < 1e20 else None


def _of_text(text: str) -> int | None:
    try:
        if found := _DAY.fullmatch(text):
            year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups())
            return _since(datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0))
        return _since(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    try:
        return _since(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _since(moment: datetime) -> int:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)
