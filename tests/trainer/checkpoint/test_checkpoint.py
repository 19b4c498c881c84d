"""Checkpoints: exact, atomic, safe to load, and only continued on the same data."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gristmill.tokenizer.shards.arrow_file import file_sha256
from gristmill.trainer.checkpoint import checkpoint as module
from gristmill.trainer.checkpoint import files as sealing
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.checkpoint.files import checkpoints_in
from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import ConfigError, InputError, MismatchError
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data


def losses(folder: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def interrupted_after(steps: int):
    calls = iter(range(steps + 1))
    return lambda: next(calls) >= steps


@pytest.mark.parametrize(("kind", "average"), [("muon", 0.0), ("adamw", 0.9)])
def test_resume__the_next_50_losses_are_bit_equal(run_dir, tiny, assemble, tmp_path, kind, average):
    config = replace(tiny, optim=replace(tiny.optim, kind=kind, average=average))
    training, state = assemble(run_dir, config, folder=tmp_path / "calm", steps=60)
    fit(training, state)
    folder = tmp_path / "hurt"
    training, state = assemble(run_dir, config, folder=folder, steps=60, interrupted=interrupted_after(10))
    assert fit(training, state).step == 10
    torch.manual_seed(99)
    training, state = assemble(run_dir, config, folder=folder, steps=60, resume=Checkpoint.open(folder))
    assert (state.step, state.data.epoch, state.data.next_row) == (10, *divmod(80, len(training.sampler.corpus)))
    fit(training, state)
    calm, hurt = losses(tmp_path / "calm"), losses(folder)
    assert list(hurt) == list(range(1, 61))
    assert hurt == calm
    final = [Checkpoint.open(tmp_path / name).load_model(torch.device("cpu")) for name in ("calm", "hurt")]
    for a, b in zip(*(model.state_dict().values() for model in final), strict=True):
        assert torch.equal(a, b)


def test_resume__metrics_past_the_checkpoint_are_written_again(one_run_dir, tiny, assemble, tmp_path):
    folder = tmp_path / "train"
    training, state = assemble(one_run_dir, tiny, steps=12, interrupted=interrupted_after(4))
    fit(training, state)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "loss": 1.0}\n{"step": 6, "lo')  # what a kill leaves
    training, state = assemble(one_run_dir, tiny, steps=12, resume=Checkpoint.open(folder))
    fit(training, state)
    assert list(losses(folder)) == list(range(1, 13))
    assert losses(folder)[5] != 1.0


def test_checkpoint__gives_the_average_where_there_is_one(one_run_dir, tiny, assemble, tmp_path):
    training, state = assemble(one_run_dir, replace(tiny, optim=replace(tiny.optim, average=0.9)), steps=4)
    fit(training, state)
    opened = Checkpoint.open(tmp_path / "train")
    given = dict(opened.load_model(torch.device("cpu")).named_parameters())
    averages, last = dict(training.guard.optimizers.averages()), dict(training.model.named_parameters())
    assert all(torch.equal(given[name], averages[name]) for name in given)
    assert not all(torch.equal(given[name], last[name]) for name in given)
    other, _ = assemble(one_run_dir, tiny, folder=tmp_path / "other")
    opened.load_training(other.guard)
    assert all(torch.equal(p, last[name]) for name, p in other.model.named_parameters())


def test_save__keeps_the_last_and_the_best(one_run_dir, tiny, assemble, tmp_path, monkeypatch):
    training, state = assemble(one_run_dir, tiny, steps=10, evaluate_every=2, save_every=2)
    evaluation, scores = training.evaluate(training.model), iter([5.0, 3.0, 4.0, 4.5, 4.2])
    training.evaluate = lambda model: replace(evaluation, loss=next(scores))
    fit(training, state)
    assert [path.name for path in checkpoints_in(tmp_path / "train")] == [
        "step-000004", "step-000008", "step-000010",
    ]  # fmt: skip
    assert Checkpoint.open(tmp_path / "train").state.best == 3.0


@pytest.mark.parametrize(
    ("place", "dies_in", "call"), [(module, "write", 4), (sealing, "sha256_of", 2), (sealing, "to_disk", 11)]
)
def test_save__a_crash_leaves_the_last_checkpoint_and_nothing_half_visible(
    one_run_dir, tiny, assemble, tmp_path, monkeypatch, place, dies_in, call
):
    folder = tmp_path / "train"
    training, state = assemble(one_run_dir, tiny, steps=12, save_every=4)
    real, calls = getattr(place, dies_in), []

    def dying(*args):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(place, dies_in, dying)
    with pytest.raises(KeyboardInterrupt):
        fit(training, state)
    monkeypatch.undo()
    assert [path.name for path in checkpoints_in(folder)] == ["step-000004"]
    training, state = assemble(one_run_dir, tiny, steps=12, save_every=4, resume=Checkpoint.open(folder))
    assert fit(training, state).step == 12
    assert not list(folder.glob(".*"))


def test_checkpoint__names_what_it_was_made_from(one_run_dir, tiny, assemble, tmp_path):
    training, state = assemble(one_run_dir, tiny, steps=2)
    fit(training, state)
    facts = json.loads((tmp_path / "train" / "step-000002" / "state.json").read_text())
    data = open_data(one_run_dir)
    assert facts["origin"] == {
        "manifest": file_sha256(one_run_dir / "manifest.json"),
        "plan": file_sha256(data.train.plan_path),
        "tokenizer": file_sha256(one_run_dir / "tokenizer" / "tokenizer.model"),
        "recipe": "abc",
        "parent": None,
        "others": [],
        "contamination": None,
    }
    assert len(facts["code"]["trainer_sha256"]) == 64
    assert facts["config"]["model"]["width"] == tiny.model.width


@pytest.mark.parametrize("changed", ["manifest", "plan", "tokenizer"])
def test_resume__refuses_other_data_and_says_what_to_do(one_run_dir, tiny, assemble, tmp_path, changed):
    training, state = assemble(one_run_dir, tiny, steps=1)
    fit(training, state)
    opened = Checkpoint.open(tmp_path / "train")
    now = replace(open_data(one_run_dir).origin, **{changed: "0" * 64})
    with pytest.raises(MismatchError, match=rf"another .*{changed}.*(\n.*)*fix: .*another --name"):
        opened.origin.check(now, opened.path)
    opened.origin.check(open_data(one_run_dir).origin, opened.path)


def test_resume__refuses_another_model(tiny, tmp_path):
    wider = replace(tiny, model=replace(tiny.model, width=64))
    with pytest.raises(MismatchError, match=r"model.width = 32, now it is 64"):
        build.check_same(tiny, wider, tmp_path)
    build.check_same(tiny, replace(tiny, model=replace(tiny.model, attention="masked")), tmp_path)


def test_checkpoint__missing_or_damaged_is_named(one_run_dir, tiny, assemble, tmp_path):
    with pytest.raises(InputError, match="no checkpoint here"):
        Checkpoint.open(tmp_path)
    training, state = assemble(one_run_dir, tiny, steps=1)
    fit(training, state)
    folder = tmp_path / "train" / "step-000001"
    with pytest.raises(ConfigError, match="continue them with --resume"):
        build.last_checkpoint(tmp_path / "train", World(), resume=False)
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"damaged(.*\n)*.*model.safetensors"):
        Checkpoint.open(folder).load_model(torch.device("cpu"))
    (folder / "state.json").write_text('{"format": "other"}')
    sealing.seal(folder)
    with pytest.raises(InputError, match="format is 'other'"):
        Checkpoint.open(folder)
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="nothing to resume"):
        build.last_checkpoint(tmp_path / "train", World(), resume=True)
