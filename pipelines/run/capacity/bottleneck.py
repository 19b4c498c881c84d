"""What held a run up: the stage, the setting or file at fault, and what to change. Nothing where all was in balance.

Judged by what a run would have gained, in seconds of its clock: of workers that were idle at the end of a stage, of one
that worked alone, of work that is much dearer than the rest. Slower cores or other work on them make all of it slower
alike and so blame nobody; only time in which a worker waited for something else than a core counts as waiting.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gristmill.pipelines.errors import utf8_text
from gristmill.pipelines.processes.clock import FIRST, SPENT_ON, WAITED
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.capacity.measured import BY_UNIT
from gristmill.pipelines.run.capacity.remaining import at_once
from gristmill.pipelines.stages.decide_again import DECIDED_AGAIN

LEAST_SECONDS, LEAST_SHARE = 5.0, 0.2
"""Of the clock: what is less is no bottleneck, but what is left of any run."""
DEAR = {"extract": 0.6, "scrub": 0.6, "duplicates": 0.6, "signal": 0.35}
"""From which part of all CPU seconds some work is to blame: one signal is one of many, extraction is much by nature."""
WAITING = 0.5
"""Part of a stage's time that its workers waited for files or a store."""
ODD = 3.0
"""A unit that takes so many times what its bytes would is one to look at."""


@dataclass(frozen=True)
class Task:
    """A unit that a stage did.

    seconds: of the clock. waited: those in which it neither had a core nor queued for one. spent: CPU seconds by kind
    of work; signals: of the dearest of them. first: of its stage in its process, which loaded much on the way.
    """

    stage: str
    bytes: int
    seconds: float
    cpu_seconds: float
    finished: float
    files: tuple[str, ...] = ()
    waited: float = 0.0
    spent: Mapping[str, float] | None = None
    signals: Mapping[str, float] | None = None
    first: bool = False


@dataclass(frozen=True)
class Facts:
    """Of a run. workers: 0 where nobody knows; elapsed: seconds of the clock; remote: with an object store."""

    workers: int
    elapsed: float
    unit_bytes: int
    input_bytes: int
    sample_bytes: int = 0
    remote: bool = False


@dataclass(frozen=True)
class Bottleneck:
    """cause: few_units, large_file, slow_unit, tokenizer, waiting, or one of DEAR. seconds: of the clock, that a run
    without it would have gained at most. file: the name of the one to blame."""

    cause: str
    stage: str
    seconds: float
    what: str
    change: str
    file: str = ""


def bottlenecks(tasks: Sequence[Task], facts: Facts) -> list[Bottleneck]:
    """What held the run up, the worst first; `tasks` are those that this run did itself."""
    by_stage: dict[str, list[Task]] = {}
    for task in tasks:
        by_stage.setdefault(task.stage, []).append(task)
    workers = facts.workers or max((_at_once(done) for done in by_stage.values()), default=1)
    found = [one for stage in BY_UNIT for one in _idle(by_stage.get(stage, []), workers, facts)]
    found += _alone(by_stage.get("tokenizer", []), workers, facts)
    found += [one for done in by_stage.values() for one in _waiting(done, workers, facts)]
    found += _dear(by_stage, workers)
    return sorted((one for one in found if _counts(one, facts)), key=lambda one: -one.seconds)


def tasks_of(units: Sequence[Unit], receipts: Mapping[str, Sequence[Receipt]], started: float) -> list[Task]:
    """What a run did itself: the units of its receipts, by stage, that were begun after it had started."""
    return [
        _task(stage, receipt, units[at] if stage in BY_UNIT else None)
        for stage, done in receipts.items()
        for at, receipt in enumerate(done)
        if receipt.finished - receipt.seconds >= started
    ]


def _task(stage: str, receipt: Receipt, unit: Unit | None) -> Task:
    details = {} if receipt.details.get(DECIDED_AGAIN) else receipt.details  # which say what reading took once
    spent = {name: took for name, took in details.get(SPENT_ON, {}).items() if name not in ("all", "signals")}
    files = dict.fromkeys(os.path.basename(split.path.split("?")[0]) for split in (unit.splits if unit else ()))
    return Task(
        stage,
        unit.bytes if unit else 0,
        receipt.seconds,
        receipt.cpu_seconds,
        receipt.finished,
        tuple(map(utf8_text, files)),
        details.get(WAITED, 0.0),
        spent,
        details.get(SPENT_ON, {}).get("signals"),
        bool(details.get(FIRST)),
    )


def _counts(one: Bottleneck, facts: Facts) -> bool:
    return one.seconds >= max(LEAST_SECONDS, LEAST_SHARE * facts.elapsed)


