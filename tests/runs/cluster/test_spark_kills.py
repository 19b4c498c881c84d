"""What is killed while a recipe runs on real Spark, and where the run goes on then: always to the same bytes."""

import os
import signal
import time
from functools import partial

import pytest

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.portable.engines import SPARK

pytestmark = pytest.mark.cluster


def wait_until_none(found, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while left := found():
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.parametrize("stage", ["score", "text"])
def test_executor_killed__same_bytes(spark, corpus, calm, tmp_path, digests, start_run, wait_for_receipt, stage):
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="spark"), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", stage, run)
    executors = [pid for pid, line in spark.group("worker 1", "worker 2").items() if "ExecutorBackend" in line]
    assert executors
    os.kill(executors[0], signal.SIGKILL)
    assert run.wait(timeout=400) == 0, (tmp_path / "said" / "log").read_text()[-3000:]
    assert digests(tmp_path / "run") == digests(calm)


def test_python_worker_killed__same_bytes(spark, corpus, calm, tmp_path, digests, start_run, wait_for_receipt):
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="spark"), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    harnesses = [pid for pid, line in spark.group("worker pool").items() if "SdkHarness(" in line]
    os.kill(harnesses[0], signal.SIGKILL)
    assert run.wait(timeout=400) == 0, (tmp_path / "said" / "log").read_text()[-3000:]
    assert digests(tmp_path / "run") == digests(calm)


def test_job_server_killed__says_so_and_another_runner_goes_on(
    spark, corpus, calm, tmp_path, digests, start_run, wait_for_receipt, processes
):
    arguments = (f"--spark_master_url={spark.state['master']}",)
    request = Request(corpus.recipe, tmp_path / "run", runner="spark", beam_args=arguments)
    run = start_run(request, tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    ours = [pid for pid, (group, line) in processes().items() if group == run.pid and SPARK.driver in line]
    (server,) = [pid for pid in ours if "keeper.py" not in processes()[pid][1]]
    os.kill(server, signal.SIGKILL)
    assert run.wait(timeout=120) == RunnerError.exit_code
    assert "job server was killed by SIGKILL" in (tmp_path / "said" / "error").read_text(encoding="utf-8")
    execute(Request(corpus.recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(calm)


def test_interrupted__leaves_no_process_and_another_runner_goes_on(
    spark, corpus, calm, tmp_path, digests, start_run, wait_for_receipt, processes
):
    arguments = (f"--spark_master_url={spark.state['master']}",)
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="spark", beam_args=arguments), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=120) == 130
    assert [line for group, line in processes().values() if group == run.pid] == []
    execute(Request(corpus.recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(calm)


def test_run_killed__its_own_job_server_and_its_folders_go_too(
    spark, corpus, calm, tmp_path, digests, start_run, wait_for_receipt, processes
):
    arguments = (f"--spark_master_url={spark.state['master']}",)
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="spark", beam_args=arguments), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    run.kill()
    run.wait()
    wait_until_none(lambda: [line for group, line in processes().values() if group == run.pid])
    executors = partial(spark.group, "worker 1", "worker 2")
    wait_until_none(lambda: [line for line in executors().values() if "ExecutorBackend" in line])
    assert list(tmp_path.rglob("gristmill-job-server-*")) == []
    execute(Request(corpus.recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(calm)


def test_run_killed__its_job_goes_on_and_the_next_run_ends_it(
    spark, corpus, calm, tmp_path, digests, start_run, wait_for_receipt
):
    log = spark.folder / "job-server.log"
    before = log.stat().st_size
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="spark"), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    run.kill()
    run.wait()
    finished = len(list(tmp_path.glob("run/_work/score-*/*.json")))
    wait_until_none(lambda: len(list(tmp_path.glob("run/_work/score-*/*.json"))) <= finished)
    execute(Request(corpus.recipe, tmp_path / "run"))
    said = log.read_bytes()[before:]
    assert b"Canceling job invocation" in said
    assert b"Successfully stopped SparkContext" in said
    assert not (tmp_path / "run" / "_work" / "job.json").exists()
    assert digests(tmp_path / "run") == digests(calm)


def test_local_run_killed__goes_on_here(spark, corpus, calm, tmp_path, digests, start_run, wait_for_receipt):
    run = start_run(Request(corpus.recipe, tmp_path / "run"), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    run.kill()
    run.wait()
    before = {file: file.stat().st_mtime_ns for file in tmp_path.glob("run/_work/score-*/*.json")}
    execute(Request(corpus.recipe, tmp_path / "run", runner="spark"))
    after = {file: file.stat().st_mtime_ns for file in tmp_path.glob("run/_work/score-*/*.json")}
    assert before.items() <= after.items(), "a finished unit was done again"
    assert digests(tmp_path / "run") == digests(calm)
