"""What a cluster says when hosts do not see the same files -> what a user can do."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from gristmill.pipelines.errors import InputError, RecipeError, RunnerError
from gristmill.pipelines.read.files import PLAN_AGAIN, _check
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.runners.portable.failures import explain
from gristmill.pipelines.runners.portable.server_log import ServerLog
from gristmill.pipelines.stages.score_units import ScoreUnits
from gristmill.pipelines.stages.text import CleanUnits
from gristmill.pipelines.storage.models import bring
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.rundir import check_seen, claim
from gristmill.pipelines.storage.store import Store


def as_a_cluster_says(error: Exception) -> str:
    kind = type(error)
    return f"Error received from SDK harness: Traceback\n{kind.__module__}.{kind.__qualname__}: {error}\n\n\tat org.x"


def gone(path: str) -> str:
    with pytest.raises(InputError) as caught:
        _check(Split(path, 0, 1, 1, "0"))
    return as_a_cluster_says(caught.value)


@pytest.mark.parametrize("name", ["web.jsonl", "网页 1.jsonl"])
def test_an_input_that_only_the_driver_sees__is_told_from_one_that_is_gone(tmp_path, name):
    file = tmp_path / name
    said = gone(str(file))
    assert explain(said, None).what == "the file is gone since it was planned"
    assert explain(said, None).fix == PLAN_AGAIN
    file.write_bytes(b"x")
    error = explain(said, None)
    assert isinstance(error, InputError)
    assert error.what == "a worker host does not see this file, which is there for this machine"
    assert error.where == str(file)
    assert "s3://" in error.fix


def test_a_run_directory_that_a_host_does_not_see__is_refused_before_anything_is_written(tmp_path):
    store = Store.at(tmp_path / "运行")
    with pytest.raises(RunnerError, match="a worker host does not see the run directory") as caught:
        check_seen(store)
    assert str(tmp_path) in caught.value.where
    with pytest.raises(RunnerError):
        bring(store, None)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    error = explain(as_a_cluster_says(caught.value), None)
    assert (type(error), error.what) == (RunnerError, caught.value.what)
    claim(store)
    check_seen(store)
    check_seen(Store.at("s3://bucket/run"))


def test_too_few_network_buffers_of_flink__which_setting():
    said = "java.io.IOException: Insufficient number of network buffers: required 512, but only 493 available."
    error = explain(f"java.util.concurrent.ExecutionException: ...\nCaused by: {said}", None, "127.0.0.1:8099")
    assert "too few network buffers" in error.what
    assert "taskmanager.memory.network.max" in error.fix


@pytest.mark.parametrize(("host", "told"), [("10.77.0.13", True), ("worker-b.internal", True), ("127.0.0.1", False)])
def test_where__the_worker_host_is_named_where_spark_says_it(tmp_path, host, told):
    log = ServerLog(tmp_path / "log")
    other = "WARN TaskSetManager: Lost task 0.0 in stage 0.0 (TID 1) (10.9.9.9 executor 4): ExecutorLostFailure\n"
    error = RecipeError("no permission for s3://b", where="s3://b/run/run.json", fix="give credentials")
    said = f"WARN TaskSetManager: Lost task 0.0 in stage 0.0 (TID 7) ({host} executor 1): {as_a_cluster_says(error)}\n"
    (tmp_path / "log").write_text(other + said, encoding="utf-8")
    log._at = 0
    log.read()
    mended = explain(log.hopeless, None)
    assert isinstance(mended, RecipeError)
    assert mended.where == "s3://b/run/run.json" + (f", on worker host {host}" if told else "")


def test_stages__fail_at_a_unit_and_not_when_they_are_set_up(tmp_path):
    """Of what `setup` raises Beam's Java side tells nothing: it waits three minutes, then names the wrong thing."""
    book = ReceiptBook(Store.at(tmp_path / "nowhere"), "score", "k" * 64)
    unit = Unit("web", (Split("/a", 0, 1, 1, "e"),), 1)
    scoring = ScoreUnits(None, book, 1.0)  # type: ignore[arg-type]
    scoring.setup()
    with pytest.raises(RunnerError, match="does not see the run directory"):
        list(scoring.process((0, [unit])))
    cleaning = CleanUnits(None, {"text": book})  # type: ignore[arg-type]
    cleaning.setup()
    with pytest.raises(RunnerError, match="does not see the run directory"):
        list(cleaning.process((0, Receipt("score", "u", ()))))


def test_stages__take_nothing_along_that_the_driver_made(tmp_path):
    """Beam reads every attribute of a DoFn: a property that makes something would make it on the driver, and a worker
    that gets it would not look for its models."""
    book = ReceiptBook(Store.at(tmp_path), "score", "k" * 64)
    claim(book.store)
    for stage in (
        ScoreUnits(Recipe.model_construct(), book, 1.0),
        CleanUnits(Recipe.model_construct(), {"text": book}),
    ):
        pipeline = beam.Pipeline(runner=FnApiRunner())
        pipeline | beam.Create([]) | beam.ParDo(stage)
        pipeline.to_runner_api()
        made = {name for name, value in vars(stage).items() if type(value).__name__ in ("UnitScorer", "UnitCleaner")}
        assert not made
