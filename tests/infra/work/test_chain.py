"""A chain: each step from the checkpoint of the one before; killed, it goes on; what is finished is not done again."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gristmill.infra.trigger.target import load_chain
from gristmill.infra.work import chain as module
from gristmill.infra.work.chain import Processes, run_chain
from gristmill.pipelines.errors import GristmillError, RecipeError, RunnerError
from gristmill.pipelines.storage import rundir
from gristmill.pipelines.storage.store import Store

CHAIN = """\
chain:
  - {run: runs/good, steps: 3, settings: {optim.lr: 0.002}}
  - {run: runs/good, stage: sft, steps: 2}
  - {run: runs/good, stage: dpo, settings: {lora.rank: 2}}
"""


class Trainer:
    """Notes what it is told and leaves a checkpoint; `dies` at the call of that number, after half of its steps."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.dies: int | None = None

    def __call__(self, command: list[str]) -> int:
        told = command[command.index("train") :]
        self.told.append(told)
        at = told.index("--name")
        folder = Path(told[at - 1]) / "train" / told[at + 1]
        died = len(self.told) == self.dies
        checkpoint = folder / ("step-000001" if died else "step-000002")
        checkpoint.mkdir()
        (checkpoint / "manifest.json").write_text("{}")
        return 137 if died else 0


@pytest.fixture
def trainer(monkeypatch) -> Trainer:
    monkeypatch.setattr(module, "write_report", lambda store: "none")
    return Trainer()


@pytest.fixture
def steps(runs, tmp_path):
    (tmp_path / "chain.yaml").write_text(CHAIN)
    return load_chain(tmp_path / "chain.yaml")


def do(steps, trainer) -> int:
    return run_chain(None, steps, Processes(), lambda text: None, trainer)


def begins(told: list[str]) -> str:
    return told[told.index("--from") + 1] if "--from" in told else ""


def test_each_step__begins_with_the_checkpoint_of_the_one_before(runs, steps, trainer):
    assert do(steps, trainer) == 0
    pretrain, sft, dpo = trainer.told
    assert pretrain[:4] == ["train", str(runs / "good"), "--name", "main"]
    assert "model.width=32" in pretrain, "the recipe's own options"
    assert pretrain[-4:] == ["--steps", "3", "--set", "optim.lr=0.002"]
    assert (sft[1], begins(sft)) == ("sft", str(runs / "good/train/main/step-000002"))
    assert (dpo[1], begins(dpo)) == ("dpo", str(runs / "good/train/sft/step-000002"))
    assert do(steps, trainer) == 0
    assert len(trainer.told) == 3, "nothing is done again"


@pytest.mark.parametrize("dies", [1, 2, 3])
def test_killed__it_goes_on_where_it_was(steps, trainer, dies):
    trainer.dies = dies
    assert do(steps, trainer) == 137
    assert do(steps, trainer) == 0
    assert [told[1] for told in trainer.told].count("sft") == (2 if dies == 2 else 1)
    assert [told for told in trainer.told if "--resume" in told] == [trainer.told[dies]]
    assert len(trainer.told) == 4


def test_a_trainer_that_is_still_there__is_waited_for(runs, steps, trainer, monkeypatch):
    (runs / "good/train/main").mkdir(parents=True)
    take = "file = open(sys.argv[1], 'ab'); fcntl.flock(file, fcntl.LOCK_EX)"
    holds = f"import fcntl, sys, time; {take}; print(1, flush=True); time.sleep(99)"
    line = [sys.executable, "-S", "-c", holds, str(runs / "good/train/main/chain.lock")]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        monkeypatch.setattr(module, "PATIENCE", 0.0)
        monkeypatch.setattr(rundir, "LOCK_TRIES", 1)
        with pytest.raises(RunnerError, match="step 1 of 3: pretrain main: another process trains in this folder"):
            do(steps, trainer)
        assert trainer.told == []
        monkeypatch.setattr(module, "PATIENCE", 60.0)
        threading.Timer(0.2, other.kill).start()
        assert do(steps, trainer) == 0


def test_a_changed_step__is_no_continuation(steps, trainer, tmp_path, runs):
    do(steps, trainer)
    (tmp_path / "chain.yaml").write_text(CHAIN.replace("steps: 2", "steps: 4"))
    with pytest.raises(RecipeError, match="step 2 of 3: sft sft: there is another training of that name"):
        do(load_chain(tmp_path / "chain.yaml"), trainer)
    (tmp_path / "chain.yaml").write_text(
        CHAIN.replace("steps: 3", "steps: 5").replace("good, steps", "good, name: b, steps")
    )
    with pytest.raises(RecipeError, match="step 2 of 3"):
        do(load_chain(tmp_path / "chain.yaml"), trainer)
    assert len(trainer.told) == 4, "what stands on another checkpoint is another step"


def test_a_training_that_no_chain_made__is_not_taken_for_a_step(runs, steps, trainer):
    (runs / "good/train/main/step-000009").mkdir(parents=True)
    with pytest.raises(RecipeError, match="there is another training of that name"):
        do(steps, trainer)
    assert trainer.told == []


def test_a_run_without_shards__is_named(runs, steps, trainer):
    shutil.rmtree(runs / "good" / "tokens")
    with pytest.raises(GristmillError, match="step 1 of 3: pretrain main: its run has no token shards"):
        do(steps, trainer)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chain: [{stage: sft, run: x}]", "sft needs a checkpoint"),
        ("chain: [{steps: 3}]", "chain[0] names no run"),
        ("chain: [{run: x}, {run: x}]", "two steps would train into one folder"),
        ("chain: []", "chain: "),
        ("chian: []", "did you mean 'chain'?"),
        ("chain: [{run: x, stage: stf}]", "did you mean 'sft'?"),
        ("chain: [{run: x, steps: 0}]", "chain[0].steps"),
    ],
)
def test_a_bad_chain(tmp_path, text, said):
    (tmp_path / "chain.yaml").write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_chain(tmp_path / "chain.yaml")
    assert said in str(caught.value)


def test_openlineage__is_told_of_every_step(runs, steps, trainer, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", str(tmp_path / "events"))
    do(steps, trainer)
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    told = [(event["eventType"], event["job"]["name"].rpartition(".")[2]) for event in events]
    assert told == [(kind, name) for name in ("main", "sft", "dpo") for kind in ("START", "COMPLETE")]


def test_torchrun__where_there_are_several_processes(monkeypatch):
    assert Processes().command(["train"])[1:] == ["-m", "gristmill.trainer", "train"]
    assert Processes(2).command(["train"])[1:5] == ["-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    monkeypatch.setenv("GRISTMILL_MASTER", "node-1")
    several = Processes(8, 4, "gristmill-x-1").command(["train"])
    assert {"--nnodes=4", "--rdzv-id=gristmill-x-1", "--rdzv-endpoint=node-1:29500"} <= {*several}


def test_note__is_whole_or_not_there(runs, steps, trainer):
    do(steps, trainer)
    assert json.loads((runs / "good/train/sft/chain.json").read_text())["checkpoint"] == "step-000002"
    assert Store.at(runs / "good").names("train/sft") == ["chain.json", "chain.lock"]
