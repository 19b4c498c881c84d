"""What is killed while a recipe runs on Flink, and where the run goes on then: always to the same bytes."""

import os
import signal
import time

import pytest

from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request

pytestmark = pytest.mark.cluster
EMBEDDED = ("--flink_master=[local]",)


def test_python_worker_killed__same_bytes(flink, corpus, calm, tmp_path, digests, start_run, wait_for_receipt):
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="flink"), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    harnesses = [pid for pid, line in flink.group("worker pool").items() if "SdkHarness(" in line]
    os.kill(harnesses[0], signal.SIGKILL)
    assert run.wait(timeout=400) == 0, (tmp_path / "said" / "log").read_text()[-3000:]
    assert digests(tmp_path / "run") == digests(calm)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_run_stopped__leaves_nothing_and_a_local_run_goes_on(
    flink, corpus, calm, tmp_path, digests, start_run, wait_for_receipt, processes, number
):
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="flink", beam_args=EMBEDDED), tmp_path / "said")
    wait_for_receipt(tmp_path / "run", "score", run)
    run.send_signal(number)
    run.wait(timeout=60)
    deadline = time.monotonic() + 60
    while left := [line for group, line in processes().values() if group == run.pid]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert list(tmp_path.rglob("gristmill-job-server-*")) == []
    execute(Request(corpus.recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(calm)
