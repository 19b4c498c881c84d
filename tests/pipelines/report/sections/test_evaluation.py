"""Scores of `gristmill eval` in the report: curves over checkpoints, examples and the ladder's compute."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.report.drawing.scores import scores
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.sections.evaluation import CHARTS, LADDER, build_evaluations


def material(run: Path) -> Any:
    return SimpleNamespace(run=run, excerpts=Excerpts(lambda text: text.replace("mill@example.org", "<EMAIL_ADDRESS>")))


def write(folder: Path, shots: int, values: dict[str, float], rate: float | str = 0.25, **model: Any) -> Path:
    """results.json as trainer/evaluate/results.py writes it, of tasks with these accuracies."""
    told = {
        "results": {
            task: {"alias": task, "acc,none": value, "acc_stderr,none": 0.05, "acc_norm,none": 0.9,
                   "acc_norm_stderr,none": 0.1, "likelihood_per_character,none": value - 2,
                   "likelihood_per_character_stderr,none": "N/A", "sample_len": 40}
            for task, value in values.items()
        },
        "n-shot": dict.fromkeys(values, shots),
        "contamination": {task: {"rate": rate, "not_measured_in": ["other"] * (rate == 0.5)} for task in values},
        "model": model,
    }  # fmt: skip
    path = folder / f"shots-{shots}" / "results.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(told))
    return path


def test_curves_of_a_training(tmp_path: Path) -> None:
    scores_of = tmp_path / "train" / "main" / "scores"
    for step in (100, 200, 300):
        for shots in (0, 4):
            write(scores_of / f"step-{step:06d}", shots, {"sort_en": step / 1000 + shots / 10, "排序": 0.5}, step=step,
                  tokens=step * 2048)  # fmt: skip
    write(scores_of / "more" / "step-000300", 0, {"cloze": 0.4}, rate=0.5, step=300, tokens=300 * 2048)
    write(scores_of / "theirs", 0, {"cloze": 0.9}, kind="gpt2")
    (found,) = build_evaluations(material(tmp_path))
    assert (found.name, found.models, found.last, found.others) == ("main", 3, "step 300", 0)
    charts = {(chart.task, chart.metric, chart.across): chart for chart in found.charts}
    over = charts["sort_en", "acc", "tokens"]
    assert [(curve.name, [(p.x, p.y, p.error) for p in curve.points]) for curve in over.curves] == [
        ("0 examples", [(204800, 0.1, 0.05), (409600, 0.2, 0.05), (614400, 0.3, 0.05)]),
        ("4 examples", [(204800, 0.5, 0.05), (409600, 0.6000000000000001, 0.05), (614400, 0.7, 0.05)]),
    ]
    by_shots = charts["sort_en", "acc", "examples"]
    assert [curve.name for curve in by_shots.curves] == ["step 300", "step 200", "step 100"]
    assert [(point.x, point.y) for point in by_shots.curves[0].points] == [(0, 0.3), (4, 0.7)]
    assert charts["排序", "likelihood_per_character", "tokens"].curves[0].points[0].error is None
    assert ("cloze", "acc", "examples") not in charts, "one number of examples is no curve"
    assert not any(chart.metric == "acc_norm" for chart in found.charts)
    assert over.contaminated == "25.0%"
    assert charts["cloze", "acc", "tokens"].contaminated == "50.0%+?"
    assert {(row.task, row.shots, row.metric, row.items) for row in found.rows} >= {("cloze", 0, "acc", 40)}
    assert [row.value for row in found.rows if (row.task, row.metric) == ("sort_en", "acc")] == [0.3, 0.7]


def test_emergence_over_the_ladder(tmp_path: Path) -> None:
    for rung, flops in (("32x2-20", 1e9), ("64x2-20", 1e10), ("64x2-60", 3e10)):
        write(tmp_path / "scaling" / rung / "scores", 0, {"sort_en": flops / 1e11}, rate="not measured", step=20,
              tokens=4096, flops=flops)  # fmt: skip
    (found,) = build_evaluations(material(tmp_path))
    assert (found.name, found.models, found.last) == (LADDER, 3, "3e+10 FLOPs")
    exact, likelihood = found.charts
    assert (exact.across, exact.scale, exact.contaminated) == ("FLOPs", "log", "not measured")
    assert [point.x for point in likelihood.curves[0].points] == [1e9, 1e10, 3e10]


def test_names_are_scrubbed_and_charts_bounded(tmp_path: Path) -> None:
    many = {f"task {number} mill@example.org": 0.5 for number in range(CHARTS)}
    write(tmp_path / "train" / "a" / "scores", 0, many, step=1, tokens=0)
    (found,) = build_evaluations(material(tmp_path))
    assert (len(found.charts), found.others) == (CHARTS, CHARTS)
    assert found.charts[0].across == "steps"
    assert "mill@" not in str(found)


@pytest.mark.parametrize("told", ['{"model": {"step": 3}, "results": {"a": 3}}', "{"])
def test_what_is_no_results_is_named(tmp_path: Path, told: str) -> None:
    path = write(tmp_path / "train" / "a" / "scores", 0, {}, step=1)
    path.write_text(told)
    with pytest.raises(InputError, match=r"results\.json"):
        build_evaluations(material(tmp_path))


def test_band_is_a_standard_error_on_either_side(tmp_path: Path) -> None:
    for step in (1, 2):
        write(tmp_path / "train" / "a" / "scores" / f"s{step}", 0, {"a<b": step / 4}, step=step, tokens=step)
    (found,) = build_evaluations(material(tmp_path))
    picture = ET.fromstring(str(scores(found.charts[0])))
    (band,) = [one for one in picture.iter("path") if one.get("class", "").startswith("band")]
    places = [tuple(map(float, pair.split())) for pair in band.get("d", "").strip("MZ").replace("L", ";").split(";")]
    dots = [(float(one.get("cx", 0)), float(one.get("cy", 0))) for one in picture.iter("circle")]
    assert len(places) == 4
    middle = [(above[1] + below[1]) / 2 for above, below in zip(places[:2], reversed(places[2:]), strict=True)]
    assert middle == pytest.approx([y for _, y in dots], abs=0.1)
    unit = (dots[0][1] - dots[1][1]) / 0.25  # pixels a unit of score
    assert (places[3][1] - places[0][1]) / unit == pytest.approx(2 * 0.05, abs=0.002)
    assert picture.get("aria-label") == "a<b, acc, over tokens"
