"""Two gloo processes compute the same as one."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from trainer import build as parts
from trainer.config import RunConfig
from trainer.loop import fit
from trainer.parallel import World, sum_gradients


def work(rank: int, size: int, run_dir: Path, config: RunConfig, out: Path, port: int) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    if size > 1:
        dist.init_process_group("gloo", rank=rank, world_size=size)
    world = World(rank, size)
    sources = parts.open_sources(run_dir)
    config = parts.complete(config, sources)
    run, state = parts.build(config, sources, out, world, None, lambda: False)
    rows, grads = run.order.take(state.place), {}
    step = run.guard.step

    def keep_gradients(number, loss):
        if number == 0:
            grads.update({name: p.grad.clone() for name, p in run.model.named_parameters()})
        return step(number, loss)

    run.guard.step = keep_gradients
    fit(run, state)
    run.loader.close()
    torch.save(
        {"grads": grads, "weights": dict(run.model.named_parameters()), "targets": rows.targets},
        out / f"rank{rank}-of-{size}.pt",
    )
    if size > 1:
        dist.destroy_process_group()


@pytest.mark.process
def test_fit__two_ranks_equal_one(one_run_dir, tiny, tmp_path):
    config = replace(tiny, data=replace(tiny.data, rows_per_step=7, rows_per_batch=2), loop=replace(tiny.loop, steps=3))
    port = 20_000 + os.getpid() % 20_000
    mp.spawn(work, (2, one_run_dir, config, tmp_path, port), nprocs=2)
    work(0, 1, one_run_dir, config, tmp_path, port)
    one, a, b = (torch.load(tmp_path / name) for name in ("rank0-of-1.pt", "rank0-of-2.pt", "rank1-of-2.pt"))
    for name, grad in one["grads"].items():
        torch.testing.assert_close(a["grads"][name], grad, atol=1e-6, rtol=1e-4)
        assert torch.equal(a["grads"][name], b["grads"][name]), name
    for name, weight in one["weights"].items():
        assert torch.equal(a["weights"][name], b["weights"][name]), name
        torch.testing.assert_close(a["weights"][name], weight, atol=2e-3, rtol=1e-2)


def test_sum_gradients__alone_nothing_happens():
    parameter = torch.nn.Parameter(torch.ones(3))
    sum_gradients(World(), [parameter])
    assert parameter.grad is None
