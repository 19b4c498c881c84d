"""Experts against a loop over tokens, one at a time."""

import copy
import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as functional

from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.data.batch import Batch
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.experts import Experts, experts_of, note_shares
from gristmill.trainer.model.transformer import Model, Tokens, initialise, parameter_counts
from gristmill.trainer.objectives.policies.distill import Distill, DistillConfig
from gristmill.trainer.objectives.policies.policy import Grpo, GrpoConfig
from gristmill.trainer.objectives.policies.ppo import Ppo, PpoConfig, attach_critic
from tests.exhaustive import some


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
    assert routing.expert.shape == (3, 7, k)
    assert all(len(set(chosen)) == k for chosen in routing.expert.flatten(0, 1).tolist())


def test_experts__an_idle_expert_gets_no_gradient_and_balance_says_so_a_step_later():
    made = layer(0, experts=3, k=1)
    with torch.no_grad():
        made.router.weight.zero_()
        made.router.weight[1] = 1.0
    x = torch.rand(10, 16) + 0.1  # positive: expert 1 always wins
    out, routing = made(x)
    out.sum().backward()
    assert routing.expert.flatten().tolist() == [1] * 10
    torch.testing.assert_close(routing.balance, torch.ones(10))  # the step before is taken to have been even
    note_shares(made, torch.tensor([[0.0, 10.0, 0.0]]), torch.zeros(()))
    assert made.share_X.tolist() == [0.0, 1.0, 0.0]
    assert made(x)[1].balance.min() > 1.5
    note_shares(made, torch.tensor([[5.0, 5.0, 0.0]]), torch.ones(()))
    note_shares(made, torch.zeros(1, 3), torch.zeros(()))
    assert made.share_X.tolist() == [0.0, 1.0, 0.0], "a skipped step, and one without a token, change nothing"
    assert not made.gate.grad[0].any()
    assert made.gate.grad[1].any()


def test_experts__even_use_has_balance_one():
    made = layer(0, experts=4, k=4)
    with torch.no_grad():
        made.router.weight.zero_()
    assert made(torch.randn(6, 16))[1].balance.tolist() == pytest.approx([1.0] * 6)


def test_fit__experts_learn_stay_in_use_and_are_reported(one_run_dir, tiny, assemble, tmp_path):
    balances = {}
    for weight in (tiny.model.balance_weight, 0.0):
        model = replace(tiny.model, experts=4, experts_per_token=2, hidden=32, balance_weight=weight)
        folder = tmp_path / f"weight-{weight}"
        training, state = assemble(one_run_dir, replace(tiny, model=model), folder=folder, steps=40)
        entropy, _ = training.sampler.corpus.unigram_entropy()
        fit(training, state)
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        assert lines[-1]["val_loss"] < 0.8 * entropy
        assert 1.0 <= lines[-2]["expert_balance"] < 2.0
        assert 1.0 <= lines[-2]["expert_busiest"] < 2.0
        assert set(lines[-2]["loss_by_source"]) <= {"english", "chinese"}
        last = [line["expert_balance"] for line in lines if "expert_balance" in line][-10:]
        balances[weight] = sum(last) / len(last)
    charged, free = balances.values()
    assert charged < free - 0.05, "the charge keeps experts in use"


def with_experts(tiny):
    """What the router is charged is large, so that it shows."""
    model = replace(tiny.model, experts=4, hidden=32, balance_weight=0.5, router_z_weight=0.1)
    return replace(tiny, model=model, optim=replace(tiny.optim, kind="adamw"))


