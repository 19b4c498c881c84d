"""Receipts of a run -> what it took, as `run.forecast` asks for it; of units decided again, what reading them took."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from gristmill.pipelines.records.accounts import IN
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.forecast import ALONE_ERROR, Measured, SourceCost
from gristmill.pipelines.stages.score import FINGERPRINTS
from gristmill.pipelines.stages.score_units import SPENT_ON

BY_UNIT = ("score", "text", "tokens")
"""Stages with a receipt for each unit, in the order of the units."""


def measure(
    units: Sequence[Unit], receipts: Mapping[str, Sequence[Receipt]], share: float, sample_limit: int, shuffled: int
) -> Measured:
    """What these units took: `receipts` by stage, those of `duplicates` too. The rest: see Measured."""
    sources = {
        name: _source([at for at, unit in enumerate(units) if unit.source == name], units, receipts)
        for name in dict.fromkeys(unit.source for unit in units)
    }
    tokenizer = next(iter(receipts.get("tokenizer", ())), None)
    prints = [part for receipt in receipts.get("score", ()) for part in receipt.of(FINGERPRINTS)]
    single = [part for receipt in (*receipts.get("tokenizer", ()), *receipts.get("rows", ())) for part in receipt.parts]
    return Measured(
        sources={name: cost for name, cost in sources.items() if cost.input_bytes},
        stages=tuple(stage for stage in ("score", "duplicates", "text", "tokenizer", "tokens") if stage in receipts),
        share=share,
        duplicates=sum(receipt.cpu_seconds for receipt in receipts.get("duplicates", ())),
        compared=sum(part.rows for part in prints),
        tokenizer=tokenizer.cpu_seconds if tokenizer else 0.0,
        sample_bytes=int(tokenizer.details.get("sample_bytes", 0)) if tokenizer else 0,
        sample_limit=sample_limit,
        rows=sum(receipt.cpu_seconds for receipt in receipts.get("rows", ())),
        shuffled=shuffled,
        once=_sizes(single),
    )


def to_json(measured: Measured) -> dict:
    """As a JSON object."""
    return asdict(measured)


def from_json(record: dict) -> Measured:
    """The inverse of to_json."""
    sources = {name: SourceCost(**cost) for name, cost in record["sources"].items()}
    return Measured(**{**record, "sources": sources, "stages": tuple(record["stages"])})


def _source(places: list[int], units: Sequence[Unit], receipts: Mapping[str, Sequence[Receipt]]) -> SourceCost:
    """The units of one source, by their places."""
    mine = {stage: [done[at] for at in places] for stage, done in receipts.items() if stage in (*BY_UNIT, "duplicates")}
    scored = mine.get("score", [])
    entered = [one for receipt in scored for one in receipt.accounts if one.step == "decide" and one.outcome == IN]
    reading = [_spent(receipt).get("read", 0.0) for receipt in scored]
    whole = [_spent(receipt).get("all", receipt.cpu_seconds) for receipt in scored]
    seconds = {stage: sum(receipt.cpu_seconds for receipt in mine.get(stage, ())) for stage in BY_UNIT if stage in mine}
    seconds["score"] = sum(whole) - sum(reading)
    rates = [(units[at].bytes, took) for at, took in zip(places, whole, strict=True)]
    return SourceCost(
        input_bytes=sum(units[at].bytes for at in places),
        documents=sum(one.documents for one in entered),
        text_bytes=sum(one.bytes for one in entered),
        read_seconds=sum(reading),
        seconds=seconds,
        bytes=_sizes(part for done in mine.values() for receipt in done for part in receipt.parts),
        error=_error(rates),
    )


def _spent(receipt: Receipt) -> Mapping[str, float]:
    return receipt.details.get(SPENT_ON, {})


def _sizes(parts: Iterable) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for part in parts:
        sizes[part.dataset] = sizes.get(part.dataset, 0) + part.bytes
    return sizes


def _error(rates: Sequence[tuple[int, float]]) -> float:
    """The relative standard error of seconds per byte, from units (bytes, seconds): a ratio estimator's (Cochran,
    Sampling Techniques, 1977, 6.3), without the correction for a finite population."""
    count, size, took = len(rates), sum(size for size, _ in rates), sum(took for _, took in rates)
    if count < 2 or not size or not took:
        return ALONE_ERROR
    squares = sum((seconds - took / size * bytes_) ** 2 for bytes_, seconds in rates)
    return min(1.0, math.sqrt(count * squares / (count - 1)) / took)
