"""Muon against torch.optim.Muon; groups; skipping; schedules."""

import math

import pytest
import torch
from torch import nn

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.transformer import Model, initialise
from gristmill.trainer.optim.config import OptimConfig
from gristmill.trainer.optim.groups import parameter_groups
from gristmill.trainer.optim.muon import NEWTON_SCHULZ, POLAR_EXPRESS, Muon, orthogonalise
from gristmill.trainer.optim.optimizers import Optimizers
from gristmill.trainer.optim.schedule import learning_rate_factor, muon_momentum


def parameters(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


@pytest.mark.parametrize("seed", [0, 1])
def test_muon__equals_torch_on_matrices(seed):
    shapes = [(16, 24), (16, 24), (24, 16), (8, 8)]
    ours, theirs = parameters(seed, *shapes), parameters(seed, *shapes)
    options = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.95}
    mine, reference = Muon(ours, **options, compute="bfloat16"), torch.optim.Muon(theirs, **options)
    for step in range(5):
        grads = parameters(100 * seed + step, *shapes)
        for p, q, g in zip(ours, theirs, grads, strict=True):
            p.grad, q.grad = g.detach().clone(), g.detach().clone()
        mine.step()
        reference.step()
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q, atol=1e-6, rtol=1e-6)


def test_orthogonalise__in_float32_gives_the_polynomial_of_the_singular_values():
    matrix = parameters(0, (2, 24, 16))[0].detach()
    made = orthogonalise(matrix, torch.float32)
    U, s, Vh = torch.linalg.svd(matrix.double(), full_matrices=False)
    s = s / s.norm(dim=-1, keepdim=True)
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    torch.testing.assert_close(made.double(), U @ torch.diag_embed(s) @ Vh, atol=2e-5, rtol=0)
    assert made.dtype == torch.float32
    torch.testing.assert_close(orthogonalise(matrix, torch.bfloat16).float(), made, atol=0.05, rtol=0.05)


def test_polar_express__is_nearer_to_the_nearest_orthogonal_matrix():
    matrix = parameters(0, (2, 24, 16))[0].detach()
    U, _, Vh = torch.linalg.svd(matrix, full_matrices=False)
    errors = [(orthogonalise(matrix, torch.float32, steps) - U @ Vh).norm() for steps in (NEWTON_SCHULZ, POLAR_EXPRESS)]
    assert errors[1] < errors[0] / 2


def test_normuon__equals_a_plain_loop_over_rows():
    (parameter,), (expected,) = parameters(0, (6, 4)), parameters(0, (6, 4))
    expected, second, momentum = expected.detach().clone(), [0.0] * 6, torch.zeros(6, 4)
    optimizer = Muon([parameter], lr=0.1, weight_decay=0.5, momentum=0.9, compute="float32", variant="normuon")
    for step in range(4):
        gradient = parameters(step + 1, (6, 4))[0].detach()
        parameter.grad = gradient.clone()
        optimizer.step(skip=torch.tensor(0.0))
        momentum = 0.9 * momentum + 0.1 * gradient
        change = orthogonalise((0.1 * gradient + 0.9 * momentum)[None], torch.float32, POLAR_EXPRESS)[0]
        rows = []
        for row in range(6):
            square = sum(float(x) ** 2 for x in change[row]) / 4
            second[row] = 0.9 * second[row] + 0.1 * square
            rows.append(change[row] / second[row] ** 0.5)
        change = torch.stack(rows) * (change.norm() / torch.stack(rows).norm())
        for row in range(6):
            for column in range(4):
                value, one = float(expected[row, column]), float(change[row, column])
                decay = 0.1 * 0.5 * value if one * value >= 0 else 0.0
                expected[row, column] = value - decay - 0.1 * (6 / 4) ** 0.5 * one
        torch.testing.assert_close(parameter.detach(), expected, atol=1e-5, rtol=1e-4)


def test_normuon__a_skipped_step_changes_nothing():
    (parameter,) = parameters(0, (6, 4))
    optimizer = Muon([parameter], variant="normuon")
    parameter.grad = torch.ones(6, 4)
    optimizer.step(skip=torch.tensor(0.0))
    before = [parameter.detach().clone(), *(value.clone() for value in optimizer.state[parameter].values())]
    parameter.grad = torch.full((6, 4), torch.nan)
    optimizer.step(skip=torch.tensor(1.0))
    for a, b in zip(before, [parameter.detach(), *optimizer.state[parameter].values()], strict=True):
        assert torch.equal(a, b)


def test_muon_momentum__rises_to_its_value():
    config = OptimConfig(muon_momentum_warmup=10)
    assert [round(muon_momentum(config, step), 3) for step in (0, 5, 10, 99)] == [0.85, 0.9, 0.95, 0.95]
    assert muon_momentum(OptimConfig(), 0) == 0.95


def test_muon__a_stack_of_experts_equals_its_matrices_one_by_one():
    stacked, single = parameters(0, (3, 8, 12)), parameters(0, (3, 8, 12))
    matrices = [nn.Parameter(m.clone()) for m in single[0].detach()]
    grad = parameters(1, (3, 8, 12))[0].detach()
    stacked[0].grad = grad
    for matrix, g in zip(matrices, grad, strict=True):
        matrix.grad = g
    Muon(stacked, 0.02).step()
    Muon(matrices, 0.02).step()
    torch.testing.assert_close(stacked[0].detach(), torch.stack([m.detach() for m in matrices]), atol=1e-6, rtol=1e-6)


