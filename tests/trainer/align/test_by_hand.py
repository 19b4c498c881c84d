"""A round of GRPO and of PPO from its answers to loss and gradient, beside plain loops over single answers: with a
temperature and filters, a tool's turn between, answers of one token, cut ones, and a group of equal rewards."""

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gristmill.tokenizer.special_ids import ASSISTANT, BOS, END, TOOL, USER
from gristmill.trainer.align.rounds import RolloutLoader
from gristmill.trainer.align.teach import TeachGrpo, TeachPpo
from gristmill.trainer.data.rounds import RolloutConfig, RoundSampler
from gristmill.trainer.data.sampler import DataState
from gristmill.trainer.devices.world import ALONE
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.transformer import Model, Tokens
from gristmill.trainer.objectives.policies.policy import Grpo, GrpoConfig
from gristmill.trainer.objectives.policies.ppo import Ppo, PpoConfig, attach_critic, critic_of
from gristmill.trainer.rollouts.rollout import Prompt, Rollout

VOCABULARY, LONGEST = 40, 14
PROMPTS = [Prompt([BOS, USER, *range(12, 12 + 3 * n), END, ASSISTANT], n) for n in range(4)]
CONFIG = {"prompts": 4, "samples": 4, "tokens": LONGEST}
SAMPLINGS = {"pure": {}, "all": {"temperature": 0.7, "top_k": 25, "top_p": 0.95, "min_p": 0.01}}


def random_model(seed: int) -> Model:
    torch.manual_seed(seed)
    shape = ModelConfig(vocabulary=VOCABULARY, width=16, layers=1, heads=2, kv_heads=1, context=32, compute="float32")
    model = Model(shape).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3)
    return model


def moved(model: Model) -> None:
    """As after an update that changed something, for some tokens more than the clips allow."""
    torch.manual_seed(9)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.08)


def tool(ids) -> list[int] | None:
    """Answers a turn that has an even number of tokens."""
    return [TOOL, 20, 21, END, ASSISTANT] if len(ids) % 2 == 0 else None


def reward(rollouts: list[Rollout]) -> list[float]:
    """Something else for each; the first group is worth the same."""
    return [0.3 if one.prompt.number == 0 else math.sin(1 + 7 * n) for n, one in enumerate(rollouts)]


def hidden(trunk: Model, one: Rollout) -> Tensor:
    """(R, E): what each token of the response was written from, read alone."""
    ids = torch.as_tensor(one.ids)[None]
    states = trunk(Tokens(ids, torch.arange(ids.shape[1])[None], torch.zeros_like(ids), most_documents=1))
    return states[0, len(one.prompt.ids) - 1 : -1]


