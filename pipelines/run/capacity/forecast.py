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

from gristmill.pipelines.duplicates.sizes import BAND_BYTES, bytes_alone, many, partitions_for
from gristmill.pipelines.recipe.sources import PARTITION_DOCUMENTS

MODEL_ERROR = 0.12
"""Relative error of a forecast though everything was measured well: caches, other work on the machine, other texts."""
ALONE_ERROR = 0.25
"""Of a source of which one unit was measured: nobody knows how far others differ."""
START_SECONDS, START_ERROR = 6.0, 0.5
"""CPU seconds of command, graph, forks and report, where kernels are compiled already (docs/benchmarks.md, Start)."""
TOKENIZER_GROWTH = 0.75
"""Power of the sample's bytes: distinct words and merges grow slower than the text (docs/forecast.md)."""
PAIRS_ERROR = 0.15
"""How much dearer a document's search for duplicates may become with each tenfold corpus: more of it repeats."""
FINDING_SECONDS, ROWS_SECONDS = 0.35, 0.08
"""Most CPU seconds of the search for duplicates (a dozen stages) and of the pack plan, of however few documents."""
SHUFFLED_LINKED, SHUFFLED_UNIT = 800, 28_000
"""Bytes between stages for each document that has a duplicate, beside its keys, where nobody counted (docs/scale.md:
pairs and edges), and at most for each unit, whose receipts go from stage to stage."""
LINKED_GROWTH = 2.0
"""Times as large a share of the documents has a duplicate where they are ten times as many (2.3, 1.9:
docs/forecast.md)."""
SHARED_KEYS = 0.6
"""Of the keys of a document that has a duplicate: those that make records where the others do not (docs/scale.md)."""
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
class Search:
    """How duplicates are looked for. keys: of a document. partition_documents: as the recipe has it. indexed: documents
    of indexes, which are searched among however little of the input is."""

    keys: int = 0
    partition_documents: int = PARTITION_DOCUMENTS
    indexed: int = 0

    def partitions(self, documents: float) -> int:
        """Of the shuffles, for so many documents of the input."""
        return partitions_for(math.ceil(documents) + self.indexed, self.partition_documents)

    def bytes_alone(self, documents: float) -> float:
        """What the keys of all documents take in the shuffles, if each is alone."""
        return (documents + self.indexed) * bytes_alone(self.keys, self.partitions(documents))

    def grown(self, documents: int, times: float) -> float:
        """How many times as much is searched, where so many documents become so many times more."""
        whole = documents + self.indexed
        return (documents * times + self.indexed) / whole if whole else times


@dataclass(frozen=True)
class Measured:
    """What a part of a run took. share: of the documents, where they were chosen by hash (`--sample`).

    duplicates: CPU seconds over all `compared` documents, of which `linked` have a duplicate, by a `search`; of
    repeated passages too; storing: of each unit's decision. tokenizer: CPU seconds for `sample_bytes` of text, of at
    most `sample_limit` (0: it was taken over). rows: CPU seconds of the pack plan. shuffled: bytes between stages, 0
    where nobody counted. once: bytes of datasets that do not grow; together: of those that are made of all documents
    at once.
    """

    sources: Mapping[str, SourceCost]
    stages: tuple[str, ...]
    share: float = 1.0
    duplicates: float = 0.0
    compared: int = 0
    linked: int = 0
    search: Search = Search()
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
        search = Search(**record.get("search", {}))
        return cls(**{**record, "sources": sources, "stages": tuple(record["stages"]), "search": search})

    @property
    def units(self) -> int:
        """Of all sources."""
        return sum(cost.units for cost in self.sources.values())

    @property
    def between(self) -> float:
        """Bytes between stages: as counted, or where nobody did what is usual."""
        usual = self.search.bytes_alone(self.compared) + self.linked * self.bytes_linked(self.compared)
        return self.shuffled or usual + SHUFFLED_UNIT * self.units

    def bytes_linked(self, documents: float) -> float:
        """What a document that has a duplicate takes in the shuffles of so many, beside `Search.bytes_alone`."""
        records = many(self.search.partitions(documents))
        return SHUFFLED_LINKED + (SHARED_KEYS * self.search.keys * BAND_BYTES if records else 0.0)


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


MAPPED = ("score", "overlaps", "text", "tokens")
"""Stages that do unit after unit."""
ORDER = ("score", "overlaps", "duplicates", "text", "tokenizer", "tokens", "rows")


def forecast(measured: Measured, units: Iterable[tuple[str, int]]) -> Forecast:
    """What the planned units, (source, bytes) in order, will take. A source that was not measured costs what the
    others cost per byte, and makes the ranges wider."""
    planned = list(units)
    whole = _sources(measured, planned)
    taken = sum(cost.documents for cost in measured.sources.values())
    compared = sum(one.times * one.cost.documents for one in whole.values())
    times = compared / taken if taken and compared else 1.0
    error = max((one.error for one in whole.values()), default=ALONE_ERROR)
    alone = {
        "duplicates": _duplicates(measured, times, len(planned), error),
        "tokenizer": _tokenizer(measured, times, error),
        "rows": _alone("rows", _beyond(measured.rows, ROWS_SECONDS, times), error),
    }
    stages = [*measured.stages, *(["rows"] if measured.rows else [])]
    found = {name: alone[name] if name in alone else _mapped(name, whole, planned) for name in stages}
    return Forecast(
        input_bytes=sum(size for _, size in planned),
        units=len(planned),
        documents=_sum((one.times * one.cost.documents, one.cost.error) for one in whole.values()),
        text_bytes=_sum((one.times * one.cost.text_bytes, one.cost.error) for one in whole.values()),
        stages=(
            _alone("start and report", START_SECONDS, START_ERROR),
            *(found[name] for name in ORDER if name in found),
        ),
        datasets=dict(sorted(_datasets(measured, whole, times, error).items())),
        shuffled=Range.about(_shuffled(measured, times, len(planned)), error),
        requests=REQUESTS_ONCE + REQUESTS_EACH * len(planned) * len(measured.stages),
    )


