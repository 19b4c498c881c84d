"""What a whole run will take, from what a part of it took: core-seconds by stage, bytes by dataset, requests, time.

Told apart is what grows with the input's bytes (reading), with the documents taken (all else that is done to a unit),
with documents and the pairs among them (duplicates), with a bounded sample (the tokenizer), and what is constant.
Pure: `run.measured` makes a `Measured` from receipts. Core-seconds are CPU seconds of the machine that measured.
"""

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MODEL_ERROR = 0.12
"""Relative error of a forecast though everything was measured well: caches, other work on the machine, other texts."""
ALONE_ERROR = 0.25
"""Of a source of which one unit was measured: nobody knows how far others differ."""
START_SECONDS = 4.0
"""CPU seconds of command, graph, forks and report, where kernels are compiled already (docs/benchmarks.md, Start)."""
TOKENIZER_GROWTH = 0.75
"""Power of the sample's bytes: distinct words and merges grow slower than the text (docs/forecast.md)."""
PAIRS_ERROR = 0.15
"""How much dearer a document's search for duplicates may become with each tenfold corpus: more of it repeats."""
FINDING_SECONDS, ROWS_SECONDS = 0.35, 0.08
"""Most CPU seconds of the search for duplicates (a dozen shuffles) and of the pack plan, of however few documents."""
PARTITION_DOCUMENTS, FEWEST_PARTITIONS, MOST_PARTITIONS = 16_384, 4, 4096
"""Of the shuffles of deduplication (stages/duplicates/partitions.py)."""
SHUFFLED_EACH = 300
"""Bytes between stages for each document that is compared, where nobody counted (docs/running.md, Sizing)."""
REQUESTS_EACH, REQUESTS_ONCE = 20, 200
"""Of an object store, for each unit and stage, and for plan, report and manifest (docs/running.md, Costs)."""


@dataclass(frozen=True)
class Range:
    """A number that is not known: most likely `likely`, and unlikely outside of low and high."""

    low: float
    likely: float
    high: float

    @classmethod
    def about(cls, likely: float, error: float) -> "Range":
        """likely / (1 + error) to likely * (1 + error)."""
        return cls(likely / (1 + error), likely, likely * (1 + error))

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> "Range":
        """All three, times a number."""
        return Range(self.low * factor, self.likely * factor, self.high * factor)


