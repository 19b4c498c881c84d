"""Two gloo processes learn from conversations and pairs as one does, whether each holds all weights or a part."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from gristmill.trainer.devices.world import World
from gristmill.trainer.model.lora import LoraConfig
from tests.garbage import leave_what_is_there
from tests.ports import free_port
from tests.trainer.loop.stages.test_stages import STAGES, stage, train
from tests.trainer.runs import write_aligned

KINDS = [*STAGES, "sft-lora", "reward-lora"]


def run_all(base: Path, runs: dict[str, Path], folder: Path, world: World, *, shard: bool = False) -> None:
    for kind in KINDS:
        name, _, lora = kind.partition("-")
        config, begin = stage(base, name, lora=LoraConfig(rank=4 if lora else 0))
        config = replace(
            config,
            data=replace(config.data, tokens_per_step=896, tokens_per_batch=256),
            optim=replace(config.optim, lr=0.001, muon_lr=0.002),
            loop=replace(config.loop, shard=shard, report_every=2),
        )
        train(runs[STAGES[name]], config, folder / kind, begin=begin, world=world, steps=4, evaluate_every=2)


def work(rank: int, port: int, base: Path, runs: dict[str, Path], folder: Path) -> None:
    torch.set_num_threads(1)
    leave_what_is_there()
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    for shard in (False, True):
        run_all(base, runs, folder / ("sharded" if shard else "two"), World(rank, 2), shard=shard)
    dist.destroy_process_group()


def figures(folder: Path) -> list[dict]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    names = ("loss", "grad_norm", "accuracy", "reward_margin", "score", "val_loss", "val_accuracy", "val_brier")
    return [{name: line[name] for name in names if name in line} for line in lines]


@pytest.fixture(scope="module")
def trained(one_run_dir, tiny, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("stages")
    runs = {kind: write_aligned(folder / kind, one_run_dir, kind, rows=64) for kind in ("chat", "pairs")}
    base = train(one_run_dir, replace(tiny, model=replace(tiny.model, context=128)), folder / "base", steps=4)
    run_all(base, runs, folder / "one", World())
    mp.spawn(work, (free_port(), base, runs, folder), nprocs=2)
    return folder


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("how", ["two", "sharded"])
@pytest.mark.parametrize("kind", KINDS)
def test_stage__two_ranks_equal_one(trained, kind, how):
    one, two = figures(trained / "one" / kind), figures(trained / how / kind)
    assert len(one) == len(two) == 6
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, abs=1e-4)
