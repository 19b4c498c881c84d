"""Forecasts from the receipts of real runs."""

import pytest

from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.forecast import forecast
from gristmill.pipelines.run.measured import from_json
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.store import Store


def forecast_of(run):
    store = Store.at(run)
    state = store.read_sealed("run.json")
    return forecast(from_json(state["measured"]), [(unit.source, unit.bytes) for unit in read_plan(store)]), state


def test_forecast__of_what_was_measured_is_what_it_took(calm):
    found, state = forecast_of(calm)
    took = {stage["stage"]: stage["cpu_seconds"] for stage in state["stages"]}
    likely = {stage.stage: stage.core_seconds.likely for stage in found.stages[1:]}
    assert likely == pytest.approx(took, abs=0.01)
    for dataset in ("text", "curated", "ledger", "tokens/train"):
        size = sum(file.stat().st_size for file in (calm / dataset).iterdir())
        assert found.datasets[dataset].likely == pytest.approx(size)
    assert found.shuffled.likely > 0
    score = next(stage for stage in state["stages"] if stage["stage"] == "score")
    assert found.documents.likely == pytest.approx(score["documents"], rel=0.1)


def test_forecast__of_a_sample_multiplies_all_but_reading(corpus, calm, tmp_path):
    execute(Request(corpus.recipe, tmp_path / "run", sample=0.5, until="text"))
    found, state = forecast_of(tmp_path / "run")
    whole, _ = forecast_of(calm)
    assert found.documents.likely == pytest.approx(whole.documents.likely, rel=0.25)
    assert state["measured"]["share"] == 0.5
    web = state["measured"]["sources"]["web"]
    units = [unit.bytes for unit in read_plan(Store.at(tmp_path / "run")) if unit.source == "web"]
    assert web["input_bytes"] == sum(units)
    assert 0 < web["read_seconds"] < web["seconds"]["score"] + web["read_seconds"]
    score = next(stage for stage in found.stages if stage.stage == "score")
    reading = sum(one["read_seconds"] for one in state["measured"]["sources"].values())
    rest = sum(one["seconds"]["score"] for one in state["measured"]["sources"].values())
    assert score.core_seconds.likely == pytest.approx(reading + 2 * rest)
    assert [stage.stage for stage in found.stages] == ["start and report", "score", "duplicates", "text"]
