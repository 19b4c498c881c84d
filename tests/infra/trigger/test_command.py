"""The commands as their user meets them, with real trainings."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.slow]


def command(*arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "gristmill.pipelines.cli.main", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=600, cwd=cwd)


def test_watch_once__trains_and_ends(runs, target, tmp_path):
    done = command("watch", "runs", "--launch", target(), "--once", "--every", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"good main-[0-9a-f]{12}: succeeded", done.stderr)
    (log,) = (runs / "good").glob("train/main-*/launch/try-1/log.txt")
    assert "2 steps" in log.read_text()
    report = json.loads((runs / "good" / "report" / "report.json").read_text())
    assert [training["steps"] for training in report["training"]] == [2]
    again = command("watch", "runs", "--launch", target(), "--once", cwd=tmp_path)
    assert (again.returncode, len(list((runs / "good").glob("train/*/step-*")))) == (0, 1)


def test_run_then_train__by_torchrun_with_two_processes(mill, target, tmp_path):
    """And the run begins only when the target is one that can be used. It is whole already, which saves doing it."""
    refused = command("run", mill / "recipe.yaml", "--out", "run", "--then-train", "none.yaml", cwd=tmp_path)
    assert (refused.returncode, (tmp_path / "run").exists()) == (2, False)
    file = target("launch: torchrun\nname: both\ntorchrun: {processes: 2, environment: {OMP_NUM_THREADS: '1'}}\n")
    shutil.copytree(mill / "run", tmp_path / "run")
    done = command("run", mill / "recipe.yaml", "--out", "run", "--then-train", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (log,) = (tmp_path / "run").glob("train/both-*/launch/try-1/log.txt")
    assert "2 x cpu" in log.read_text()


def test_train_chain__of_real_trainings(runs, tmp_path):
    steps = "[{run: runs/good}, {run: runs/good, stage: sft, steps: 1}]"
    (tmp_path / "chain.yaml").write_text(f"chain: {steps}\n")
    done = command("train", "chain", "chain.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    state = json.loads((runs / "good/train/sft/step-000001/state.json").read_text())
    assert json.dumps(state).count(str(runs / "good/train/main/step-000002"))
    again = command("train", "chain", "chain.yaml", cwd=tmp_path)
    assert again.stderr.count("is finished") == 2


def test_override__needs_a_reason_and_one_run(runs, target, tmp_path):
    told = ("--launch", target(), "--once", "--override", "whole")
    done = command("watch", "runs/good", *told, cwd=tmp_path)
    assert (done.returncode, "for a reason" in done.stderr) == (2, True)
    done = command("watch", "runs", *told, "--reason", "a trial", cwd=tmp_path)
    assert (done.returncode, "are for one run" in done.stderr) == (2, True)
