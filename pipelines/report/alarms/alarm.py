"""An alarm, and the lines that stand of alarms on top of a report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gristmill.pipelines.report.sections.attention import Attention
from gristmill.pipelines.report.theme import count

NOTHING, EVERYTHING, EDGE, DRIFT = "nothing", "everything", "edge", "drift"
KINDS = (EVERYTHING, DRIFT, NOTHING, EDGE)
"""Gravest first."""
ON_TOP = 6
"""Alarms that are said one by one; the rest is counted."""
LISTED = 200
"""Alarms that a report holds."""


@dataclass(frozen=True)
class Alarm:
    """Something that a run as a whole did not do as it should. `where`: "source web", "language zh", "" for all."""

    kind: str
    step: str
    name: str
    where: str
    documents: int
    text: str
    section: str


@dataclass(frozen=True)
class Alarms:
    """The alarms of a run, gravest first; `others`: those that are not listed; counts by kind are of all."""

    listed: list[Alarm]
    others: int
    counts: dict[str, int]
    compared_with: str | None
    """The run that it was compared with; None: with none."""


def alarms_of(found: Sequence[Alarm], compared_with: str | None) -> Alarms:
    """All alarms of a run in order."""
    ordered = sorted(found, key=lambda one: (KINDS.index(one.kind), -one.documents, one.step, one.name, one.where))
    counts = {kind: sum(one.kind == kind for one in ordered) for kind in KINDS}
    return Alarms(ordered[:LISTED], max(0, len(ordered) - LISTED), counts, compared_with)


def alarm_lines(alarms: Alarms) -> Iterator[Attention]:
    """What stands on top. Rules of `decide` that fired nowhere have a line of their own there (attention)."""
    said = [one for one in alarms.listed if not (one.kind == NOTHING and one.step == "decide" and not one.where)]
    yield from (Attention(one.text, one.section) for one in said[:ON_TOP])
    if more := max(0, len(said) - ON_TOP) + alarms.others:
        yield Attention(f"{count(more)} more alarm{'' if more == 1 else 's'}.", "alarms")
