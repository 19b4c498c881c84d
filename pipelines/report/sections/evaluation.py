"""What `gristmill eval` found of the run's models: scores over the checkpoints of a training, over the number of
examples in the context, and over the compute of a scaling ladder.

Read are results.json files of lm-evaluation-harness's form with the facts of the model, as trainer/evaluate/results.py
writes them: `train/NAME/scores/**/shots-K/results.json` and `scaling/RUNG/scores/shots-K/results.json`.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.report.figures import ScoreChart, ScoreCurve, Scored
from gristmill.pipelines.report.material import Material, read_json

TRAININGS, CHARTS, CURVES, ROWS = 6, 48, 6, 60
"""Shown at most: trainings; of each charts, rows of the table; curves of a chart."""

SECONDARY = (
    "acc_norm", "acc_bytes", "brier_score", "calibration_error", "byte_perplexity", "word_perplexity", "perplexity",
    "verbatim", "empty",
)  # fmt: skip
"""Metrics that stand in results.json and are not drawn: each is told beside another one."""

LADDER = "scaling ladder"


@dataclass(frozen=True)
class ScoreRow:
    """A score of the last model that was asked."""

    task: str
    shots: int
    metric: str
    value: float
    error: float | None
    items: int
    contaminated: str


@dataclass(frozen=True)
class Evaluation:
    """Of a training, or of the ladder (`LADDER`)."""

    name: str
    models: int
    """Checkpoints or rungs that were asked."""
    last: str
    """Which of them the rows tell of."""
    charts: list[ScoreChart]
    rows: list[ScoreRow]
    others: int
    """Charts that are not shown."""


@dataclass(frozen=True)
class _Result:
    """One score of one model."""

    task: str
    metric: str
    shots: int
    step: int
    tokens: float
    flops: float
    row: ScoreRow


def build_evaluations(material: Material) -> list[Evaluation]:
    """Of each training that was evaluated, by name, at most TRAININGS; then of the ladder. Raises InputError."""
    found = []
    for folder in sorted(material.run.glob("train/*/scores")):
        results = _results(material, folder.rglob("shots-*/results.json"))
        if results:
            found.append(_of_training(material.excerpts.name(folder.parent.name), results))
    ladder = _results(material, material.run.glob("scaling/*/scores/shots-*/results.json"))
    ladder = [one for one in ladder if one.flops > 0]
    return [*itertools.islice(found, TRAININGS), *([_of_ladder(ladder)] if ladder else [])]


def _of_training(name: str, results: list[_Result]) -> Evaluation:
    across = "tokens" if all(one.tokens for one in results) else "steps"
    place = {one.step: one.tokens if across == "tokens" else float(one.step) for one in results}
    over = _charts(results, across, "linear", lambda one: place[one.step])
    by_shots = [chart for chart in _by_shots(results) if any(len(curve.points) > 1 for curve in chart.curves)]
    last = max(one.step for one in results)
    return _evaluation(name, len(place), f"step {last:,}", over + by_shots, [r for r in results if r.step == last])


def _of_ladder(results: list[_Result]) -> Evaluation:
    most = max(one.flops for one in results)
    charts = _charts(results, "FLOPs", "log", lambda one: one.flops)
    models = len({one.flops for one in results})
    return _evaluation(LADDER, models, f"{most:.2g} FLOPs", charts, [r for r in results if r.flops == most])


def _evaluation(name: str, models: int, last: str, charts: list[ScoreChart], of_last: list[_Result]) -> Evaluation:
    rows = [one.row for one in sorted(of_last, key=lambda one: (one.task, one.shots)) if _is_drawn(one.metric)]
    return Evaluation(name, models, last, charts[:CHARTS], rows[:ROWS], max(0, len(charts) - CHARTS))


def _charts(results: list[_Result], across: str, scale: str, x: Any) -> list[ScoreChart]:
    """A chart for each task and metric, a curve for each number of examples."""
    charts = []
    for (task, metric), mine in _grouped(results):
        shots = sorted({one.shots for one in mine})[:CURVES]
        curves = [
            ScoreCurve(_examples(number), _points([one for one in mine if one.shots == number], x)) for number in shots
        ]
        last = max(mine, key=x).row
        charts.append(ScoreChart(task, metric, across, scale, last.items, last.contaminated, curves))
    return charts


def _by_shots(results: list[_Result]) -> list[ScoreChart]:
    """A chart for each task and metric over the number of examples: the last checkpoint, and some before it."""
    charts = []
    for (task, metric), mine in _grouped(results):
        steps = sorted({one.step for one in mine})
        chosen = sorted({steps[-1 - k * (len(steps) - 1) // max(1, CURVES - 1)] for k in range(CURVES)}, reverse=True)
        curves = [
            ScoreCurve(f"step {step:,}", _points([one for one in mine if one.step == step], lambda one: one.shots))
            for step in chosen
        ]
        last = max(mine, key=lambda one: one.step).row
        charts.append(ScoreChart(task, metric, "examples", "linear", last.items, last.contaminated, curves))
    return charts


def _grouped(results: list[_Result]) -> list[tuple[tuple[str, str], list[_Result]]]:
    """By task and metric, in the order in which results name them."""
    found: dict[tuple[str, str], list[_Result]] = {}
    for one in results:
        if _is_drawn(one.metric):
            found.setdefault((one.task, one.metric), []).append(one)
    return sorted(found.items(), key=lambda item: item[0][0])  # stable: metrics of a task stay in their order


def _is_drawn(metric: str) -> bool:
    return metric.partition(",")[0] not in SECONDARY


def _points(results: Iterable[_Result], x: Any) -> list[Scored]:
    """One at each place: where a model was asked twice, by more items."""
    best: dict[float, ScoreRow] = {}
    for one in results:
        if x(one) not in best or one.row.items > best[x(one)].items:
            best[x(one)] = one.row
    return [Scored(float(place), row.value, row.error) for place, row in sorted(best.items())]


def _examples(number: int) -> str:
    return f"{number} example" if number == 1 else f"{number} examples"


def _results(material: Material, files: Iterable[Path]) -> list[_Result]:
    found: list[_Result] = []
    for file in sorted(files):
        told = read_json(file)
        model = told.get("model") if isinstance(told, dict) else None
        if not isinstance(model, dict) or not isinstance(model.get("step"), int):
            continue  # of another harness, or of a folder of transformers: it has no place in the training
        try:
            found += _scores(material, told, model)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"these are no results of `gristmill eval` ({type(error).__name__})",
                where=str(file),
                fix="remove the folder, or evaluate again",
            ) from error
    return found


def _scores(material: Material, told: dict[str, Any], model: dict[str, Any]) -> Iterable[_Result]:
    for task, scores in told["results"].items():
        name, shots = material.excerpts.name(task), int(told["n-shot"][task])
        contaminated = _said(told["contamination"][task])
        for key, value in scores.items():
            metric, comma, variant = key.partition(",")
            if not comma or metric.endswith("_stderr") or not _finite(value):
                continue
            error = scores.get(f"{metric}_stderr,{variant}")
            shown = material.excerpts.name(metric if variant == "none" else f"{metric}, {variant}")
            row = ScoreRow(
                name, shots, shown, float(value), float(error) if _finite(error) else None,
                int(scores["sample_len"]), contaminated,
            )  # fmt: skip
            yield _Result(
                name, shown, shots, model["step"], float(model.get("tokens") or 0), float(model.get("flops") or 0), row
            )


def _said(contamination: dict[str, Any]) -> str:
    """As the trainer's table says it."""
    rate = contamination["rate"]
    return f"{rate:.1%}" + ("+?" if contamination["not_measured_in"] else "") if _finite(rate) else "not measured"


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