NOTHING = Range(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class SourceCost:
    """What the measured units of one source took.

    input_bytes: as they were planned. documents, text_bytes: those taken, after reading. read_seconds: CPU seconds of
    reading everything, taken or not. seconds: of all else, by stage (score, text, tokens). bytes: written, by dataset.
    unit_seconds, unit_bytes: what of these a unit takes however little is in it. error: relative, of the rates, from
    how they differ between units.
    """

    input_bytes: int
    documents: int
    text_bytes: int
    read_seconds: float
    seconds: Mapping[str, float]
    bytes: Mapping[str, int]
    units: int = 1
    unit_seconds: Mapping[str, float] = field(default_factory=dict)
    unit_bytes: Mapping[str, float] = field(default_factory=dict)
    error: float = ALONE_ERROR


@dataclass(frozen=True)
class Measured:
    """What a part of a run took. share: of the documents, where they were chosen by hash (`--sample`).

    duplicates: CPU seconds over all `compared` documents, of repeated passages too; storing: of each unit's decision.
    tokenizer: CPU seconds for `sample_bytes` of text, of at most `sample_limit` (0: it was taken over). rows: CPU
    seconds of the pack plan. shuffled: bytes between stages, 0 where nobody counted. once: bytes of datasets that do
    not grow; together: of those that are made of all documents at once.
    """

    sources: Mapping[str, SourceCost]
    stages: tuple[str, ...]
    share: float = 1.0
    duplicates: float = 0.0
    compared: int = 0
    storing: float = 0.0
    tokenizer: float = 0.0
    sample_bytes: int = 0
    sample_limit: int = 0
    rows: float = 0.0
    shuffled: int = 0
    once: Mapping[str, int] = field(default_factory=dict)
    together: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Measured":
        """The inverse of to_json."""
        sources = {name: SourceCost(**cost) for name, cost in record["sources"].items()}
        return cls(**{**record, "sources": sources, "stages": tuple(record["stages"])})


@dataclass(frozen=True)
class StageForecast:
    """One stage: core-seconds, and those of its tasks, which no two workers share."""

    stage: str
    core_seconds: Range
    tasks: tuple[float, ...]

    def wall(self, workers: int) -> Range:
        """Seconds on so many workers that do nothing else: each takes the next task when it is free."""
        if not self.core_seconds.likely:
            return NOTHING
        busy = [0.0] * min(max(workers, 1), max(len(self.tasks), 1))
        for task in self.tasks:
            heapq.heappush(busy, heapq.heappop(busy) + task)
        return self.core_seconds.times(max(busy) / self.core_seconds.likely)


@dataclass(frozen=True)
class Forecast:
    """What a whole run will take. datasets: bytes by name, `_work/...` among them. shuffled: bytes between stages, at
    once on the disks of the workers, gone at the end. requests: of an object store, if the run lies on one."""

    input_bytes: int
    units: int
    documents: Range
    text_bytes: Range
    stages: tuple[StageForecast, ...]
    datasets: Mapping[str, Range]
    shuffled: Range
    requests: int

    @property
    def core_seconds(self) -> Range:
        """Of all stages."""
        return sum((stage.core_seconds for stage in self.stages), NOTHING)

    @property
    def disk(self) -> Range:
        """Bytes of the run directory at its end, `_work` included."""
        return sum(self.datasets.values(), NOTHING)

    @property
    def peak_disk(self) -> Range:
        """Bytes while it runs."""
        return self.disk + self.shuffled

    def wall(self, workers: int) -> Range:
        """Seconds from the command to the report, stage after stage, on so many cores that do nothing else."""
        return sum((stage.wall(workers) for stage in self.stages), NOTHING)


def forecast(measured: Measured, units: Iterable[tuple[str, int]]) -> Forecast:
    """What the planned units, (source, bytes) in order, will take. A source that was not measured costs what the
    others cost per byte, and makes the ranges wider."""
    planned = list(units)
    share = measured.share
    sources = dict(measured.sources)
    rest = [name for name in dict.fromkeys(name for name, _ in planned) if name not in sources]
    if rest and sources:
        sources |= dict.fromkeys(rest, _together(sources.values()))
    counted = {name: sum(source == name for source, _ in planned) for name in sources}
    grown = {name: _grown(sources[name], planned, name, share) for name in sources}
    compared = sum(scale * sources[name].documents for name, scale in grown.items())
    stages = [_mapped(stage, sources, planned, grown, share) for stage in measured.stages if stage in MAPPED]
    error = max((sources[name].error for name in sources), default=ALONE_ERROR)
    documents = _sum((scale * sources[name].documents, sources[name].error) for name, scale in grown.items())
    text = _sum((scale * sources[name].text_bytes, sources[name].error) for name, scale in grown.items())
    times = compared / sum(cost.documents for cost in sources.values()) if compared else 1.0
    alone = {
        "duplicates": _duplicates(measured, times, compared, len(planned), error),
        "tokenizer": _tokenizer(measured, times, error),
        "rows": _alone("rows", _beyond(measured.rows, ROWS_SECONDS, times), error),
    }
    order = ("score", "duplicates", "text", "tokenizer", "tokens", "rows")
    found = {one.stage: one for one in stages} | {
        name: one for name, one in alone.items() if name in measured.stages or (name == "rows" and measured.rows)
    }
    start = StageForecast("start and report", Range.about(START_SECONDS, 0.5), (START_SECONDS,))
    datasets: dict[str, Range] = {name: Range.about(size, MODEL_ERROR) for name, size in measured.once.items()}
    datasets |= {
        name: Range.about(size * times, math.hypot(MODEL_ERROR, error)) for name, size in measured.together.items()
    }
    for name, scale in grown.items():
        for dataset, size in sources[name].bytes.items():
            whole = _whole(size, sources[name].unit_bytes.get(dataset, 0.0), sources[name], scale, counted[name])
            grew = Range.about(whole, math.hypot(MODEL_ERROR, sources[name].error))
            datasets[dataset] = datasets.get(dataset, NOTHING) + grew
    return Forecast(
        input_bytes=sum(size for _, size in planned),
        units=len(planned),
        documents=documents,
        text_bytes=text,
        stages=(start, *(found[name] for name in order if name in found)),
        datasets=dict(sorted(datasets.items())),
        shuffled=Range.about(
            (measured.shuffled or SHUFFLED_EACH * measured.compared) * times, math.hypot(MODEL_ERROR, error)
        ),
        requests=REQUESTS_ONCE + REQUESTS_EACH * len(planned) * len(measured.stages),
    )


MAPPED = ("score", "text", "tokens")
"""Stages that do unit after unit."""


def _grown(cost: SourceCost, planned: list[tuple[str, int]], name: str, share: float) -> float:
    """How many times what was taken of a source the whole of it is."""
    whole = sum(size for source, size in planned if source == name)
    return whole / cost.input_bytes / share if cost.input_bytes else 0.0


def _whole(measured: float, each: float, cost: SourceCost, scale: float, units: int) -> float:
    """What all planned units take: each its own, and the rest as often as there is more of it."""
    alone = min(measured, each * cost.units)
    return (measured - alone) * scale + (alone / cost.units * units if cost.units else 0.0)


def _together(costs: Iterable[SourceCost]) -> SourceCost:
    """A source that costs what all of these cost, with a wide range."""
    some = list(costs)

    def added(maps: list[Mapping[str, float]]) -> dict[str, float]:
        return {key: sum(one.get(key, 0) for one in maps) for key in {key: None for one in maps for key in one}}

    return SourceCost(
        sum(one.input_bytes for one in some),
        sum(one.documents for one in some),
        sum(one.text_bytes for one in some),
        sum(one.read_seconds for one in some),
        added([one.seconds for one in some]),
        {name: int(size) for name, size in added([one.bytes for one in some]).items()},
        error=1.0,
    )


def _sum(parts: Iterable[tuple[float, float]]) -> Range:
    return sum((Range.about(likely, error) for likely, error in parts), NOTHING)


def _mapped(
    stage: str,
    sources: Mapping[str, SourceCost],
    planned: list[tuple[str, int]],
    grown: Mapping[str, float],
    share: float,
) -> StageForecast:
    """A stage of units: each takes its bytes' part of its source."""
    likely: dict[str, float] = {}
    for name, scale in grown.items():
        cost, each = sources[name], sources[name].unit_seconds.get(stage, 0.0)
        reading = cost.read_seconds * scale * share if stage == "score" else 0.0
        units = sum(source == name for source, _ in planned)
        likely[name] = reading + _whole(cost.seconds.get(stage, 0.0), each, cost, scale, units)
    whole: dict[str, int] = {}
    for name, size in planned:
        whole[name] = whole.get(name, 0) + size
    tasks = tuple(likely.get(name, 0.0) * size / whole[name] if whole[name] else 0.0 for name, size in planned)
    errors = ((likely[name], math.hypot(MODEL_ERROR, sources[name].error)) for name in likely)
    return StageForecast(stage, _sum(errors), tasks)


def _duplicates(measured: Measured, times: float, compared: float, units: int, error: float) -> StageForecast:
    """Documents are compared with a bounded number of others each, so that the search grows as they do; the more there
    are, the more of them repeat."""
    likely = _beyond(measured.duplicates, FINDING_SECONDS, times) + measured.storing * units
    spread = math.hypot(MODEL_ERROR, error)
    more = (1 + PAIRS_ERROR) ** math.log10(max(times, 1.0))
    partitions = min(MOST_PARTITIONS, max(FEWEST_PARTITIONS, math.ceil(compared / PARTITION_DOCUMENTS)))
    seconds = Range(likely / (1 + spread), likely, likely * (1 + spread) * more)
    return StageForecast("duplicates", seconds, (likely / partitions,) * partitions)


def _beyond(measured: float, constant: float, times: float) -> float:
    """What grows so many times, but for a constant part of it."""
    return min(measured, constant) + max(0.0, measured - constant) * times


def _tokenizer(measured: Measured, times: float, error: float) -> StageForecast:
    """One worker learns from a sample that is as large as the recipe says, if there is so much."""
    drawn = measured.sample_bytes
    wanted = min(measured.sample_limit, drawn * times) if drawn else 0
    likely = measured.tokenizer * (wanted / drawn) ** TOKENIZER_GROWTH if wanted else measured.tokenizer
    low, high = measured.tokenizer, measured.tokenizer * max(1.0, wanted / drawn if drawn else 1.0)
    spread = math.hypot(MODEL_ERROR, error)
    return StageForecast("tokenizer", Range(min(low, likely / (1 + spread)), likely, max(high, likely)), (likely,))


def _alone(stage: str, likely: float, error: float) -> StageForecast:
    return StageForecast(stage, Range.about(likely, math.hypot(MODEL_ERROR, error)), (likely,))
