"""However a watcher dies, and however many there are: exactly one training for each manifest."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill.infra.launch.protocol import Job
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import Watch
from gristmill.pipelines.processes.identity import born
from tests.infra.trigger.stub_work import trained

pytestmark = [pytest.mark.process, pytest.mark.slow]
HERE = Path(__file__).parent


def test_a_killed_watcher__starts_nothing_twice_and_loses_nothing(mill, target, tmp_path):
    """SIGKILL before and after every object that it writes and the process that it starts: 12 points."""
    line = [sys.executable, "-m", "tests.infra.trigger.kills", mill / "run", target(), tmp_path]
    done = subprocess.run(line, capture_output=True, text=True, timeout=900, cwd=HERE.parents[2])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) >= 11
    said = [last for last, _, _ in found.values()]
    assert said[0].startswith("before ")
    assert "after Popen" in said[1:]
    assert [(last, times, ended) for last, times, ended in found.values() if times != 1 or ended != [0, 0]] == []


@pytest.fixture
def stub(monkeypatch):
    """Jobs whose trainer only notes that it was called."""
    monkeypatch.setattr(Job, "work", lambda self, variable="": [str(HERE / "stub_work.py"), self.run, self.folder])


def follow(runs: Path, target: Path, seconds: float = 60, **options) -> tuple[Watch, list[str]]:
    """Watch until everything has ended."""
    said: list[str] = []
    watch = Watch(str(runs), Trigger(*load_target(target), **options), said.append)
    deadline = time.monotonic() + seconds
    while watch.look():
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return watch, said


def test_a_new_manifest__is_a_new_training_and_an_old_one_is_none(runs, mill, target, stub):
    follow(runs, target())
    follow(runs, target())
    assert len(trained(runs / "good")) == 1
    _, said = follow(runs, target("launch: local\nchain: [{steps: 3}]\n"))
    assert len(trained(runs / "good")) == 1
    assert "the target has another `chain` by now" in said[-1]
    shutil.copytree(mill / "run", runs / "copy")
    follow(runs, target())
    assert (len(trained(runs / "good")), len(trained(runs / "copy"))) == (1, 1)


def test_a_killed_training__is_begun_again_once(runs, target, stub, monkeypatch):
    monkeypatch.setenv("STUB_SECONDS", "30")
    watch = Watch(str(runs), Trigger(*load_target(target())), lambda text: None)
    trainers: list[int] = []
    for number in (1, 2):
        while len(trained(runs / "good")) < number:
            watch.look()
            time.sleep(0.1)
        (begun,) = (runs / "good").glob(f"train/main-*/launch/try-{number}/begun.json")
        job = json.loads(begun.read_text())["pid"]
        (trainer,) = subprocess.run(["pgrep", "-P", str(job)], capture_output=True, text=True).stdout.split()
        trainers.append(int(trainer))
        assert [born(pid) for pid in trainers[:-1]] == [""] * (number - 1), "no two at once"
        os.kill(job, signal.SIGKILL)  # its trainer is told so, and the next one waits for that
    _, said = follow(runs, target())
    assert len(trained(runs / "good")) == 2, "one retry is the default"
    assert "failed" in said[-1]
    assert "is gone" in said[-1]


def test_a_stopped_training__is_not_begun_again_but_by_wish(runs, target, stub, monkeypatch):
    monkeypatch.setenv("STUB_SECONDS", "30")
    watch = Watch(str(runs), Trigger(*load_target(target())), lambda text: None)
    while not trained(runs / "good"):
        watch.look()
        time.sleep(0.1)
    (begun,) = (runs / "good").glob("train/main-*/launch/try-1/begun.json")
    os.kill(json.loads(begun.read_text())["pid"], signal.SIGTERM)
    watch, said = follow(runs, target())
    assert (len(trained(runs / "good")), watch.code) == (1, 130)
    assert "--again" in said[-1]
    monkeypatch.setenv("STUB_SECONDS", "0")
    watch, said = follow(runs / "good", target(), again=True)
    assert (len(trained(runs / "good")), watch.code) == (2, 0), said


@pytest.mark.parametrize(("code", "times"), [(2, 1), (1, 2)])
def test_a_failed_training__is_repeated_only_where_that_may_help(runs, target, stub, monkeypatch, code, times):
    monkeypatch.setenv("STUB_CODE", str(code))
    _, said = follow(runs, target())
    assert len(trained(runs / "good")) == times
    assert f"ended with code {code}" in said[-1]
    assert "log.txt" in said[-1]
