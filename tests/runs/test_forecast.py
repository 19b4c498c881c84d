"""Forecasts from the receipts of real runs."""

import duckdb
import pytest

from gristmill.pipelines.run.capacity.forecast import Measured, forecast
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute


def forecast_of(run):
    store = Store.at(run)
    state = store.read_sealed("run.json")
    return forecast(
        Measured.from_json(state["measured"]), [(unit.source, unit.bytes) for unit in read_plan(store)]
    ), state


def test_forecast__of_what_was_measured_is_what_it_took(calm):
    found, state = forecast_of(calm)
    took = {stage["stage"]: stage["cpu_seconds"] for stage in state["stages"]}
    for deciding in ("contamination", "passages", "substrings"):  # one search among all documents
        took["duplicates"] += took.pop(deciding)
    likely = {stage.stage: stage.core_seconds.likely for stage in found.stages[1:]}
    assert list(likely) == list(took)
    for stage, seconds in took.items():  # without what the first unit of a process loads
        assert 0.2 * seconds < likely[stage] < seconds + 0.01, stage
    for dataset in ("text", "curated", "ledger", "tokens/train"):
        size = sum(file.stat().st_size for file in (calm / dataset).iterdir())
        assert found.datasets[dataset].likely == pytest.approx(size)
    assert found.shuffled.likely == pytest.approx(state["measured"]["shuffled"], rel=0.05)
    sizes = duckdb.sql(f"SELECT count(*) FROM '{calm}/ledger/*.parquet' WHERE cluster IS NOT NULL GROUP BY cluster")
    assert state["measured"]["linked"] == sum(size for (size,) in sizes.fetchall() if size > 1)
    assert state["measured"]["search"] == {"keys": 17, "partition_documents": 20, "indexed": 0}
    score = next(stage for stage in state["stages"] if stage["stage"] == "score")
    assert found.documents.likely == pytest.approx(score["documents"], rel=0.1)


def test_forecast__of_a_sample_multiplies_all_but_reading(corpus, calm, tmp_path):
    execute(Request(corpus.recipe, tmp_path / "run", sample=0.5, until="text"))
    found, state = forecast_of(tmp_path / "run")
    whole, _ = forecast_of(calm)
    assert found.disk.likely == pytest.approx(sum(whole.datasets[name].likely for name in found.datasets), rel=0.5)
    assert found.documents.likely == pytest.approx(whole.documents.likely, rel=0.25)
    assert state["measured"]["share"] == 0.5
    web = state["measured"]["sources"]["web"]
    units = [unit.bytes for unit in read_plan(Store.at(tmp_path / "run")) if unit.source == "web"]
    assert web["input_bytes"] == sum(units)
    assert 0 < web["read_seconds"] < web["seconds"]["score"] + web["read_seconds"]
    score = next(stage for stage in found.stages if stage.stage == "score")
    reading = sum(one["read_seconds"] for one in state["measured"]["sources"].values())
    rest = sum(one["seconds"]["score"] for one in state["measured"]["sources"].values())
    assert reading + rest < score.core_seconds.likely <= reading + 2 * rest
    assert [stage.stage for stage in found.stages] == ["start and report", "score", "overlaps", "duplicates", "text"]


def test_receipts__hold_times_and_the_datasets_do_not(calm):
    """What a forecast and a bottleneck are made of lies in receipts and run.json, not in what is published, which is
    the same on any number of workers (test_same_bytes.py)."""
    receipt = next(iter((calm / "_work").glob("score-*/*.json"))).read_text("utf-8")
    assert all(f'"{name}"' in receipt for name in ("spent", "waited", "first", "read", "judge", "signals"))
    for file in ("manifest.json", "recipe.yaml"):
        assert not any(name in (calm / file).read_text("utf-8") for name in ("seconds", "waited", "bottleneck"))
