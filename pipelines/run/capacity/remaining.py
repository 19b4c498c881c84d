"""How long a stage will still take, from its receipts: by the bytes of its units, and by what each source costs."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

KNOWN_UNITS, KNOWN_ROUNDS = 3, 2
"""Units that must be done before anything is said: so many, and so many rounds of those that are done at once."""


class Done(NamedTuple):
    """A unit that is done: of a source, its bytes in the plan, what it took, and when it ended (since 1970)."""

    source: str
    bytes: int
    seconds: float
    finished: float


def seconds_left(done: Sequence[Done], left: Sequence[tuple[str, int]], since: float) -> float | None:
    """Seconds until the units `left`, (source, bytes), are done too; None as long as nobody can know.

    Units that ended before `since`, when the run began, tell what a byte costs, and not how many are done at once.
    """
    if not left:
        return None
    now = [unit for unit in done if unit.finished >= since]
    most = at_once((unit.finished - unit.seconds, unit.finished) for unit in now)
    if len(now) < max(KNOWN_UNITS, KNOWN_ROUNDS * most):
        return None
    elapsed = max(unit.finished for unit in now) - min(unit.finished - unit.seconds for unit in now)
    worked, whole = sum(unit.seconds for unit in now), _rate(done)
    if elapsed <= 0 or whole is None:
        return None
    sources = {source for source, _ in left}
    rates = {source: _rate(unit for unit in done if unit.source == source) for source in sources}
    work = sum(size * (rates[source] or whole) for source, size in left)
    return work / min(len(left), max(1.0, worked / elapsed))


def _rate(units: Iterable[Done]) -> float | None:
    """Seconds of a byte; None where there is none."""
    some = list(units)
    size = sum(unit.bytes for unit in some)
    return sum(unit.seconds for unit in some) / size if size else None


def at_once(spans: Iterable[tuple[float, float]]) -> int:
    """How many of these, (began, ended), were under way at once, at most."""
    some = list(spans)
    turns = sorted([(began, 1) for began, _ in some] + [(ended, -1) for _, ended in some])
    return max(accumulate(turn for _, turn in turns), default=0)
