"""What breaks while a watcher works: one run in the way of no other, records cut off, clocks, disks, stores."""

import errno
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gristmill.infra.launch.local import Local
from gristmill.infra.launch.protocol import ENDED, RUNS, Job, State
from gristmill.infra.trigger import trigger as module
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.turns import LEASE, take_turn
from gristmill.infra.trigger.watch import Watch
from gristmill.infra.work import __main__ as work
from gristmill.infra.work.claim import claim_of
from gristmill.pipelines.errors import Exit, RecipeError, RunnerError
from gristmill.pipelines.storage.store import Store


@pytest.fixture
def jobs(monkeypatch) -> dict[str, State]:
    """Name -> state of the jobs of a launcher that finds them again; a new one runs."""
    started: dict[str, State] = {}

    def submit(self: Local, job: Job, spec: str) -> str:
        assert job.id not in started, "started twice"
        started[job.id] = State(RUNS)
        return job.id

    monkeypatch.setattr(Local, "submit", submit)
    monkeypatch.setattr(Local, "find", lambda self, job: job.id if job.id in started else None)
    monkeypatch.setattr(Local, "state", lambda self, job, handle: started[handle])
    return started


@pytest.fixture
def watch(runs, target):
    """Function: a watcher that knows nothing yet, and looks; what it has said lies in `said`."""

    def call(once: bool = False) -> Watch:
        said: list[str] = []
        watch = Watch(str(runs), Trigger(*load_target(target())), said.append, once)
        watch.said = said
        watch.look()
        return watch

    return call


def soon(watch: Watch) -> list[str]:
    """What is said at the next look, as if it were time."""
    before = len(watch.said)
    for known in watch.known.values():
        known.not_before = 0.0
    watch.look()
    return watch.said[before:]


RECORDS = ("decision.json", "state.json", "report.json")
RECORDS += tuple(f"try-1/{name}" for name in ("job.json", "order.json", "process.json", "turn-1.json"))


@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("name", RECORDS)
def test_a_record_cut_off__is_made_again_and_nothing_is_started_twice(runs, watch, jobs, name, left):
    watch()
    (file,) = (runs / "good").glob(f"train/*/launch/{name}")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(left * len(whole))])
    after = watch()
    after.look()
    assert (len(jobs), after.code, after.said[-1].partition(": ")[2]) == (1, 0, "runs")
    (job,) = jobs
    jobs[job] = State(ENDED, "gone", again=False)
    assert "has left no word" in soon(after)[-1]
    (state,) = (runs / "good").glob("train/*/launch/state.json")
    assert (len(jobs), json.loads(state.read_text())["try"]) == (1, 1)


def test_an_end_cut_off__counts_as_no_word(runs, watch, jobs):
    first = watch()
    (place,) = (runs / "good").glob("train/*/launch/try-1")
    Store.at(runs / "good").write_sealed(f"{place.relative_to(runs / 'good')}/ended.json", {"code": 0, "said": ""})
    (place / "ended.json").write_bytes((place / "ended.json").read_bytes()[:20])
    (job,) = jobs
    jobs[job] = State(ENDED, "gone")
    assert "started as" in soon(first)[-1]
    assert sorted(jobs) == [job, f"{job[:-1]}2"]


def test_a_bug_with_one_run__is_no_matter_of_the_others(runs, mill, watch, jobs, monkeypatch):
    shutil.copytree(mill / "run", runs / "other")
    real = module.check_run

    def check_run(store, *told):
        if store.name == "good":
            raise KeyError("figures")
        return real(store, *told)

    monkeypatch.setattr(module, "check_run", check_run)
    found = watch()
    assert (len(jobs), found.code) == (1, Exit.BUG)
    assert "good: a bug of Gristmill; please report it" in found.said[0]
    assert "KeyError: 'figures'" in found.said[0]
    assert soon(found) == [f"other {name.parent.name}: runs" for name in runs.glob("other/train/*/launch")]


def test_a_folder_that_cannot_be_listed__is_listed_again(runs, watch, jobs, monkeypatch):
    def fail(self, folder=""):
        raise RunnerError("the store does not answer", where="s3://bucket", fix="wait")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "entries", fail)
        found = watch()
        assert "the store does not answer" in found.said[0]
        assert found.code == Exit.RUNNER
    soon(found)
    assert (len(jobs), found.code) == (1, 0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RecipeError("no permission for s3://bucket", where="s3://bucket", fix="ask"), "no permission"),
        (OSError(errno.ENOSPC, "No space left on device", "/runs/x"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/runs/x"), "name a path on a disk that can be written"),
        (PermissionError(errno.EACCES, "Permission denied", "/runs/x"), "that you may read and write"),
    ],
)
def test_what_a_user_mends__is_done_then_without_a_new_manifest(watch, jobs, monkeypatch, error, said):
    def fail(self, path, data):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Store, "create", fail)
        found = watch()
        assert said in found.said[0]
        assert "  fix:   " in found.said[0]
        assert watch(once=True).code != 0
        assert soon(found) == [], "once is enough"
    assert "started as" in soon(found)[0]
    assert len(jobs) == 1


def test_a_log_that_cannot_be_had__holds_nothing_up(watch, jobs, monkeypatch):
    def fail(self, job, handle):
        raise RunnerError("the node is gone", where="pod", fix="wait")

    found = watch()
    monkeypatch.setattr(Local, "log", fail)
    (job,) = jobs
    jobs[job] = State(ENDED, "its node is gone", again=False)
    assert "its node is gone" in soon(found)[-1]
    assert found.code == Exit.RUNNER


@pytest.mark.parametrize(
    ("seconds", "taken"), [(-LEASE - 5, True), (-LEASE / 2, False), (LEASE / 2, False), (86_400, True)]
)
def test_a_turn_of_another_machine__is_over_by_whichever_clock(tmp_path, seconds, taken):
    """One that says that it will be made tomorrow does not hold anybody up until the day after."""
    since = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    (tmp_path / "try-1").mkdir()
    (tmp_path / "try-1" / "turn-1.json").write_bytes(replace(claim_of(), machine="another", since=since).to_json())
    assert (take_turn(Store.at(tmp_path), "try-1") is not None) is taken


def test_what_a_full_disk_has_no_room_for__is_not_made(tmp_path, monkeypatch):
    real = Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            return self.file.write(data[:3])

    monkeypatch.setattr(Path, "open", lambda self, *told, **more: Full(real(self, *told, **more)))
    with pytest.raises(OSError, match="No space left"):
        Store.at(tmp_path).create("turn-1.json", b"{} and more")
    assert list(tmp_path.iterdir()) == []


def test_a_job_on_a_full_disk__says_so(runs, watch, jobs, monkeypatch, capsys):
    watch()
    (place,) = (runs / "good").glob("train/*/launch/try-1")

    def fail(self, path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(runs))

    monkeypatch.setattr(Store, "create", fail)
    assert work.main([str(runs / "good"), str(place.relative_to(runs / "good"))]) == Exit.RUNNER
    assert "error: the disk is full" in capsys.readouterr().out


def test_names_that_a_terminal_obeys__are_shown_as_text(runs, watch, jobs, target, capsys):
    from gristmill.infra.trigger.__main__ import _say

    Path(runs / "good").rename(runs / "good\x1b[2J")
    for line in watch().said:
        _say(line)
    assert "\x1b[2J" not in capsys.readouterr().err
