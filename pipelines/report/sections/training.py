"""Curves of the models that were trained on the run's shards."""

import itertools
import json
import math
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.report.figures import Curve, LineChart, Point
from gristmill.pipelines.report.material import Material

TRAININGS = 6
"""Shown; `gristmill scaling` compares many."""

POINTS = 240
"""A longer curve is thinned to means of this many equal stretches: more than pixels would not be seen."""


SOURCES = 20
"""Sources whose loss is listed."""

_BASELINE = "unigram entropy"

_OF_ANSWERS = ("reward", "accuracy")
"""In the records of stages whose loss is not that of a text: it has no baseline in tokens."""

_STAGES = (
    ("Reward", "mean of the answers", (("training", "reward"), ("validation", "val_reward")), False),
    ("Right", "share", (("answers, validation", "val_right"), ("pairs, validation", "val_accuracy")), True),
    ("Distance from the first model", "nats", (("by answer or token", "kl"), ("within a round", "kl_round")), True),
    ("Distance from the teacher", "nats per token", (("training", "divergence"),), True),
    ("Entropy", "nats per token", (("of what is sampled", "entropy"),), True),
    ("Length of answers", "tokens", (("training", "response_length"),), True),
    (
        "Shares",
        "of answers, groups, tokens",
        (("cut answers", "truncated"), ("groups of equal rewards", "equal_groups"), ("clipped tokens", "clipped")),
        True,
    ),
    ("Implicit reward", "beta x log-ratio", (("chosen", "reward_chosen"), ("rejected", "reward_rejected")), False),
    ("Calibration", "on held-out pairs", (("Brier", "val_brier"), ("expected error", "val_calibration_error")), True),
    ("Value", "loss of the critic", (("training", "value_loss"),), True),
)
"""Of docs/alignment.md: title, unit, (curve, its name in metrics.jsonl) and whether the axis begins at 0."""


@dataclass(frozen=True)
class SourceLoss:
    """How well a trained model knows a source, at its last evaluation."""

    name: str
    loss: float
    bits_per_byte: float | None


@dataclass(frozen=True)
class Training:
    """One training of a model on the shards."""

    name: str
    steps: int
    first_loss: float | None
    last_loss: float | None
    best_bits_per_byte: float | None
    tokens_per_second: float | None
    unigram_entropy: float | None
    skipped: int
    """Steps whose loss or gradient was a spike: the weights stayed as they were."""
    rolled_back: int
    """Times that the training went back to a checkpoint."""
    charts: list[LineChart]
    sources: list[SourceLoss]
    query: str
    languages: list[SourceLoss] = field(default_factory=list)


def build_training(material: Material, unigram: tuple[float, float] | None) -> list[Training]:
    """One Training per train/<name>/metrics.jsonl, by name; at most TRAININGS.

    unigram: nats per token and bits per byte of the unigram model of the training shards, drawn as baselines.
    """
    files = sorted(material.run.glob("train/*/metrics.jsonl"))
    found = (training for file in files if (training := _training(material, file, unigram)) is not None)
    return list(itertools.islice(found, TRAININGS))


def _training(material: Material, file: Path, unigram: tuple[float, float] | None) -> Training | None:
    records = _read(file)
    if not records:
        return None
    # A spike that was not applied would squeeze the curve of what was learnt into a line: it is an event instead.
    skipped = [float(record["step"]) for record in records if record.get("skipped")]
    applied = [record for record in records if not record.get("skipped")]
    loss, bits, speed = (_curve(applied, name) for name in ("loss", "val_bits_per_byte", "tokens_per_second"))
    unigram = None if any(name in record for record in records for name in _OF_ANSWERS) else unigram
    nats = unigram[0] if unigram else None
    return Training(
        name=material.excerpts.name(file.parent.name),
        steps=int(max((record.get("step", 0) for record in records), default=0)),
        first_loss=loss[0].y if loss else None,
        last_loss=statistics.fmean(point.y for point in loss[-10:]) if loss else None,
        best_bits_per_byte=min((point.y for point in bits), default=None),
        tokens_per_second=statistics.median(point.y for point in speed) if speed else None,
        unigram_entropy=nats,
        skipped=len(skipped),
        rolled_back=sum("went_back_from" in record for record in records),
        sources=_sources(material, records),
        languages=_languages(records),
        charts=[chart for chart in _charts(applied, skipped, unigram) if any(curve.points for curve in chart.curves)],
        query=f"SELECT * FROM 'train/{file.parent.name}/metrics.jsonl' ORDER BY step",
    )


