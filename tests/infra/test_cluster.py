"""`down` ends what `up` started, and nothing else."""

import subprocess
import sys

import pytest

from gristmill.infra import cluster as module
from gristmill.infra.cluster import Cluster, Daemon, main, start_time
from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.portable.engines import FLINK


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "prepare", lambda engine: engine.jars)


@pytest.fixture
def sleeper():
    """A process group of two."""
    line = [sys.executable, "-c", "import subprocess as s; s.run(['sleep', '60'])"]
    process = subprocess.Popen(line, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_end__the_whole_group(sleeper):
    Daemon("sleeper", sleeper.pid, start_time(sleeper.pid)).end()
    assert sleeper.wait(timeout=10) != 0
    group = subprocess.run(["pgrep", "-g", str(sleeper.pid)], capture_output=True, check=False)
    assert group.stdout == b""


def test_end__spares_a_process_that_only_has_the_same_number(sleeper):
    Daemon("sleeper", sleeper.pid, start_time(sleeper.pid) - 1).end()
    assert sleeper.poll() is None


def test_up__a_daemon_that_fails_is_named_and_nothing_is_left(monkeypatch):
    monkeypatch.setattr(module.Launch, "command", lambda self, port, scratch: ["sh", "-c", "echo no memory; exit 1"])
    cluster = Cluster(FLINK)
    with pytest.raises(RunnerError, match="the job server did not start") as caught:
        cluster.up()
    assert "no memory" in caught.value.fix
    assert not any(daemon.alive for daemon in cluster.daemons)


def test_status_and_down__of_nothing(capsys):
    assert main(["flink", "status"]) == 1
    assert "not prepared" in capsys.readouterr().out
    assert main(["flink", "down"]) == 0
    assert "ended 0 processes" in capsys.readouterr().out
