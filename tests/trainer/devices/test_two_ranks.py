"""Two gloo processes compute the same as one, whether each holds all weights or a part, and go on from each other."""

import json
import os
import pickle
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from gristmill.trainer.checkpoint import checkpoint
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.checkpoint.files import checkpoints_in
from gristmill.trainer.checkpoint.tensors import files
from gristmill.trainer.config import TrainConfig
from gristmill.trainer.devices.fsdp import full_tensor
from gristmill.trainer.devices.gradients import GradientSum
from gristmill.trainer.devices.world import World, once_per_host
from gristmill.trainer.errors import InputError
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.optim.optimizers import Optimizers
from tests.garbage import leave_what_is_there
from tests.ports import free_port

STEPS, CLOSE = 6, 1e-5


@dataclass(frozen=True)
class Job:
    """A training, into the folder of its name."""

    name: str
    config: TrainConfig
    resume: str = ""
    """A checkpoint, by name of the training: of step 3."""
    killed: bool = False
    """Every rank is killed while the second checkpoint is written."""


def train(job: Job, run_dir: Path, folder: Path, world: World) -> None:
    """Trains; keeps the first step's gradients in gradients.pt."""
    opened = Checkpoint.open(folder / job.resume / "step-000003", world) if job.resume else None
    folder = folder / job.name
    folder.mkdir(exist_ok=True)
    data = open_data(run_dir, world)
    training, state = build.build(build.complete(job.config, data), data, folder, world, opened, lambda: False)
    guard, step = training.guard, training.guard.step

    def keep_gradients(number, loss, weight):
        if number == state.step:
            optimizers = guard.optimizers
            named = optimizers.model_parameters.items()
            grads = {name: full_tensor(p, optimizers.local[name].grad) / weight for name, p in named}
            if world.first:
                torch.save(grads, folder / "gradients.pt")
        return step(number, loss, weight)

    guard.step = keep_gradients
    fit(training, state)
    training.loader.close()
    training.terminal.close()


def work(rank: int, size: int, port: int, run_dir: Path, folder: Path, jobs: list[Job]) -> None:
    torch.set_num_threads(1)
    leave_what_is_there()
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=size)
    sums_like_one_all_reduce(rank, World(rank, size))
    what_one_finds_all_raise(rank, World(rank, size, local_rank=rank))
    for job in jobs:
        if job.killed:
            die_in_the_second_checkpoint()
        train(job, run_dir, folder, World(rank, size))
    dist.destroy_process_group()


def sums_like_one_all_reduce(rank: int, world: World) -> None:
    """Small buckets; two backward passes; the second rank does not use a parameter, the first gets them in another
    order."""
    used, other = (nn.Parameter(torch.arange(6.0).view(2, 3) + shift) for shift in (0, 9))
    last = nn.Parameter(torch.ones(3))
    gradients = GradientSum(world, [last, other, used], numbers=4)
    for step in range(2):
        gradients.zero()
        for batch in range(2):
            loss = (used * (rank + 1 + step)).sum() + (last * used).sum()
            if rank == 0:
                loss = (other * (batch + 1)).sum() + loss
            if batch == 1:
                gradients.begin()
            loss.backward()
        gradients.finish()
        assert torch.equal(used.grad, torch.full((2, 3), 2.0 * (1 + 2 + 2 * step) + 4))
        assert torch.equal(other.grad, torch.full((2, 3), 3.0))
        assert torch.equal(last.grad, 4 * used.sum(0))


def what_one_finds_all_raise(rank: int, world: World) -> None:
    """The first of a host reads the files; no rank goes on, or waits, when it finds damage."""
    read = []

    def check() -> None:
        read.append(rank)
        raise InputError("damaged", where="here", fix="mend it")

    with pytest.raises(InputError, match="damaged" if rank == 0 else "another rank found an error"):
        once_per_host(world, check)
    assert read == [0] * (rank == 0)
    once_per_host(world, lambda: None)


def die_in_the_second_checkpoint() -> None:
    whole_write, seen = checkpoint.write, set()

    def write(path, tensors, world):
        seen.add(path.parent)
        if len(seen) == 2 and path.name == "optimizer":
            os.kill(os.getpid(), signal.SIGKILL)
        whole_write(path, tensors, world)

    checkpoint.write = write


