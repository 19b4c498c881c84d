"""`train sft|reward|dpo` as commands: from one checkpoint to the next, resumed, explained; and what is refused."""

import json
import sys
from pathlib import Path

import pytest

from gristmill.trainer import __main__ as command
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from tests.trainer.conftest import write_manifest
from tests.trainer.runs import write_aligned

SETTINGS = [
    f"--set={one}"
    for one in ("data.tokens_per_step=512", "data.tokens_per_batch=512", "loop.save_every=2", "loop.compile=off")
]
SMALL = ["--set=model.width=32", "--set=model.layers=1", "--set=model.context=128"]


@pytest.fixture
def invoke(monkeypatch, capsys):
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
        monkeypatch.setattr("signal.signal", lambda *_: None)
        monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        with pytest.raises(SystemExit) as caught:
            command.main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def runs(one_run_dir, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    made = {kind: write_aligned(folder / kind, one_run_dir, kind, rows=48) for kind in ("chat", "pairs")}
    for run in made.values():
        write_manifest(run)
    return made


def test_stages__one_after_the_other_and_resumed(invoke, runs, one_run_dir, tmp_path):
    code, out, err = invoke("train", one_run_dir, "--name", "tuned-from", *SETTINGS, *SMALL, "--steps", 4)
    assert code == 0, err
    base = json.loads(out)["checkpoint"]
    code, out, err = invoke("train", "sft", runs["chat"], "--from", base, *SETTINGS, "--steps", 2)
    assert code == 0, err
    assert "unigram" not in err
    assert json.loads(out)["checkpoint"] == str(runs["chat"] / "train/sft/step-000002")
    code, out, err = invoke("train", "sft", runs["chat"], "--resume", "--steps", 4)
    assert (code, "continues from step 2" in err) == (0, True), err
    sft = Checkpoint.open(runs["chat"] / "train/sft")
    assert (sft.state.step, sft.origin.parent) == (4, Checkpoint.open(Path(base)).sha256())
    for stage in ("reward", "dpo"):
        code, out, err = invoke(
            "train", stage, runs["pairs"], "--from", sft.path, *SETTINGS, "--steps", 2, "--set", "lora.rank=2"
        )
        assert code == 0, err
        assert "val_accuracy" in err
    opened = Checkpoint.open(runs["pairs"] / "train/reward")
    assert opened.config.model.head == "score"
    assert isinstance(opened.facts["score_mean"], float)
    code, out, err = invoke("explain", runs["pairs"] / "train/dpo")
    assert (code, f"began with {sft.sha256()[:12]}" in out) == (0, True), (out, err)
    code, out, err = invoke("train", runs["chat"], "--name", "more", "--from", base, *SETTINGS, "--steps", 2)
    assert code == 0, err
    refused = {
        ("train", "dpo", runs["pairs"], "--name", "reward", "--resume"): "this training is one of reward, not of dpo",
        ("train", "sft", runs["chat"], "--name", "x"): "needs a checkpoint to begin from",
        ("train", "sft", runs["pairs"], "--name", "x", "--from", base): "the run holds pairs",
        ("train", "dpo", runs["pairs"], "--name", "x", "--from", opened.path): "cannot learn dpo",
        ("train", one_run_dir, "--name", "x", "--set", "lora.rank=2"): "LoRA adapts a trained model",
        ("train", "sft", runs["chat"], "--name", "x", "--from", base, "--set", "lora.targets=q,w"): "'w' is no matrix",
        ("train", "sft", runs["chat"], "--name", "x", "--from", tmp_path): "no checkpoint here",
        ("train", "dpo", runs["pairs"], "--resume", "--set", "lora.rank=0"): "lora.rank",
    }
    for line, words in refused.items():
        code, _, err = invoke(*line)
        assert code in (2, 3), line
        assert words in err, err
        assert "fix:" in err
        assert not any(run.joinpath("train/x").exists() for run in (*runs.values(), one_run_dir))