@dataclass(frozen=True)
class _Source:
    """What was measured of a source, and its planned units and bytes. read: times that the bytes are more; times: that
    the documents are."""

    cost: SourceCost
    units: int
    bytes: int
    read: float
    times: float

    @property
    def error(self) -> float:
        """Relative, of a sum over it."""
        return math.hypot(MODEL_ERROR, self.cost.error)

    def grown(self, measured: float, each: float) -> float:
        """What all its units take: each its own, and the rest as often as there are more documents."""
        alone = min(measured, each * self.cost.units)
        return (measured - alone) * self.times + (alone / self.cost.units * self.units if self.cost.units else 0.0)


def _sources(measured: Measured, planned: list[tuple[str, int]]) -> dict[str, _Source]:
    """By name, those that are planned."""
    found = {}
    for name in dict.fromkeys(name for name, _ in planned):
        sizes = [size for source, size in planned if source == name]
        cost = measured.sources.get(name) or _together(measured.sources.values())
        read = sum(sizes) / cost.input_bytes if cost.input_bytes else 0.0
        found[name] = _Source(cost, len(sizes), sum(sizes), read, read / measured.share)
    return found


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
        sum(one.units for one in some),
        error=1.0,
    )


def _sum(parts: Iterable[tuple[float, float]]) -> Range:
    return sum((Range.about(likely, error) for likely, error in parts), NOTHING)


def _datasets(measured: Measured, whole: Mapping[str, _Source], times: float, error: float) -> dict[str, Range]:
    """Bytes by dataset."""
    found = {name: Range.about(size, MODEL_ERROR) for name, size in measured.once.items()}
    found |= {name: Range.about(size * times, error) for name, size in measured.together.items()}
    for one in whole.values():
        for dataset, size in one.cost.bytes.items():
            grew = one.grown(size, one.cost.unit_bytes.get(dataset, 0.0))
            found[dataset] = found.get(dataset, NOTHING) + Range.about(grew, one.error)
    return found


def _mapped(stage: str, whole: Mapping[str, _Source], planned: list[tuple[str, int]]) -> StageForecast:
    """A stage of units: each takes its bytes' part of its source."""
    likely = {
        name: one.grown(one.cost.seconds.get(stage, 0.0), one.cost.unit_seconds.get(stage, 0.0))
        + (one.cost.read_seconds * one.read if stage == "score" else 0.0)
        for name, one in whole.items()
    }
    tasks = tuple(likely[name] * size / whole[name].bytes if whole[name].bytes else 0.0 for name, size in planned)
    return StageForecast(stage, _sum((likely[name], one.error) for name, one in whole.items()), tasks)


def _duplicates(measured: Measured, times: float, units: int, error: float) -> StageForecast:
    """Documents are compared with a bounded number of others each, so that the search grows as they do; the more there
    are, the more of them repeat."""
    grown = measured.search.grown(measured.compared, times)
    likely = _beyond(measured.duplicates, FINDING_SECONDS, grown) + measured.storing * units
    more = (1 + PAIRS_ERROR) ** math.log10(max(grown, 1.0))
    partitions = measured.search.partitions(measured.compared * times)
    seconds = Range(likely / (1 + error), likely, likely * (1 + error) * more)
    return StageForecast("duplicates", seconds, (likely / partitions,) * partitions)


def _shuffled(measured: Measured, times: float, units: int) -> float:
    """Bytes between stages: of units, of the keys of all documents, and of documents that have a duplicate."""
    of_units = min(measured.between, SHUFFLED_UNIT * measured.units)
    each_unit = of_units / measured.units if measured.units else 0.0
    before, after = measured.compared, measured.compared * times
    rest = max(0.0, measured.between - of_units - measured.search.bytes_alone(before))
    rest += measured.linked * (measured.bytes_linked(after) - measured.bytes_linked(before))
    more = min(LINKED_GROWTH ** math.log10(max(times, 1.0)), before / measured.linked if measured.linked else math.inf)
    return each_unit * units + measured.search.bytes_alone(after) + rest * times * more


def _beyond(measured: float, constant: float, times: float) -> float:
    """What grows so many times, but for a constant part of it."""
    return min(measured, constant) + max(0.0, measured - constant) * times


def _tokenizer(measured: Measured, times: float, error: float) -> StageForecast:
    """One worker learns from a sample that is as large as the recipe says, if there is so much."""
    drawn = measured.sample_bytes
    wanted = min(measured.sample_limit, drawn * times) if drawn else 0
    likely = measured.tokenizer * (wanted / drawn) ** TOKENIZER_GROWTH if wanted else measured.tokenizer
    low, high = measured.tokenizer, measured.tokenizer * max(1.0, wanted / drawn if drawn else 1.0)
    return StageForecast("tokenizer", Range(min(low, likely / (1 + error)), likely, max(high, likely)), (likely,))


def _alone(stage: str, likely: float, error: float) -> StageForecast:
    return StageForecast(stage, Range.about(likely, error), (likely,))
