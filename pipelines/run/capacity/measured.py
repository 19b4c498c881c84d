"""Receipts of a run -> what it took, as `run.forecast` asks for it; of units decided again, what reading them took."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gristmill.pipelines.processes.clock import FIRST, SPENT_ON
from gristmill.pipelines.records.accounts import IN
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Part, Receipt
from gristmill.pipelines.run.capacity.forecast import ALONE_ERROR, Measured, Search, SourceCost
from gristmill.pipelines.run.request import DECIDING
from gristmill.pipelines.stages.score import FINGERPRINTS

BY_UNIT = ("score", "overlaps", "text", "tokens")
"""Stages with a receipt for each unit, in the order of the units."""
FORECAST = ("score", "overlaps", "duplicates", "text", "tokenizer", "tokens")
"""Stages that a forecast tells apart; what others of DECIDING take is in that of `duplicates`."""
UNIT_SECONDS = {"score": 0.02, "overlaps": 0.005, "text": 0.028, "tokens": 0.013}
"""Most CPU seconds that a unit takes though nothing is in it: files, a receipt (docs/forecast.md)."""


def measure(
    units: Sequence[Unit],
    receipts: Mapping[str, Sequence[Receipt]],
    share: float,
    sample_limit: int,
    shuffled: int,
    search: Search,
) -> Measured:
    """What these units took: `receipts` by stage, those of DECIDING too. The rest: see Measured."""
    sources = {
        name: _source([at for at, unit in enumerate(units) if unit.source == name], units, receipts)
        for name in dict.fromkeys(unit.source for unit in units)
    }
    tokenizer = next(iter(receipts.get("tokenizer", ())), None)
    decided = sorted(receipt.cpu_seconds for stage in DECIDING for receipt in receipts.get(stage, ()))
    storing = decided[len(decided) // 2] if len(decided) > 1 else 0.0  # one receipt has what finding them took
    prints = [part for receipt in receipts.get("score", ()) for part in receipt.of(FINGERPRINTS)]
    return Measured(
        sources={name: cost for name, cost in sources.items() if cost.input_bytes},
        stages=tuple(stage for stage in FORECAST if stage in receipts),
        share=share,
        duplicates=max(0.0, sum(decided) - storing * len(decided)),
        storing=storing * len(decided) / max(1, len(units)),  # a unit has one of each stage
        compared=sum(part.rows for part in prints),
        linked=sum(int(receipt.details["rows"]) for receipt in receipts.get("duplicates", ())),
        search=search,
        tokenizer=tokenizer.cpu_seconds if tokenizer else 0.0,
        sample_bytes=int(tokenizer.details.get("sample_bytes", 0)) if tokenizer else 0,
        sample_limit=sample_limit,
        rows=sum(receipt.cpu_seconds for receipt in receipts.get("rows", ())),
        shuffled=shuffled,
        once=_sizes(part for receipt in receipts.get("tokenizer", ()) for part in receipt.parts),
        together=_sizes(part for receipt in receipts.get("rows", ()) for part in receipt.parts),
    )


def _source(places: list[int], units: Sequence[Unit], receipts: Mapping[str, Sequence[Receipt]]) -> SourceCost:
    """The units of one source, by their places."""
    mine = {stage: [done[at] for at in places] for stage, done in receipts.items() if stage in (*BY_UNIT, *DECIDING)}
    scored = mine.get("score", [])
    entered = [one for receipt in scored for one in receipt.accounts if one.step == "decide" and one.outcome == IN]
    size = [units[at].bytes for at in places]
    reading = _usual(scored, size, [_spent(receipt).get("read", 0.0) for receipt in scored])
    whole = [_spent(receipt).get("all", receipt.cpu_seconds) for receipt in scored]
    took = {"score": whole} | {
        stage: [receipt.cpu_seconds for receipt in mine[stage]] for stage in mine if stage != "score"
    }
    seconds = {stage: _usual(mine[stage], size, took[stage]) for stage in BY_UNIT if stage in mine}
    seconds["score"] = max(0.0, seconds.get("score", 0.0) - reading)
    return SourceCost(
        input_bytes=sum(size),
        documents=sum(one.documents for one in entered),
        text_bytes=sum(one.bytes for one in entered),
        read_seconds=reading,
        seconds=seconds,
        bytes=_sizes(part for done in mine.values() for receipt in done for part in receipt.parts),
        units=len(places),
        unit_seconds={stage: min(UNIT_SECONDS[stage], *took[stage]) for stage in seconds},
        unit_bytes=_unit_bytes(part for done in mine.values() for receipt in done for part in receipt.parts),
        error=_error(list(zip(size, whole, strict=True))),
    )


def _spent(receipt: Receipt) -> Mapping[str, float]:
    return receipt.details.get(SPENT_ON, {})


def _sizes(parts: Iterable[Part]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for part in parts:
        sizes[part.dataset] = sizes.get(part.dataset, 0) + part.bytes
    return sizes


def _usual(receipts: Sequence[Receipt], sizes: Sequence[int], took: Sequence[float]) -> float:
    """What these units took, each as if its process had done others before: where some had, by their rate."""
    later = [at for at, receipt in enumerate(receipts) if not receipt.details.get(FIRST)]
    size = sum(sizes[at] for at in later)
    return sum(took[at] for at in later) * sum(sizes) / size if size else sum(took)


def _unit_bytes(parts: Iterable[Part]) -> dict[str, float]:
    """By dataset the bytes of a part without rows: of a straight line through all parts by rows, if it fits them."""
    grouped: dict[str, list[tuple[int, int]]] = {}
    for part in parts:
        grouped.setdefault(part.dataset, []).append((part.rows, part.bytes))
    return {dataset: max(0.0, _intercept(points)) for dataset, points in grouped.items()}


def _intercept(points: Sequence[tuple[int, int]]) -> float:
    """Of a line by least squares, less twice its standard error: a constant part has to show."""
    rows, size = np.array(points, float).T
    spread = ((rows - rows.mean()) ** 2).sum()
    if len(points) < 5 or not spread:
        return 0.0
    slope = ((rows - rows.mean()) * size).sum() / spread
    intercept = size.mean() - slope * rows.mean()
    variance = ((size - intercept - slope * rows) ** 2).sum() / (len(points) - 2)
    return min(float(size.min()), intercept - 2 * math.sqrt(variance * (1 / len(points) + rows.mean() ** 2 / spread)))


def _error(rates: Sequence[tuple[int, float]]) -> float:
    """The relative standard error of seconds per byte, from units (bytes, seconds): a ratio estimator's (Cochran,
    Sampling Techniques, 1977, 6.3), without the correction for a finite population."""
    count, size, took = len(rates), sum(size for size, _ in rates), sum(took for _, took in rates)
    if count < 2 or not size or not took:
        return ALONE_ERROR
    squares = sum((seconds - took / size * bytes_) ** 2 for bytes_, seconds in rates)
    return min(1.0, math.sqrt(count * squares / (count - 1)) / took)
