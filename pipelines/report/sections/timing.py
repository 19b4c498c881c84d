"""Where the time went."""

from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.report.figures import Figure, share
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.theme import moment

MEGABYTE = 1_000_000

STAGES_QUERY = """\
SELECT s.stage, s.units, s.documents, s.bytes, s.seconds, s.cpu_seconds,
       s.bytes / 1e6 / s.seconds AS mb_per_second, s.bytes / 1e6 / s.cpu_seconds AS mb_per_cpu_second
FROM (SELECT unnest(stages) AS s FROM 'run.json')"""

_FACTS = ("runner", "workers", "started", "finished")


@dataclass(frozen=True)
class Stage:
    """Time of one stage, summed over its units. Rates: megabytes (10**6) per second of work and of CPU time."""

    name: str
    units: int
    documents: int
    bytes: int
    seconds: float
    cpu_seconds: float | None
    rate: float | None
    cpu_rate: float | None
    share: float | None


@dataclass(frozen=True)
class Bottleneck:
    """What held the run up, and what to change; `seconds` of the clock that a run without it would gain at most."""

    cause: str
    stage: str
    seconds: float
    what: str
    change: str
    file: str


@dataclass(frozen=True)
class Timing:
    """Where the time went. bottlenecks: the worst first; none where all was in balance."""

    stages: list[Stage]
    bottlenecks: list[Bottleneck]
    seconds: float
    facts: list[Figure]
    query: str


def build_timing(material: Material) -> Timing | None:
    """Stages of run.json; None where it has none."""
    stages = material.state.get("stages") or []
    if not stages:
        return None
    seconds = sum(stage["seconds"] for stage in stages)
    facts = [
        Figure(name, moment(str(material.state[name]))) for name in _FACTS if material.state.get(name) not in (None, "")
    ]
    if cost := material.state.get("cost"):
        facts.append(Figure("core-hours paid for", f"{cost['core_hours']:,.2f}"))
        facts.append(Figure(f"cost, at the prices of {cost['prices']}", f"{cost['total']:,.2f} {cost['currency']}"))
    held = [
        Bottleneck(**{**one, "file": material.excerpts.name(one["file"])})
        for one in material.state.get("bottlenecks") or []
    ]
    return Timing([_stage(stage, seconds) for stage in stages], held, seconds, facts, STAGES_QUERY)


def _stage(stage: dict[str, Any], whole: float) -> Stage:
    # Stages that only move numbers count no bytes: then there is no rate.
    size, seconds, cpu = stage["bytes"], stage["seconds"], stage.get("cpu_seconds") or None
    return Stage(
        name=stage["stage"],
        units=stage["units"],
        documents=stage["documents"],
        bytes=size,
        seconds=seconds,
        cpu_seconds=cpu,
        rate=share(size / MEGABYTE, seconds) if size else None,
        cpu_rate=share(size / MEGABYTE, cpu or 0) if size else None,
        share=share(seconds, whole),
    )