def log_p(model: Model, one: Rollout, config: RolloutConfig) -> Tensor:
    """(R,) under temperature and filters."""
    logits = model.logits(hidden(model, one)).float() / config.temperature
    if one.kept is not None:
        bits = torch.as_tensor(one.kept).long()
        kept = torch.stack([bits[:, v // 8] >> (v % 8) & 1 for v in range(VOCABULARY)], 1).bool()
        kept |= torch.as_tensor(one.mask == 0)[:, None]
        logits = logits.masked_fill(~kept, -math.inf)
    return logits.log_softmax(-1)[
        torch.arange(len(one.ids) - len(one.prompt.ids)), torch.as_tensor(one.response_ids).long()
    ]


def advantages_of_groups(round_: list[Rollout]) -> dict[int, float]:
    found = {}
    for first in range(0, len(round_), CONFIG["samples"]):
        group = round_[first : first + CONFIG["samples"]]
        mean = sum(one.reward for one in group) / len(group)
        if len({one.reward for one in group}) > 1:
            found |= {id(one): one.reward - mean for one in group}
    return found


def own(one: Rollout) -> list[int]:
    return [t for t, mine in enumerate(one.mask) if mine]


def grpo_by_hand(model, old, reference, round_, config, options) -> Tensor:
    advantage, total, tokens = advantages_of_groups(round_), torch.zeros(()), 0
    for one in round_:
        if id(one) not in advantage or (config.truncated == "mask" and one.truncated):
            continue
        new, before, begun = (log_p(some, one, config) for some in (model, old, reference))
        for t in own(one):
            ratio = (new[t] - before[t]).exp()
            gain = torch.minimum(ratio * advantage[id(one)], ratio.clamp(0.8, 1.28) * advantage[id(one)])
            total = total - gain + options.beta * (new[t] - begun[t]) ** 2 / 2
            tokens += 1
    return total / tokens


def ppo_by_hand(model, old, reference, round_, config, options) -> Tensor:
    learnt = [one for one in round_ if config.truncated != "mask" or not one.truncated]
    raw, returns, values = [], [], []
    for one in learnt:
        before, begun = log_p(old, one, config), log_p(reference, one, config)
        value = critic_of(old).value(hidden(critic_of(old).trunk, one).float())[:, 0]
        steps = own(one)
        paid = [-options.beta * float((before[t] - begun[t]).detach()) for t in steps]
        paid[-1] += one.reward
        surprise = [
            paid[k]
            + options.gamma * (float(value[steps[k + 1]]) if k + 1 < len(steps) else 0.0)
            - float(value[steps[k]])
            for k in range(len(steps))
        ]
        for k, t in enumerate(steps):
            gain = sum((options.gamma * options.lam) ** (j - k) * surprise[j] for j in range(k, len(steps)))
            raw.append(gain)
            returns.append(gain + float(value[t].detach()))
            values.append(float(value[t].detach()))
    mean = sum(raw) / len(raw)
    deviation = math.sqrt(sum((gain - mean) ** 2 for gain in raw) / (len(raw) - 1))
    at, total = 0, torch.zeros(())
    for one in learnt:
        new, before = log_p(model, one, config), log_p(old, one, config)
        value = critic_of(model).value(hidden(critic_of(model).trunk, one).float())[:, 0]
        for t in own(one):
            gain = (raw[at] - mean) / deviation
            ratio = (new[t] - before[t]).exp()
            held = values[at] + (value[t] - values[at]).clamp(-options.value_clip, options.value_clip)
            error = torch.maximum((value[t] - returns[at]) ** 2, (held - returns[at]) ** 2)
            total = total - torch.minimum(ratio * gain, ratio.clamp(1 - options.clip, 1 + options.clip) * gain)
            total = total + options.value_weight * error / 2
            at += 1
    return total / len(raw)


@pytest.mark.parametrize("truncated", ["zero", "mask"])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("stage", ["grpo", "ppo"])
def test_round__loss_and_gradient_are_those_of_plain_loops(stage, sampling, truncated):
    model, reference = random_model(0), random_model(1).requires_grad_(False)
    config = RolloutConfig(**CONFIG, **SAMPLINGS[sampling], truncated=truncated)
    if stage == "ppo":
        options = PpoConfig(beta=0.1, gamma=0.9, lam=0.8, value_weight=0.3)
        critic = attach_critic(model)
        torch.nn.init.normal_(critic.value.weight, std=0.3)
        objective, by_hand = Ppo(options, config.temperature), ppo_by_hand
        teach: Callable = TeachPpo(model, reference, options, config.temperature, ALONE)
    else:
        options = GrpoConfig(beta=0.1)
        objective, by_hand = Grpo(options, config.temperature, LONGEST), grpo_by_hand
        teach = TeachGrpo(model, reference, options, config.samples, config.temperature, ALONE)
    loader = RolloutLoader(model, PROMPTS, config, reward, teach, ALONE, seed=3, tokens_per_batch=64, reply=tool)
    batches = list(loader.batches(RoundSampler(len(PROMPTS), config).take(DataState(0, 0, 0))))
    round_ = loader.round.rollouts
    assert len(batches) > 2
    assert {one.truncated for one in round_} == {True, False}
    assert any(0 in one.mask for one in round_)
    assert min(len(one.response_ids) for one in round_) == 1
    assert all(one.reward <= 0 for one in round_ if one.truncated and truncated == "zero")
    old = copy.deepcopy(model)
    moved(model)
    found = [objective(model, batch, 1) for batch in batches]
    loss = sum(one.loss for one in found) / sum(one.weight for one in found)
    clipped, tokens = (sum(float(one.metrics["clipped"][k]) for one in found) for k in (0, 1))
    assert 0 < clipped < tokens
    expected = by_hand(model, old, reference, round_, config, options)
    torch.testing.assert_close(loss, expected, rtol=2e-5, atol=2e-6)
    wanted = [parameter for name, parameter in model.named_parameters() if "critic.trunk.head" not in name]
    ours = torch.autograd.grad(loss, wanted, allow_unused=True)
    plain = torch.autograd.grad(expected, wanted, allow_unused=True)
    for mine, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