def _charts(
    records: list[dict[str, Any]], skipped: list[float], unigram: tuple[float, float] | None
) -> list[LineChart]:
    """All that a training can show; charts without a point are for the caller to leave out."""
    nats, bits = unigram or (None, None)

    def curve(title: str, name: str) -> Curve:
        return Curve(title, _thinned(_curve(records, name), POINTS))

    stages = [
        LineChart(title, unit, [made for of in curves if (made := curve(*of)).points], None, "", from_zero=from_zero)
        for title, unit, curves, from_zero in _STAGES
    ]
    losses, norm = [curve("training", "loss"), curve("validation", "val_loss")], [curve("training", "grad_norm")]
    experts = [curve("load-balance loss", "expert_balance"), curve("busiest, over its fair share", "expert_busiest")]
    return [
        LineChart("Loss", "nats per token", losses, nats, _BASELINE),
        LineChart("Validation", "bits per byte", [curve("validation", "val_bits_per_byte")], bits, _BASELINE),
        *stages,
        LineChart("Loss by document length", "nats per token", _by_length(records), None, ""),
        LineChart("Gradient norm", "before clipping", norm, None, "", from_zero=True, events=skipped),
        LineChart("Experts", "1 is balanced", experts, 1.0, "balanced"),
        LineChart("Speed", "tokens per second", [curve("training", "tokens_per_second")], None, "", from_zero=True),
    ]


def _by_length(applied: list[dict[str, Any]]) -> list[Curve]:
    """A curve per length bucket, shortest first. A step holds few documents of a length, so the means are of more steps
    than elsewhere: without them the curves hide each other."""
    buckets = {name for record in applied for name in record.get("loss_by_length") or {}}
    curves = []
    for name in sorted(buckets, key=lambda name: int(name.split("-")[0])):
        values = [{"step": r["step"], "loss": (r.get("loss_by_length") or {}).get(name)} for r in applied]
        title = f"from {name[:-1]} tokens" if name.endswith("-") else f"{name.replace('-', '–')} tokens"
        curves.append(Curve(title, _thinned(_curve(values, "loss"), POINTS // 8)))
    return curves


def _sources(material: Material, records: list[dict[str, Any]]) -> list[SourceLoss]:
    evaluated = [record for record in records if record.get("val_loss_by_source")]
    if not evaluated:
        return []
    losses, bits = evaluated[-1]["val_loss_by_source"], evaluated[-1].get("val_bits_per_byte_by_source") or {}
    shown = sorted(losses.items())[:SOURCES]
    return [SourceLoss(material.excerpts.name(name), loss, bits.get(name)) for name, loss in shown]


def _languages(records: list[dict[str, Any]]) -> list[SourceLoss]:
    """As `_sources`; of one language there is nothing to compare."""
    evaluated = [record for record in records if record.get("val_loss_by_language")]
    losses = evaluated[-1]["val_loss_by_language"] if evaluated else {}
    if len(losses) < 2:
        return []
    bits = evaluated[-1].get("val_bits_per_byte_by_language") or {}
    return [SourceLoss(name or "unknown", loss, bits.get(name)) for name, loss in sorted(losses.items())[:SOURCES]]


def _read(file: Path) -> list[dict[str, Any]]:
    """One object per line. The last line may be half written while a training runs; any other must be whole."""
    lines = file.read_bytes().rstrip().split(b"\n")  # bytes: the cut may be inside a character
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict) or not isinstance(record.get("step"), int):
                raise ValueError("no record of a step")
            records.append(record)
        except ValueError as error:
            if number < len(lines):
                raise InputError(
                    "a line is no record of a step", where=f"{file}:{number}", fix="remove the line, or train again"
                ) from error
    return records


def _curve(records: list[dict[str, Any]], name: str) -> list[Point]:
    """Finite values by step. After a resume a step may occur twice: the later record counts."""
    values = {record["step"]: record[name] for record in records if _finite(record.get(name)) and "step" in record}
    return [Point(float(step), float(value)) for step, value in sorted(values.items())]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _thinned(points: list[Point], most: int) -> list[Point]:
    if len(points) <= most:
        return points
    edges = [len(points) * stretch // most for stretch in range(most + 1)]
    stretches = [points[begin:end] for begin, end in itertools.pairwise(edges)]
    return [Point(statistics.fmean(p.x for p in s), statistics.fmean(p.y for p in s)) for s in stretches]