def model():
    made = Model(ModelConfig(vocabulary=70, context=16, width=16, layers=2, heads=2, qk_norm=True, tied=False))
    initialise(made, 0)
    return made


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_parameter_groups__cover_every_parameter_once(kind):
    made = model()
    groups = parameter_groups(made, OptimConfig(kind=kind))
    names = [name for group in groups.values() for name, _ in group]
    assert sorted(names) == sorted(name for name, _ in made.named_parameters())
    assert bool(groups["muon"]) == (kind == "muon")
    assert all(p.ndim == 2 and "embedding" not in n and "head" not in n for n, p in groups["muon"])
    assert all(p.ndim == 1 for _, p in groups["plain"])


def test_optimizers__embedding_and_head_have_rates_of_their_own():
    made = model()
    before = {name: p.detach().clone() for name, p in made.named_parameters()}
    optimizers = Optimizers(made, OptimConfig(kind="adamw", lr=0.001, embedding_lr=0.3, head_lr=0.05), steps=10)
    for p in made.parameters():
        p.grad = torch.ones_like(p)
    optimizers.step(0)
    scale = math.sqrt(768 / made.config.width)
    for name, p in made.named_parameters():  # Adam's first step is the rate
        wanted = {"embedding.weight": 0.3 * scale, "head.weight": 0.05 * scale}.get(name, 0.001)
        torch.testing.assert_close(before[name] - p, torch.full_like(p, wanted), atol=1e-5, rtol=1e-3)


def test_parameter_groups__a_shared_parameter_twice_is_refused():
    made = model()
    made.decoder.blocks[0].attention.q.weight = made.decoder.blocks[0].attention.k.weight
    groups = parameter_groups(made, OptimConfig())
    assert sum(len(group) for group in groups.values()) == len(list(made.parameters()))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_optimizers__a_skipped_step_changes_nothing(bad):
    made = model()
    optimizers = Optimizers(made, OptimConfig(), steps=10)

    def step(number, value, skip):
        for p in made.parameters():
            p.grad = torch.full_like(p, value) if value != 1.0 else torch.ones_like(p) * 0.01
        optimizers.step(number, torch.tensor(float(skip)))

    step(0, 1.0, False)
    before = {name: p.detach().clone() for name, p in made.named_parameters()}
    state = {name: t.clone() for name, t in optimizers.tensors()}
    step(1, bad, True)
    assert all(torch.equal(before[name], p) for name, p in made.named_parameters())
    assert all(torch.equal(state[name], t) for name, t in optimizers.tensors())
    step(1, 1.0, False)
    assert not any(torch.equal(before[name], p) for name, p in made.named_parameters())


def test_optimizers__clip_scales_to_the_norm_and_returns_the_old_one():
    made = model()
    optimizers = Optimizers(made, OptimConfig(clip=1.0), steps=10)
    for p in made.parameters():
        p.grad = torch.ones_like(p)
    count = sum(p.numel() for p in made.parameters())
    assert optimizers.clip(torch.tensor(1.0)).item() == pytest.approx(count**0.5, rel=1e-5)
    assert sum(p.grad.square().sum().item() for p in made.parameters()) ** 0.5 == pytest.approx(1.0, rel=1e-4)


def test_learning_rate_factor__warm_up_stable_decay():
    config = OptimConfig(schedule="wsd", warmup=0.1, decay=0.2, final=0.1)
    rates = [learning_rate_factor(config, step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[50] == rates[80] == 1.0
    assert rates[90] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)


def test_learning_rate_factor__cosine():
    config = OptimConfig(schedule="cosine", warmup=0.1, final=0.0)
    assert learning_rate_factor(config, 10, 110) == pytest.approx(1.0)
    assert learning_rate_factor(config, 60, 110) == pytest.approx(0.5, abs=0.01)
    assert learning_rate_factor(config, 110, 110) == pytest.approx(0.0)


def test_optim_config__names_the_choices():
    with pytest.raises(ConfigError, match="one of: muon, adamw"):
        OptimConfig(kind="sgd")


def test_optimizers__average_follows_the_weights_and_stands_in_for_them():
    made = model()
    optimizers = Optimizers(made, OptimConfig(average=0.5), steps=10)
    expected = {name: p.detach().clone() for name, p in made.named_parameters()}
    for step in range(6):
        for p in made.parameters():
            p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(step))
        skip = step == 3
        optimizers.step(step, torch.tensor(float(skip)))
        decay = 1.0 if skip else min(0.5, (1 + step) / (10 + step))
        for name, p in made.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * p.detach()
    weights = {name: p.detach().clone() for name, p in made.named_parameters()}
    assert dict(optimizers.averages()).keys() == expected.keys()
    with optimizers.averaged(made):
        for name, p in made.named_parameters():
            torch.testing.assert_close(p.detach(), expected[name], atol=1e-6, rtol=1e-5)
    assert all(torch.equal(weights[name], p) for name, p in made.named_parameters())