def losses(folder: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def sharded(config: TrainConfig) -> TrainConfig:
    return replace(config, loop=replace(config.loop, shard=True))


@pytest.fixture(scope="module")
def kinds(tiny) -> dict[str, TrainConfig]:
    """Seven rows a step, so the ranks' shares differ, and their batches."""
    base = replace(
        tiny,
        model=replace(tiny.model, qk_norm=True, tied=False),
        data=replace(tiny.data, tokens_per_step=224, tokens_per_batch=64),
        optim=replace(tiny.optim, lr=0.001, muon_lr=0.002, average=0.9),
        loop=replace(tiny.loop, steps=STEPS, report_every=3, evaluate_every=3, save_every=3, keep_last=3),
    )
    return {
        "adamw": replace(base, optim=replace(base.optim, kind="adamw")),
        "muon": base,
        "experts": replace(
            base, model=replace(base.model, experts=4, hidden=32, balance_weight=0.2, router_z_weight=0.05)
        ),
        "speedrun": replace(
            base,
            model=replace(base.model, activation="relu2", value_embeddings=True, residual_scales=True),
            optim=replace(base.optim, muon_variant="normuon", muon_momentum_warmup=4, embedding_lr=0.001),
        ),
        "spans": replace(base, objective="spans", model=replace(base.model, positions="relative")),
    }


@pytest.fixture(scope="module")
def trained(one_run_dir, kinds, tmp_path_factory) -> Path:
    """Every kind by one process, by two that hold all weights, by two that hold a part; each goes on from others."""
    folder = tmp_path_factory.mktemp("worlds")
    for kind, config in kinds.items():
        train(Job(f"{kind}-one", config), one_run_dir, folder, World())
    jobs = []
    for kind, config in kinds.items():
        jobs += [Job(f"{kind}-two", config), Job(f"{kind}-sharded", sharded(config))]
        jobs += [Job(f"{kind}-one-sharded", sharded(config), f"{kind}-one")]
    jobs += [Job("muon-sharded-sharded", sharded(kinds["muon"]), "muon-sharded")]
    jobs += [Job("muon-sharded-two", kinds["muon"], "muon-sharded"), Job("killed", sharded(kinds["muon"]), killed=True)]
    with pytest.raises(mp.ProcessExitedException, match="SIGKILL"):
        mp.spawn(work, (2, free_port(), one_run_dir, folder, jobs), nprocs=2)
    for kind, config in kinds.items():
        for before in ("two", "sharded"):
            train(Job(f"{kind}-{before}-one", config, f"{kind}-{before}"), one_run_dir, folder, World())
    return folder


KINDS = pytest.mark.parametrize("kind", ["adamw", "muon", "experts", "speedrun", "spans"])


@pytest.mark.process
@pytest.mark.slow
@KINDS
def test_fit__two_ranks_equal_one(trained, kind):
    expected, one = torch.load(trained / f"{kind}-one" / "gradients.pt"), losses(trained / f"{kind}-one")
    assert list(one) == list(range(1, STEPS + 1))
    for name in (f"{kind}-two", f"{kind}-sharded"):
        grads = torch.load(trained / name / "gradients.pt")
        assert grads.keys() == expected.keys()
        for parameter, grad in grads.items():
            torch.testing.assert_close(grad, expected[parameter], atol=1e-6, rtol=1e-5, msg=f"{name} {parameter}")
        assert losses(trained / name) == pytest.approx(one, abs=CLOSE), name


@pytest.mark.process
@pytest.mark.slow
@KINDS
def test_resume__goes_on_at_another_world_size(trained, kind):
    one = losses(trained / f"{kind}-one")
    folders = [f for f in trained.glob(f"{kind}-*") if f.name.count("-") == 2]
    assert len(folders) == (5 if kind == "muon" else 3)
    for folder in folders:
        assert losses(folder) == pytest.approx({step: one[step] for step in (4, 5, 6)}, abs=CLOSE), folder.name
    states = [Checkpoint.open(folder).state for folder in trained.glob(f"{kind}-*")]
    assert {state.data for state in states} == {states[0].data}
    assert [state.best for state in states] == pytest.approx([states[0].best] * len(states), abs=CLOSE)


@pytest.mark.process
@pytest.mark.slow
def test_save__every_rank_writes_its_part_and_no_pickle(trained, tmp_path):
    folder = trained / "muon-sharded" / "step-000006"
    whole_files = files(trained / "muon-two" / "step-000006" / "model")
    assert [path.name for path in whole_files] == ["model.safetensors"]
    for part in ("model", "average", "optimizer"):
        found = files(folder / part)
        assert sorted((folder / part).iterdir()) == found
        assert [path.name[:11] for path in found] == ["shard-00001", "shard-00002"]
    both = [path.stat().st_size for path in files(folder / "model")]
    assert max(both) < 0.6 * whole_files[0].stat().st_size

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    folder = shutil.copytree(folder, tmp_path / "step-000006")
    (folder / "model" / ".metadata").write_bytes(pickle.dumps(Bomb()))
    (folder / "average" / ".metadata").write_bytes(pickle.dumps(Bomb()))
    model = Checkpoint.open(folder).load_model(torch.device("cpu"))
    assert not (tmp_path / "executed").exists()
    alone = Checkpoint.open(trained / "muon-two").load_model(torch.device("cpu"))
    for a, b in zip(model.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    for part in files(folder / "average") + files(folder / "optimizer"):
        raw = part.read_bytes()
        part.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
        with pytest.raises(InputError, match=rf"damaged: {part.parent.name}/{part.name} has other bytes"):
            Checkpoint.open(folder)
        part.write_bytes(raw)
    for gone in files(folder / "average"):
        moved = gone.rename(tmp_path / "gone")
        with pytest.raises(InputError, match=rf"damaged: average/{gone.name} is missing"):
            Checkpoint.open(folder).load_model(torch.device("cpu"))
        moved.rename(gone)


@pytest.mark.process
@pytest.mark.slow
def test_save__killed_in_the_middle_leaves_the_last_checkpoint(trained, one_run_dir, kinds):
    assert [path.name for path in checkpoints_in(trained / "killed")] == ["step-000003"]
    assert (trained / "killed" / ".step-000006.partial" / "model").is_dir()
    train(Job("killed-one", kinds["muon"], "killed"), one_run_dir, trained, World())
    one = losses(trained / "muon-one")
    assert losses(trained / "killed-one") == pytest.approx({step: one[step] for step in (4, 5, 6)}, abs=CLOSE)


def test_optimizers__alone_own_the_parameters_themselves(tiny_model, tiny):
    optimizers = Optimizers(tiny_model, tiny.optim, 1)
    assert not optimizers.sharded
    assert optimizers.gradients is None
    assert {id(p) for p in optimizers.parameters} == {id(p) for p in tiny_model.parameters()}
