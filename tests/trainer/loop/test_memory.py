"""What a step is said to need, against what the real step holds: sizes of real tensors, counted."""

import gc
from dataclasses import replace

import pytest
import torch

from gristmill.trainer.devices.world import World
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.loop.memory import SPARE, Alive, Need, _told, estimate, free_memory
from tests.trainer.runs import write_aligned

KINDS = ["causal", "tied", "masked", "spans", "recompute", "lora", "adamw", "experts"]


def configured(tiny, kind):
    config = replace(tiny, optim=replace(tiny.optim, average=0.9))
    if kind in ("masked", "spans"):
        return replace(config, objective=kind)
    if kind == "experts":
        return replace(config, model=replace(config.model, experts=4, hidden=32, compute="bfloat16"))
    if kind == "recompute":
        return replace(config, loop=replace(config.loop, recompute=True))
    if kind == "lora":
        return replace(config, lora=replace(config.lora, rank=2))
    if kind == "adamw":
        return replace(config, optim=replace(config.optim, kind="adamw", average=0.0))
    return replace(config, model=replace(config.model, tied=kind == "tied"))


def size(tensors) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@pytest.mark.parametrize("kind", KINDS)
def test_estimate__is_what_the_real_step_holds(one_run_dir, tiny, assemble, kind):
    config = configured(tiny, kind)
    training, state = assemble(one_run_dir, config, steps=1)
    data = open_data(one_run_dir)
    need = estimate(build.complete(config, data), data, World())
    for parameter in training.model.parameters():
        parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
    gc.collect()
    (batch,) = training.loader.batches(training.sampler.take(state.data))
    with Alive() as alive:
        found = training.objective(training.model, batch, 2)
        found.loss.backward()
        del found
    if kind in ("masked", "spans"):  # few tokens are scored, and those alone are multiplied
        assert alive.most < need.batch < 1.3 * alive.most
    else:
        assert need.batch == pytest.approx(alive.most, rel=0.02)
    training, state = assemble(one_run_dir, config, steps=1, folder=training.folder / "again")
    fit(training, state)
    optimizers = training.guard.optimizers
    remembered = size(value for name, value in optimizers.tensors() if not name.endswith("/step"))
    trained = size(optimizers.parameters)
    weights = size(training.model.parameters())
    assert need.kept == weights + trained + remembered + size(optimizers.average)


@pytest.mark.parametrize("share", [0.3, 1.0, 5.0])
def test_fits__the_batch_that_is_named_fits_and_a_larger_one_would_not(one_run_dir, tiny, share):
    data = open_data(one_run_dir)
    config = build.complete(tiny, data)
    need = estimate(config, data, World())
    free = need.kept + int(share * need.batch / SPARE)
    rows = need.fits(free)
    assert rows > 0

    def needed(count):
        some = replace(config, data=replace(config.data, tokens_per_step=1 << 20, tokens_per_batch=count * 32))
        return estimate(some, data, World()).total

    assert needed(rows) <= 1.01 * free
    assert needed(rows + 2 + rows // 20) > SPARE * free


def test_alive__counts_storages_once_and_forgets_what_is_gone():
    with Alive() as alive:
        x = torch.zeros(1000)
        y = x + 1
        view = y[:10]
        x.add_(1)
        assert alive.bytes == 8000
        del y
        assert alive.bytes == 8000, "a view holds all of it"
        del view
        assert alive.bytes == 4000
    assert alive.most == 8000


def test_estimate__float32_experts_are_not_known(one_run_dir, tiny):
    data = open_data(one_run_dir)
    config = build.complete(replace(tiny, model=replace(tiny.model, experts=4, hidden=32)), data)
    assert estimate(config, data, World()) is None


def test_estimate__of_cuda_needs_no_cuda_and_counts_the_chunks_of_its_loss(one_run_dir, tiny):
    data = open_data(one_run_dir)
    config = build.complete(replace(tiny, model=replace(tiny.model, compute="auto")), data)
    found = estimate(config, data, World(device=torch.device("cuda", 0)))
    narrow = replace(
        config, model=replace(config.model, compute="bfloat16"), data=replace(config.data, documents=False)
    )
    on_cpu = estimate(narrow, data, World())
    logits = 4 * 8 * 32 * config.model.V
    assert found == replace(on_cpu, batch=on_cpu.batch + 2 * logits)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_estimate__of_pairs_counts_the_frozen_copy_too(one_run_dir, tiny, tmp_path, device):
    data = open_data(write_aligned(tmp_path / "pairs", one_run_dir, "pairs", rows=32))
    needs = {
        name: estimate(build.complete(replace(tiny, objective=name), data), data, World(device=torch.device(device)))
        for name in ("reward", "dpo")
    }
    assert needs["dpo"].kept > 1.15 * needs["reward"].kept
    assert needs["reward"].batch > 0


def test_told__says_what_fits_and_what_to_do():
    need = Need(kept=1 << 30, batch=2 << 30, row=float(1 << 29), rows=4)
    assert _told(need, 16 << 30, 1024) == ("a step needs about 3.0 GiB of 16.0; this fits: data.tokens_per_batch=28672")
    assert "data.tokens_per_batch=2048 (now 4096: it will run out of memory)" in _told(need, int(2.5 * 2**30), 1024)
    assert "not even one row fits" in _told(need, 1 << 30, 1024)


def test_free_memory__of_a_cpu_is_shared_by_its_ranks():
    alone, shared = free_memory(World()), free_memory(World(0, 2))
    assert alone is None or shared == pytest.approx(alone / 2, rel=0.2)
