"""Two gloo processes compute the same as one, whether each holds all weights or a part, and go on from each other."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from trainer import build as parts
from trainer.checkpoint import Checkpoint
from trainer.config import RunConfig
from trainer.loop import fit
from trainer.optim import Optimizers
from trainer.parallel import World, sum_gradients
from trainer.sharding import whole

STEPS = 6


def train(run_dir: Path, config: RunConfig, folder: Path, world: World, resume: Path | None = None) -> None:
    """Trains; keeps the first step's gradients in folder/gradients.pt."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = parts.open_sources(run_dir)
    config = parts.complete(config, sources)
    opened = None if resume is None else Checkpoint.open(resume)
    run, state = parts.build(config, sources, folder, world, opened, lambda: False)
    guard, step = run.guard, run.guard.step

    def keep_gradients(number, loss):
        if number == state.step:
            optimizers = guard.optimizers
            grads = {name: whole(p, optimizers.parts_of[name].grad).clone() for name, p in optimizers.wholes.items()}
            if world.first:
                torch.save(grads, folder / "gradients.pt")
        return step(number, loss)

    guard.step = keep_gradients
    fit(run, state)
    run.loader.close()
    run.terminal.close()


def work(rank: int, size: int, port: int, run_dir: Path, jobs: list[tuple[RunConfig, Path, Path | None]]) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=size)
    for config, folder, resume in jobs:
        train(run_dir, config, folder, World(rank, size), resume)
    dist.destroy_process_group()


def losses(folder: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "close"), [("adamw", 1e-5), ("muon", 1e-4)])
def test_fit__two_ranks_equal_one_and_each_goes_on_from_the_other(one_run_dir, tiny, tmp_path, kind, close):
    """Seven rows a step, so the ranks' shares differ, and micro-batches too. Muon orthogonalises in bfloat16, so that
    another order of a sum can turn a rounding."""
    config = replace(
        tiny,
        model=replace(tiny.model, qk_norm=True, tied=False),
        data=replace(tiny.data, rows_per_step=7, rows_per_batch=2),
        optim=replace(tiny.optim, kind=kind, lr=0.001, muon_lr=0.002, average=0.9),
        loop=replace(tiny.loop, steps=STEPS, report_every=3, evaluate_every=3, save_every=3, keep_last=3),
    )
    sharded = replace(config, loop=replace(config.loop, shard=True))
    train(one_run_dir, config, tmp_path / "one", World())
    half = tmp_path / "one" / "step-000003"
    jobs = [
        (config, tmp_path / "two", None),
        (sharded, tmp_path / "sharded", None),
        (sharded, tmp_path / "one-then-sharded", half),
    ]
    mp.spawn(work, (2, 20_000 + os.getpid() % 20_000, one_run_dir, jobs), nprocs=2)
    for name in ("two", "sharded"):
        train(one_run_dir, config, tmp_path / f"{name}-then-one", World(), tmp_path / name / "step-000003")

    expected = torch.load(tmp_path / "one" / "gradients.pt")
    for name in ("two", "sharded"):
        for parameter, grad in torch.load(tmp_path / name / "gradients.pt").items():
            torch.testing.assert_close(grad, expected[parameter], atol=1e-6, rtol=1e-5, msg=f"{name} {parameter}")
    one = losses(tmp_path / "one")
    for name in ("two", "sharded"):
        assert losses(tmp_path / name) == pytest.approx(one, abs=close)
    for name in ("one-then-sharded", "two-then-one", "sharded-then-one"):
        assert losses(tmp_path / name) == pytest.approx({step: one[step] for step in (4, 5, 6)}, abs=close), name
    states = [Checkpoint.open(folder).state for folder in tmp_path.iterdir()]
    assert {state.place for state in states} == {states[0].place}
    best = [state.best for state in states]
    assert best == pytest.approx([best[0]] * len(best), abs=close)


def test_sum_gradients__alone_nothing_happens():
    parameter = torch.nn.Parameter(torch.ones(3))
    sum_gradients(World(), [parameter])
    assert parameter.grad is None


def test_optimizers__alone_own_the_parameters_themselves(tiny_model, tiny):
    optimizers = Optimizers(tiny_model, tiny.optim, 1)
    assert not optimizers.sharded
    assert {id(p) for p in optimizers.parameters} == {id(p) for p in tiny_model.parameters()}
