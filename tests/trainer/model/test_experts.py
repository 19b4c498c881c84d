"""Experts against a loop over tokens, one at a time."""

import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as functional

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.experts import Experts
from gristmill.trainer.model.transformer import Model, initialise, parameter_counts


def layer(seed, experts=5, k=2):
    config = ModelConfig(vocabulary=64, width=16, heads=2, hidden=24, experts=experts, experts_per_token=k)
    made, generator = Experts(config), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in made.parameters():
            p.normal_(0.0, 0.5, generator=generator)
    return made


def one_by_one(made, x):
    out = torch.zeros_like(x)
    for n, token in enumerate(x):
        p = functional.linear(token, made.router.weight).softmax(-1)
        best = p.argsort(descending=True)[: made.k]
        for e in best:
            hidden = functional.silu(made.gate[e] @ token) * (made.up[e] @ token)
            out[n] += p[e] / p[best].sum() * (made.down[e] @ hidden)
    return out


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_experts__every_token_by_its_own_experts_values_and_gradients(seed, k):
    made = layer(seed, k=k)
    x = torch.randn(3, 7, 16, generator=torch.Generator().manual_seed(seed))
    got, routing = made(x)
    grads = []
    for out in (got, one_by_one(made, x.view(-1, 16)).view_as(x)):
        made.zero_grad()
        (out * torch.arange(16)).sum().backward()
        grads.append([p.grad.clone() for p in made.parameters()])
        torch.testing.assert_close(out, got, atol=1e-4, rtol=1e-4)
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)
    assert routing.share_X.sum().item() == pytest.approx(1.0)


def test_experts__an_idle_expert_gets_no_gradient_and_balance_says_so():
    made = layer(0, experts=3, k=1)
    with torch.no_grad():
        made.router.weight.zero_()
        made.router.weight[1] = 1.0
    x = torch.rand(10, 16) + 0.1  # positive: expert 1 always wins
    out, routing = made(x)
    out.sum().backward()
    assert routing.share_X.tolist() == [0.0, 1.0, 0.0]
    assert routing.balance > 2
    assert not made.gate.grad[0].any()
    assert made.gate.grad[1].any()


def test_experts__even_use_has_balance_one():
    made = layer(0, experts=4, k=4)
    with torch.no_grad():
        made.router.weight.zero_()
    assert made(torch.randn(6, 16))[1].balance.item() == pytest.approx(1.0)


def test_fit__experts_learn_stay_in_use_and_are_reported(one_run_dir, tiny, assemble, tmp_path):
    config = replace(tiny, model=replace(tiny.model, experts=4, experts_per_token=2, hidden=32))
    training, state = assemble(one_run_dir, config, steps=40)
    entropy, _ = training.sampler.corpus.unigram_entropy()
    fit(training, state)
    lines = [json.loads(line) for line in (tmp_path / "train" / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["val_loss"] < 0.8 * entropy
    assert 1.0 <= lines[-2]["expert_balance"] < 1.5
    assert lines[-2]["expert_busiest"] < 2.0
    assert set(lines[-2]["loss_by_source"]) <= {"english", "chinese"}


def test_initialise__experts_begin_as_the_identity():
    model = Model(ModelConfig(vocabulary=64, context=8, width=16, heads=2, experts=4))
    initialise(model, 0)
    mlp = model.decoder.blocks[0].mlp
    assert not mlp.down.any()
    assert mlp.gate.std().item() == pytest.approx(0.25, rel=0.1)
    counts = parameter_counts(model)
    stacks = sum(p.numel() for p in model.parameters() if p.ndim == 3)
    assert counts["total"] - counts["matrix"] == stacks // 2


def test_model_config__experts_are_swiglu():
    with pytest.raises(ConfigError, match=r"experts_per_token <= model\.experts"):
        ModelConfig(experts=2, experts_per_token=3)