def _idle(done: Sequence[Task], workers: int, facts: Facts) -> Iterable[Bottleneck]:
    """Workers without work while the last units of a stage were done."""
    if workers < 2 or not done:
        return
    stage, work = done[0].stage, sum(task.seconds for task in done)
    elapsed = max(task.finished for task in done) - min(task.finished - task.seconds for task in done)
    lost = elapsed - work / workers
    longest = max(done, key=lambda task: task.seconds)
    median = sorted(task.seconds / max(task.bytes, 1) for task in done)[len(done) // 2]
    name = longest.files[0] if longest.files else ""
    took = f"one worker took {longest.seconds:,.0f} s for"
    if longest.seconds < 0.5 * elapsed:  # the stage was long, not its end: some units waited for others
        return
    if len(longest.files) == 1 and longest.bytes > 1.5 * facts.unit_bytes:
        what = f"{took} a file of {longest.bytes / 1e6:,.0f} MB that cannot be cut; others had nothing left to do"
        change = "give this file in several, or in a form that can be cut (Parquet, Arrow, JSONL without compression)"
        yield Bottleneck("large_file", stage, lost, what, change, name)
    elif len(done) < 2 * workers:
        size = max(1, int(facts.input_bytes / (4 * workers) / 1e5)) * 1e5
        units = f"are {len(done):,} units" if len(done) > 1 else "is one unit"
        what = f"there {units} for {workers:,} workers"
        yield Bottleneck("few_units", stage, lost, what, f"smaller units: plan: {{unit_bytes: {size / 1e6:g}MB}}")
    elif longest.seconds / max(longest.bytes, 1) > ODD * median:
        times = longest.seconds / max(longest.bytes, 1) / median
        what = f"{took} one unit, {times:.0f} times what its bytes take elsewhere"
        change = "look at its records (very long ones, pages that are hard to extract), or at the machine that did it"
        yield Bottleneck("slow_unit", stage, lost, what, change, name)


def _alone(done: Sequence[Task], workers: int, facts: Facts) -> Iterable[Bottleneck]:
    seconds = sum(task.seconds for task in done)
    if workers > 1 and done:
        what = f"one worker learnt the tokenizer in {seconds:,.0f} s, and the others had nothing to do"
        change = (
            f"a smaller sample, tokenizer: {{sample_bytes: ...}} (now {facts.sample_bytes / 1e6:,.0f} MB), or take over"
        )
        change += " a tokenizer that is trained, tokenizer: {from: ...}"
        yield Bottleneck("tokenizer", "tokenizer", seconds * (1 - 1 / workers), what, change)


def _waiting(done: Sequence[Task], workers: int, facts: Facts) -> Iterable[Bottleneck]:
    waited, seconds = sum(task.waited for task in done), sum(task.seconds for task in done)
    if not seconds or waited < WAITING * seconds:
        return
    where = "the object store" if facts.remote else "files"
    what = f"{waited / seconds:.0%} of the workers' time was waiting for {where}"
    change = "more --workers than cores, larger plan.unit_bytes, or a machine nearer to the store"
    if not facts.remote:
        change = "input and run directory on a faster disk than a network's, or more --workers than cores"
    yield Bottleneck("waiting", done[0].stage, waited / min(workers, max(1, _at_once(done))), what, change)


def _dear(by_stage: Mapping[str, Sequence[Task]], workers: int) -> Iterable[Bottleneck]:
    """Work that takes most of all CPU seconds; of first units nothing is known, since they load what they need."""
    later = [task for done in by_stage.values() for task in done if not task.first]
    whole = sum(task.cpu_seconds for task in later)
    clock = sum(task.seconds for task in later) / whole / workers if whole else 0.0  # seconds of it for a CPU second
    spent = {"duplicates": sum(task.cpu_seconds for task in later if task.stage == "duplicates")}
    signals: dict[str, float] = {}
    for task in later:
        for kind, seconds in (task.spent or {}).items():
            spent[kind] = spent.get(kind, 0.0) + seconds
        for name, seconds in (task.signals or {}).items():
            signals[name] = signals.get(name, 0.0) + seconds
    change = {
        "extract": "another engine (extract: {engine: ...}, docs/extraction.md), or more workers",
        "scrub": "fewer kinds of personal data: scrub: {entities: [...]}, or more workers",
        "duplicates": "fewer bands, only documents that rules keep (deduplicate: {fingerprint: kept}), or more workers",
    }
    stage = {"extract": "score", "scrub": "text", "duplicates": "duplicates"}
    for kind in change:
        if whole and spent.get(kind, 0.0) >= DEAR[kind] * whole:
            what = f"{_name(kind)} takes {spent[kind] / whole:.0%} of all CPU time"
            yield Bottleneck(kind, stage[kind], spent[kind] * clock, what, change[kind])
    if signals and whole:
        name, seconds = max(signals.items(), key=lambda one: one[1])
        if seconds >= DEAR["signal"] * whole:
            what = f"the signal {name} takes {seconds / whole:.0%} of all CPU time"
            how = "a cheaper model or rule, or only where it is needed (decide: when); see `gristmill bench signals`"
            yield Bottleneck("signal", "score", seconds * clock, what, how)


def _name(kind: str) -> str:
    return {"extract": "extraction", "scrub": "scrubbing", "duplicates": "looking for duplicates"}[kind]


def _at_once(done: Sequence[Task]) -> int:
    return at_once((task.finished - task.seconds, task.finished) for task in done)
