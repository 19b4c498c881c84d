"""Curves of the models that were trained on the run's shards."""

import itertools
import json
import math
import statistics
from pathlib import Path
from typing import Any

from pipelines.errors import InputError
from pipelines.report.figures import Curve, LineChart, Point
from pipelines.report.material import Material
from pipelines.report.sections import SourceLoss, Training

POINTS = 240
"""A longer curve is thinned to means of this many equal stretches: more than pixels would not be seen."""


_BASELINE = "unigram entropy"


def build_training(material: Material, unigram: tuple[float, float] | None) -> list[Training]:
    """One Training per train/<name>/metrics.jsonl, by name.

    unigram: nats per token and bits per byte of the unigram model of the training shards, drawn as baselines.
    """
    files = sorted(material.run.glob("train/*/metrics.jsonl"))
    return [training for file in files if (training := _training(material, file, unigram)) is not None]


def _training(material: Material, file: Path, unigram: tuple[float, float] | None) -> Training | None:
    records = _read(file)
    loss, speed = _curve(records, "loss"), _curve(records, "tokens_per_second")
    bits = _curve(records, "val_bits_per_byte")
    if not records:
        return None
    nats, unigram_bits = unigram or (None, None)
    losses = [Curve("training", _thinned(loss)), Curve("validation", _thinned(_curve(records, "val_loss")))]
    charts = [
        LineChart("Loss", "nats per token", losses, nats, _BASELINE),
        LineChart("Validation", "bits per byte", [Curve("validation", _thinned(bits))], unigram_bits, _BASELINE),
        LineChart("Speed", "tokens per second", [Curve("training", _thinned(speed))], None, "", from_zero=True),
    ]
    return Training(
        name=material.excerpts.name(file.parent.name),
        steps=int(max((record.get("step", 0) for record in records), default=0)),
        first_loss=loss[0].y if loss else None,
        last_loss=statistics.fmean(point.y for point in loss[-10:]) if loss else None,
        best_bits_per_byte=min((point.y for point in bits), default=None),
        tokens_per_second=statistics.median(point.y for point in speed) if speed else None,
        unigram_entropy=nats,
        sources=_sources(material, records),
        charts=[chart for chart in charts if any(curve.points for curve in chart.curves)],
        query=f"SELECT * FROM 'train/{file.parent.name}/metrics.jsonl' ORDER BY step",
    )


def _sources(material: Material, records: list[dict[str, Any]]) -> list[SourceLoss]:
    evaluated = [record for record in records if record.get("val_loss_by_source")]
    if not evaluated:
        return []
    losses, bits = evaluated[-1]["val_loss_by_source"], evaluated[-1].get("val_bits_per_byte_by_source") or {}
    return [SourceLoss(material.excerpts.name(name), loss, bits.get(name)) for name, loss in sorted(losses.items())]


def _read(file: Path) -> list[dict[str, Any]]:
    """One object per line. The last line may be half written while a training runs; any other must be whole."""
    lines = file.read_text(encoding="utf-8").splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            if number < len(lines):
                raise InputError(
                    "a line is not a JSON object", where=f"{file}:{number}", fix="remove the line, or train again"
                ) from error
    return records


def _curve(records: list[dict[str, Any]], name: str) -> list[Point]:
    """Finite values by step. After a resume a step may occur twice: the later record counts."""
    values = {record["step"]: record[name] for record in records if _finite(record.get(name)) and "step" in record}
    return [Point(float(step), float(value)) for step, value in sorted(values.items())]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _thinned(points: list[Point]) -> list[Point]:
    if len(points) <= POINTS:
        return points
    edges = [len(points) * stretch // POINTS for stretch in range(POINTS + 1)]
    stretches = [points[begin:end] for begin, end in itertools.pairwise(edges)]
    return [Point(statistics.fmean(p.x for p in s), statistics.fmean(p.y for p in s)) for s in stretches]
