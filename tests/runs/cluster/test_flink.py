"""The whole recipe on Flink's embedded cluster, in a job server of the run's own and in one that is up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import apache_beam
import pytest

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.portable.engines import FLINK, free_port, reachable

pytestmark = pytest.mark.cluster


def servers(processes) -> set[int]:
    """Job servers on this machine, of whatever cluster."""
    return {pid for pid, (_, line) in processes().items() if FLINK.driver in line}


def note_of(run) -> str:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))["note"]


def test_running_job_server__same_bytes_as_local(flink, corpus, calm, tmp_path, digests):
    execute(Request(corpus.recipe, tmp_path / "run", runner="flink"))
    assert digests(tmp_path / "run") == digests(calm)
    assert note_of(tmp_path / "run").startswith(f"flink: job endpoint {flink.state['job_endpoint']}")


def test_embedded__same_bytes_and_no_job_server_left(flink, corpus, calm, tmp_path, digests, processes):
    before = servers(processes)
    execute(Request(corpus.recipe, tmp_path / "run", runner="flink", beam_args=("--flink_master=[local]",)))
    assert digests(tmp_path / "run") == digests(calm)
    assert "prepared class path" in note_of(tmp_path / "run")
    assert servers(processes) <= before


def test_further_stages__same_bytes_on_flink_as_local(flink, further, tmp_path, digests):
    execute(Request(further.recipe, tmp_path / "flink", runner="flink"))
    assert digests(tmp_path / "flink") == digests(further.folder / "run")


def test_no_worker_pool__one_clear_message(flink, corpus, tmp_path):
    pool = ("--environment_type=EXTERNAL", f"--environment_config=127.0.0.1:{free_port()}")
    with pytest.raises(RunnerError, match="Python processes cannot be started"):
        execute(Request(corpus.recipe, tmp_path / "run", runner="flink", beam_args=("--flink_master=[local]", *pool)))


@pytest.fixture
def pool_without_gristmill(tmp_path):
    """The address of Beam's own worker pool, in a Python that has Beam but does not see the editable install."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(os.path.realpath(sys.executable))
    packages = Path(apache_beam.__file__).parent.parent
    port = free_port()
    pool = subprocess.Popen(
        [python, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"],
        env={**os.environ, "PYTHONPATH": str(packages), "PATH": f"{python.parent}:{os.environ['PATH']}"},
        cwd=tmp_path,
        start_new_session=True,
    )
    while not reachable(f"127.0.0.1:{port}"):
        assert pool.poll() is None
        time.sleep(0.2)
    yield f"127.0.0.1:{port}"
    os.killpg(pool.pid, signal.SIGKILL)
    pool.wait()


def test_worker_without_the_package__one_clear_message(flink, corpus, tmp_path, pool_without_gristmill):
    pool = ("--environment_type=EXTERNAL", f"--environment_config={pool_without_gristmill}")
    with pytest.raises(RunnerError, match="lacks the gristmill package"):
        execute(Request(corpus.recipe, tmp_path / "run", runner="flink", beam_args=("--flink_master=[local]", *pool)))
