"""What the real command says and leaves behind: on the local runner, on what stands in for it, on a job service.

Every command has a temporary directory of its own, which must be empty afterwards, and no process may be left.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.rundir import locked
from tests.in_process import execute
from tests.ports import free_port

pytestmark = pytest.mark.process


def test_disk_budget__is_kept_with_a_message(gristmill):
    command = gristmill("--disk", "1kB", "--memory", "600MB", "--workers", "2")
    assert command.wait() == 6
    assert "data between stages passed 1,000 bytes" in command.said()
    assert "give more --disk" in command.said()
    assert command.left() == []


def test_interrupted__ends_with_130_and_goes_on(gristmill, corpus, calm, digests):
    command = gristmill()
    command.wait_for_receipts("score", 1)
    command.process.send_signal(signal.SIGINT)
    assert command.wait() == 130
    assert "the same command goes on from there" in command.said()
    assert json.loads((command.out / "run.json").read_text())["status"] == "interrupted"
    assert command.left() == []
    execute(Request(corpus.recipe, command.out))
    assert digests(command.out) == digests(calm)


def test_command_killed__workers_folders_and_lock_go_with_it(gristmill):
    command = gristmill("--workers", "3")
    command.wait_for_receipts("score", 2)
    assert len(command.processes()) >= 3
    command.process.kill()
    assert command.left() == []
    with locked(command.out):
        pass


def test_hung_run__a_second_interrupt_ends_it_and_its_workers(gristmill):
    command = gristmill("--workers", "2")
    command.wait_for_receipts("score", 2)
    hung = json.loads((command.out / "run.json").read_text())["pid"]
    os.kill(hung, signal.SIGSTOP)
    command.process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert command.process.poll() is None
    command.process.send_signal(signal.SIGINT)
    assert command.wait() == 130
    assert command.left() == []


def test_run_killed__nothing_is_left_and_the_message_says_how_to_go_on(gristmill):
    command = gristmill("--workers", "2")
    command.wait_for_receipts("score", 2)
    os.kill(json.loads((command.out / "run.json").read_text())["pid"], signal.SIGKILL)
    assert command.wait() == 1
    assert "was killed by SIGKILL" in command.said()
    assert "run the same command again" in command.said()
    assert command.left() == []


def test_untested_beam__the_terminal_says_that_one_process_runs(gristmill, tmp_path):
    """As after `pip install` of another Beam: what differs for us is the version that the package names."""
    (tmp_path / "site").mkdir()
    text = 'import apache_beam\napache_beam.__version__ = "2.99.0"\n'
    (tmp_path / "site" / "sitecustomize.py").write_text(text, encoding="utf-8")
    command = gristmill("--until", "score", PYTHONPATH=str(tmp_path / "site"))
    assert command.wait() == 0, command.said()
    assert "one process only: Beam 2.99.0 is not one of the tested versions (2.77)" in command.said()
    assert command.left() == []


def test_portable_job_service__same_bytes(gristmill, calm, tmp_path, digests):
    port = free_port()
    module = "apache_beam.runners.portability.local_job_service_main"
    line = [sys.executable, "-m", module, "-p", str(port)]
    # What the service itself stages is the service's: it is somebody else's process.
    (tmp_path / "service").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "service")}
    service = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        wait_for(port)
        command = gristmill("--runner", "portable", "--", f"--job_endpoint=127.0.0.1:{port}")
        assert command.wait() == 0, command.said()
    finally:
        service.kill()
        service.wait()
    assert command.left() == []
    assert digests(command.out) == digests(calm)


def wait_for(port: int) -> None:
    for _ in range(150):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the job service did not start")
