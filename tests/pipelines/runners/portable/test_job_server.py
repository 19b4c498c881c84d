"""A run's own job server ends with it, also when the run gets SIGKILL, and its folder goes with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.runners.orphans import end_orphan
from gristmill.pipelines.runners.portable import keeper
from gristmill.pipelines.runners.portable.engines import free_port
from gristmill.pipelines.runners.portable.failures import explain
from gristmill.pipelines.runners.portable.server_log import NO_RESOURCES, ServerLog
from gristmill.pipelines.runners.remote_job import NOTE, note
from gristmill.pipelines.storage.store import Store

pytestmark = pytest.mark.process

RUN = """
import os, subprocess, sys
line = [sys.executable, sys.argv[1], str(os.getpid()), sys.argv[2], "sh", "-c", sys.argv[3]]
sys.exit(subprocess.run(line).returncode)
"""


def start(folder: Path, script: str) -> subprocess.Popen:
    """A run that keeps a server, which is a shell script."""
    folder.mkdir()
    return subprocess.Popen([sys.executable, "-c", RUN, keeper.__file__, str(folder), script], start_new_session=True)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_run_killed__server_and_folder_are_gone(tmp_path):
    run = start(tmp_path / "server", f"echo $$ > {tmp_path}/pid; touch {tmp_path}/server/data; exec sleep 100")
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    server = int((tmp_path / "pid").read_text())
    assert alive(server)
    run.send_signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not alive(server))
    wait_until(lambda: not (tmp_path / "server").exists())


def test_everything_killed__the_server_ends_as_well(tmp_path):
    run = start(tmp_path / "server", f"echo $$ > {tmp_path}/pid; exec sleep 100")
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    server = int((tmp_path / "pid").read_text())
    (keeping,) = [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
    os.kill(keeping, signal.SIGKILL)
    wait_until(lambda: not alive(server))
    assert run.wait() != 0


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$", 128 + 9)])
def test_server_ends_by_itself__its_exit_code_and_the_folder_stays_for_the_run(tmp_path, script, code):
    assert start(tmp_path / "server", script).wait() == code
    assert (tmp_path / "server").exists(), "the run reads the log in it"


def test_log__says_what_the_job_waits_for_and_stops_saying_it(tmp_path):
    file = tmp_path / "log"
    starved = "26/11/24 11:00:00 WARN TaskSchedulerImpl: Initial job has not accepted any resources; check"
    started = "26/11/24 11:00:15 INFO TaskSetManager: Starting task 0.0 in stage 0.0 (TID 0) (127.0.0.1, executor 0)"
    file.write_text(f"{starved}\n", encoding="utf-8")
    log = ServerLog(file)

    def append(text: str) -> str:
        with file.open("a", encoding="utf-8") as more:
            more.write(text)
        log.read()
        return log.waiting

    assert append("") == "", "that was another run's"
    assert append(starved) == "", "the line is not finished"
    assert append("\n") == NO_RESOURCES
    assert append("26/11/24 INFO Other: line\n") == NO_RESOURCES
    assert append(f"{started}\n") == ""
    assert not log.hopeless


def test_log__an_error_of_ours_is_hopeless_what_a_cluster_gets_over_is_not(tmp_path):
    (tmp_path / "log").write_text("", encoding="utf-8")
    log = ServerLog(tmp_path / "log")
    original = InputError("not Parquet", where="网页/a.parquet", fix="convert it")
    lost = "WARN TaskSetManager: Lost task 1.0 in stage 1.0: java.util.concurrent.ExecutionException: CANCELLED\n"
    raised = f"WARN TaskSetManager: Lost task 1.1: UserCode\npipelines.errors.InputError: {original}\n\tat A.java\n"
    with (tmp_path / "log").open("a", encoding="utf-8") as more:
        more.write(lost)
        more.flush()
        log.read()
        assert not log.hopeless
        more.write(raised)
    log.read()
    error = explain(log.hopeless, None, "h:1")
    assert isinstance(error, InputError)
    assert (error.what, error.where, error.fix) == ("not Parquet", "网页/a.parquet", "convert it")
    none = ServerLog(tmp_path / "none")
    none.read()
    assert not none.hopeless


def test_job_of_a_killed_run__whose_server_is_gone_is_forgotten(tmp_path):
    store = Store(str(tmp_path))
    assert not end_orphan(store)
    note(store, endpoint=f"127.0.0.1:{free_port()}", job="job-1")
    assert not end_orphan(store)
    assert not (tmp_path / NOTE).exists()
