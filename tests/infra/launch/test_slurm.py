"""Slurm, against programs that read #SBATCH lines as strictly as the real ones do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill.infra.launch.protocol import Job
from gristmill.infra.launch.slurm import Slurm, SlurmOptions
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import Watch
from gristmill.pipelines.errors import RecipeError, RunnerError
from gristmill.pipelines.storage.store import Store
from tests.infra.trigger.stub_work import trained

pytestmark = pytest.mark.process
TARGET = f"launch: slurm\nslurm: {{partition: gpu, time: '12:00:00', python: {sys.executable}}}\n"
STUB = Path(__file__).parents[1] / "trigger" / "stub_work.py"


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """The folder of a cluster."""
    folder, programs = tmp_path / "slurm", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    for name in ("sbatch", "squeue", "sacct", "scontrol", "srun"):
        file = programs / name
        fake = Path(__file__).with_name("fake_slurm.py").read_text(encoding="utf-8")
        file.write_text(f"#!{sys.executable} -S\n{fake}", encoding="utf-8")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(folder))
    monkeypatch.setattr(Job, "work", lambda self, of="": [str(STUB), self.run, self.folder, f"--job-from={of}"])
    return folder


def follow(runs: Path, target: Path, until: str = "over", **options) -> list[str]:
    """Watch until everything has ended, or something is said."""
    said: list[str] = []
    watch = Watch(str(runs), Trigger(*load_target(target), **options), said.append)
    deadline = time.monotonic() + 90
    while (watch.look() or not said) and not any(until in line for line in said):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
        for known in watch.known.values():
            known.not_before = 0.0
    return said


def jobs(slurm: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(slurm.glob("[0-9]*.json"))]


def test_a_job__is_submitted_followed_and_logged(runs, target, slurm):
    said = follow(runs, target(TARGET))
    assert "succeeded" in said[-1], said
    assert len(trained(runs / "good")) == 1
    (job,) = jobs(slurm)
    assert job["name"] == job["comment"]
    assert job["options"] | {"partition": "gpu", "time": "12:00:00", "signal": "TERM@120"} == job["options"]
    (log,) = (runs / "good").glob("train/main-*/launch/try-1/log.txt")
    assert "step 1 of 1" in log.read_text()
    (slurm / "forget").touch()
    follow(runs, target(TARGET))
    assert len(jobs(slurm)) == 1


def test_a_job_whose_answer_was_lost__is_found_by_its_name(runs, target, slurm):
    (slurm / "lost").touch()
    said = follow(runs, target(TARGET))
    assert "timed out" in said[0]
    assert "succeeded" in said[-1]
    assert (len(jobs(slurm)), len(trained(runs / "good"))) == (1, 1)


def test_a_watcher_that_died_after_sbatch__starts_no_second_job(runs, target, slurm):
    (slurm / "pending").touch()
    watch = Watch(str(runs), Trigger(*load_target(target(TARGET))), lambda text: None)
    watch.look()
    (note,) = (runs / "good").glob("train/main-*/launch/try-1/job.json")
    note.unlink()
    for _ in range(3):
        Watch(str(runs), Trigger(*load_target(target(TARGET))), lambda text: None).look()
    assert len(jobs(slurm)) == 1
    assert json.loads(note.read_text())["handle"] == "100"


def test_a_job_that_waits__says_why(runs, target, slurm):
    (slurm / "pending").touch()
    assert "job 100 is pending (Priority)" in follow(runs, target(TARGET), until="Priority")[-1]


def test_a_cancelled_job__is_not_begun_again(runs, target, slurm, monkeypatch):
    monkeypatch.setenv("STUB_SECONDS", "30")
    watch = Watch(str(runs), Trigger(*load_target(target(TARGET))), lambda text: None)
    while not trained(runs / "good"):
        watch.look()
        time.sleep(0.1)
    (slurm / "cancelled-100").touch()
    os.kill(jobs(slurm)[0]["pid"], signal.SIGTERM)
    said = follow(runs, target(TARGET))
    assert "stopped" in said[-1], said
    assert "cancelled" in said[-1]
    assert len(jobs(slurm)) == 1


@pytest.mark.parametrize(
    ("refusal", "said", "fix"),
    [
        ("Invalid account or account/partition combination specified", "Invalid account", "sacctmgr"),
        ("Requested node configuration is not available", "node configuration", "ask for less"),
        ("Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)", "limit", "quota"),
        ("Unable to contact slurm controller (connect failure)", "contact", "scontrol ping"),
    ],
)
def test_a_refusal__is_told_with_what_to_do(runs, target, slurm, refusal, said, fix):
    (slurm / "refuse").write_text(refusal)
    told: list[str] = []
    watch = Watch(str(runs), Trigger(*load_target(target(TARGET))), told.append)
    watch.look()
    assert said in told[0]
    assert fix in told[0]
    (slurm / "refuse").unlink()
    follow(runs, target(TARGET))
    assert len(trained(runs / "good")) == 1, "no trigger is lost"


def test_a_wrong_partition(runs, target, slurm):
    told: list[str] = []
    Watch(str(runs), Trigger(*load_target(target(TARGET.replace("gpu", "cpu")))), told.append).look()
    assert "`sinfo` lists them" in told[0]


def test_no_slurm(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    job = Job("gristmill-x-1", Store.at(tmp_path), "train/x/launch/try-1", str(tmp_path))
    with pytest.raises(RunnerError, match="there is no squeue"):
        Slurm(SlurmOptions()).find(job)


@pytest.mark.parametrize("options", [{"partition": "a b"}, {"options": {"x": "a\n#SBATCH --uid=0"}}, {"time": ""}])
def test_an_option__cannot_break_out_of_its_line(options):
    with pytest.raises(ValueError, match="string"):
        SlurmOptions(**options)


def test_a_folder_that_no_script_can_name():
    job = Job("gristmill-x-1", Store.at("/data/my runs"), "train/x/launch/try-1", "/data/my runs")
    with pytest.raises(RecipeError, match="cannot stand in a batch script"):
        Slurm(SlurmOptions()).render(job)


def test_several_nodes__have_torchrun_in_each_of_them():
    launcher = Slurm(SlurmOptions(nodes=4, gpus=8))
    assert (launcher.processes, launcher.nodes) == (8, 4)
    script = launcher.render(Job("gristmill-x-1", Store.at("/data/x"), "train/x/launch/try-1", "/data/x"))
    assert "#SBATCH --nodes=4\n#SBATCH --ntasks-per-node=1\n" in script
    assert "#SBATCH --gpus-per-node=8\n" in script
    assert script.index("#SBATCH --requeue") < script.index("set -euo")
    shellcheck = [Path(sys.executable).with_name("shellcheck"), "-"]
    assert subprocess.run(shellcheck, input=script, capture_output=True, text=True).stdout == ""