@pytest.mark.parametrize("rows", [4, 1])
def test_fit__how_a_step_is_cut_into_batches_changes_nothing(one_run_dir, tiny, assemble, tmp_path, rows):
    """One batch of 8 rows, two of 4, eight of 1: equal losses, gradient norms and shares of the experts, step by step.
    A load balance of each batch differed here by 1e-2 of the gradient norm."""
    told = []
    for name, size in (("whole", 8), ("cut", rows)):
        config = with_experts(tiny)
        config = replace(config, data=replace(config.data, tokens_per_batch=size * 32))
        training, state = assemble(one_run_dir, config, folder=tmp_path / name, steps=6)
        fit(training, state)
        lines = [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        told.append([[line[key] for key in FIGURES] for line in lines if "loss" in line])
        assert training.model.decoder.blocks[0].mlp.share_X.sum().item() == pytest.approx(1.0)
        assert training.model.decoder.blocks[0].mlp.share_X.unique().numel() > 1
    torch.testing.assert_close(torch.tensor(told[0]), torch.tensor(told[1]), atol=1e-5, rtol=1e-5)


FIGURES = ("loss", "grad_norm", "expert_balance", "expert_busiest")


def test_resume__the_shares_of_the_step_before_go_on_bit_for_bit(one_run_dir, tiny, assemble, tmp_path):
    made = []
    for name, saves in (("whole", 100), ("cut", 3)):
        training, state = assemble(one_run_dir, with_experts(tiny), folder=tmp_path / name, steps=6, save_every=saves)
        fit(training, state)
    resumed = Checkpoint.open(tmp_path / "cut" / "step-000003")
    again, state = assemble(one_run_dir, with_experts(tiny), folder=tmp_path / "again", resume=resumed, steps=6)
    fit(again, state)
    made = [dict(one.model.named_parameters()) for one in (training, again)]
    assert all(torch.equal(value, made[1][name]) for name, value in made[0].items())
    shares = [one.model.decoder.blocks[1].mlp.share_X for one in (training, again)]
    assert torch.equal(*shares)


@pytest.mark.parametrize("name", ["grpo", "ppo", "distill"])
def test_policies__their_router_is_charged_by_row(tiny, name):
    """Two batches of one row, of which one is padded, are charged as one batch of two rows; without a reward to gain
    the charge is all that moves the router, and it is none for a row without a target."""
    model = charged_model(tiny)
    objective = policy_objective(name, model)
    whole = objective(model, answers([0, 1]), 1)
    parts = [objective(model, answers([row]), 1) for row in (0, 1)]
    assert whole.loss.item() == pytest.approx(sum(part.loss.item() for part in parts), rel=1e-5)
    assert torch.equal(whole.assigned_LX, parts[0].assigned_LX + parts[1].assigned_LX)
    layers = 4 if name == "ppo" else 2  # the critic's too
    assert whole.assigned_LX.sum(1).tolist() == [2 * (7 + 4)] * layers
    whole.loss.backward()
    routers = [p.grad for key, p in model.named_parameters() if "router" in key]
    assert len(routers) == layers
    assert all(grad.abs().sum() > 0 for grad in routers)
    blank = answers([0])
    blank.targets_BT[:] = -1
    assert objective(model, blank, 1).loss.item() == 0


def charged_model(tiny):
    config = replace(with_experts(tiny).model, vocabulary=64, context=16)
    model, generator = Model(config), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0.0, 0.2, generator=generator)
        for _, layer in experts_of(model):
            layer.share_X.copy_(torch.tensor([0.4, 0.3, 0.2, 0.1]))
    return model


def policy_objective(name, model):
    if name == "grpo":
        return Grpo(GrpoConfig(), 1.0, 8)
    if name == "ppo":
        attach_critic(model)
        return Ppo(PpoConfig(), 1.0)
    return Distill(DistillConfig(), copy.deepcopy(model))


def answers(which):
    """Rows of 7 and of 4 tokens, padded to the longest of them; the last three of each are learnt."""
    lengths = [(7, 4)[row] for row in which]
    T = max(lengths)
    ids, targets, documents = (torch.full((len(which), T), fill) for fill in (0, -1, -1))
    for b, (row, length) in enumerate(zip(which, lengths, strict=True)):
        ids[b, :length] = torch.arange(length) * 5 + row + 1
        documents[b, :length] = 0
        targets[b, length - 3 : length] = torch.arange(3) + 20
    tokens = Tokens(ids, torch.arange(T).repeat(len(which), 1), documents, most_documents=1)
    blank = torch.zeros_like(ids)
    extra = {key: torch.zeros(ids.shape) for key in ("old", "advantage", "old_value", "returns")}
    return Batch(tokens, targets, blank, blank, 1, extra=extra)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "backend"),
    some(
        [(torch.float32, "inductor"), (torch.bfloat16, "inductor"), (torch.bfloat16, "aot_eager")],
        [(torch.bfloat16, "aot_eager")],
    ),
)
def test_experts__compiled_are_the_same(dtype, backend):
    """`aot_eager`: all of the compiler but the code that it writes."""
    made = layer(0)
    x = torch.randn(2, 7, 16, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = []
    for one in (made, torch.compile(made, dynamic=False, backend=backend)):
        made.zero_grad()
        out, routing = one(x)
        (out.float() * torch.arange(16)).sum().backward()
        found.append([out, routing.expert, routing.balance, *(p.grad for p in made.parameters() if p.grad is not None)])
    close = 1e-4 if dtype == torch.float32 else 5e-2
    for eager, compiled in zip(*found, strict=True):
        torch.testing.assert_close(eager, compiled, atol=close * 10, rtol=close)


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
