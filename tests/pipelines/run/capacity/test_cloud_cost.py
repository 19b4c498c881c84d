"""What a job on Dataflow costs, worked out by hand from the table; before it and after it."""

import json

import pytest

from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.run.capacity.cloud_cost import (
    PRICES,
    Machine,
    Use,
    bill,
    cost_of_run,
    memory_of,
    read_prices,
    use_of_forecast,
)
from gristmill.pipelines.run.capacity.forecast import Forecast, Range, StageForecast

USE = Use(core_seconds=36_000, shuffled=30e9, stored=500e9, requests=10_000)


def test_bill__by_hand():
    found = bill(USE, Machine("n2-standard-4", 50), read_prices())
    items = {item.name: (round(item.amount, 3), round(item.price, 5)) for item in found.items}
    assert items == {
        "cores": (10.0, 0.56),
        "memory": (40.0, 0.14228),  # 4 GB a core
        "disks": (125.0, 0.00675),  # ten core-hours are 2.5 hours of a machine with 50 GB
        "shuffled": (30.0, 0.33),
        "requests": (10_000, 0.027),
    }
    assert found.total == pytest.approx(0.56 + 0.14228 + 0.00675 + 0.33 + 0.027)
    assert found.each_month == pytest.approx(10.0)
    assert (found.core_hours, found.currency, found.prices) == (10.0, "USD", read_prices()["as_of"])


def test_flexrs__is_cheaper_and_the_service_s_own_machine_is_known():
    usual, flexible = (bill(USE, Machine(flexrs_goal=goal), read_prices()) for goal in (None, "COST_OPTIMIZED"))
    assert flexible.items[0].price == pytest.approx(0.6 * usual.items[0].price)
    assert usual.items[1].amount == pytest.approx(37.5)


@pytest.mark.parametrize(
    ("kind", "memory"),
    [
        ("n1-standard-1", 3.75),
        ("n2-standard-8", 4.0),
        ("e2-highmem-2", 8.0),
        ("n1-highcpu-16", 0.9),
        ("c3-highcpu-4", 2.0),
    ],
)
def test_memory_of_a_core(kind, memory):
    assert memory_of(kind, read_prices()) == memory


def test_machine_that_the_prices_do_not_know(tmp_path):
    with pytest.raises(RecipeError, match="'quantum-1'") as caught:
        bill(USE, Machine("quantum-1"), read_prices())
    assert "--prices" in caught.value.fix
    own = {**json.loads(PRICES.read_bytes()), "as_of": "2026-11", "gb_per_core": {"quantum": 1.0}}
    (tmp_path / "own.json").write_text(json.dumps(own), encoding="utf-8")
    assert bill(USE, Machine("quantum-1"), read_prices(tmp_path / "own.json")).prices == "2026-11"


@pytest.mark.parametrize("text", ["", "[]", '{"as_of": "2026"}', "没有", '{"as_of": 1}'])
def test_prices_that_are_none(tmp_path, text):
    (tmp_path / "own.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="the prices") as caught:
        read_prices(tmp_path / "own.json")
    assert "dataflow_prices.json" in caught.value.fix


def test_before_a_job__a_range_from_the_forecast():
    stage = StageForecast("score", Range(1800, 3600, 7200), (3600.0,))
    found = Forecast(
        1, 1, Range(1, 1, 1), Range(1, 1, 1), (stage,), {"text": Range(1e9, 2e9, 3e9)}, Range(0, 1e9, 2e9), 100
    )
    low, likely, high = (bill(use, Machine(), read_prices()) for use in use_of_forecast(found))
    assert (low.core_hours, likely.core_hours, high.core_hours) == (0.5, 1.0, 2.0)
    assert low.total < likely.total < high.total
    assert likely.each_month == pytest.approx(0.04)


def test_after_a_job__time_of_the_receipts_not_cpu_time():
    stages = [{"stage": "score", "units": 10, "seconds": 3600.0, "cpu_seconds": 1800.0}]
    state = {"stages": stages, "dataflow": {"machine_type": "quantum-1", "project": "p"}}
    found = cost_of_run(state, 1e9, 1e9)
    assert found.core_hours == 1.0
    assert found.items[-1].amount == 200 + 20 * 10
    assert json.loads(json.dumps(found.to_json()))["prices"] == read_prices()["as_of"]
