"""What is learnt from pairs: DPO, a reward model, and what becomes of a policy that learns from a reward model."""

import random
import statistics
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import torch

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.prompts import completion, prompt_messages, task_prompts
from gristmill.trainer.rollouts.rewards import give_rewards, open_reward
from gristmill.trainer.rollouts.rollout import Rollout
from gristmill.trainer.rollouts.rows import rollout_log_probabilities
from gristmill.trainer.rollouts.sampler import roll_out
from tests.benchmarks.proof.runs import LANGUAGES, Messages, write_pairs
from tests.benchmarks.proof.trained import ANSWER, TUNING, Figures, Trained, open_model

FEW, OVER = 200, 64
"""Pairs of the reward model that a policy is trained against, and steps of that policy."""
SAMPLED, HELD_OUT = 7, 500_000
"""Seeds of the prompts: of pairs to learn from; added for those that are held out."""
Pair = tuple[Messages, Messages]


def learn_from_pairs(proof: Trained, encoder: Encoder, tokenizer: Path, task: str, length: int, teacher: Path) -> None:
    """DPO and the reward models, all from answers of `weak`: of DPO the best and the worst of four to a prompt; of
    reward models any two of unequal worth; held out are the best and the worst to other prompts."""
    weak = open_model(proof.at("talks", "weak"))
    count = int(750 * proof.scale) or 20
    groups = answers(weak, encoder, task, SAMPLED, count)
    held = extremes(encoder, answers(weak, encoder, task, proof.examples + HELD_OUT, int(200 * proof.scale) or 20))
    random.Random(proof.seed).shuffle(groups)
    every = [pair for group in groups for pair in unequal(encoder, group)]
    random.Random(proof.seed).shuffle(every)
    if not held or not every:
        raise SystemExit("no answer of the weak model is better than another: it needs more steps, --scale 1")
    for run, pairs in (("best", extremes(encoder, groups)), ("pairs", every), ("few", every[:FEW])):
        write_pairs(proof.fresh(run), tokenizer, {"train": pairs, "validation": held}, length)
    dpo = proof.train(
        "dpo", "best", "dpo", 60, (*TUNING, "optim.lr=0.0003", "dpo.nll=1"), begin=proof.at("talks", "weak")
    )
    proof.keep("dpo", proof.measure(encoder, dpo, task))
    for name, run, begin, steps in (
        ("reward", "pairs", teacher, 420),
        ("reward-few", "few", proof.at("talks", "weak"), 60),
    ):
        learnt = proof.train(
            "reward", run, name, steps, (*TUNING, "optim.lr=0.001", "loop.evaluation_rows=0"), begin=begin
        )
        proof.keep(name, {"pairs": float(len(held))} | proof.evaluation(learnt))


def answers(model: Model, encoder: Encoder, task: str, seed: int, count: int) -> list[list[Rollout]]:
    """Four answers to each of `count` prompts of either language, those that end and say something, with the task's
    reward."""
    groups = []
    for lang in LANGUAGES:
        said = roll_out(model, task_prompts(encoder, task, seed, count, lang), 4, PURE, ANSWER)
        give_rewards(said, open_reward("task", encoder))
        groups += [[one for one in said[k : k + 4] if not one.truncated and completion(encoder, one).strip()]
                   for k in range(0, len(said), 4)]  # fmt: skip
    return groups


def extremes(encoder: Encoder, groups: Sequence[Sequence[Rollout]]) -> list[Pair]:
    """The best and the worst of each group, where one is better."""
    both = [(max(group, key=worth), min(group, key=worth)) for group in groups if group]
    return [_pair(encoder, *pair) for pair in both if worth(pair[0]) > worth(pair[1])]


def unequal(encoder: Encoder, group: Sequence[Rollout]) -> list[Pair]:
    """Any two of a group of which one is better."""
    ordered = sorted(group, key=worth, reverse=True)
    return [_pair(encoder, *pair) for pair in combinations(ordered, 2) if worth(pair[0]) > worth(pair[1])]


def worth(rollout: Rollout) -> float:
    """Its reward."""
    return rollout.reward


def _pair(encoder: Encoder, better: Rollout, worse: Rollout) -> Pair:
    asked = prompt_messages(encoder, better.prompt)
    first, second = ([*asked, {"role": "assistant", "content": completion(encoder, one).strip()}]
                     for one in (better, worse))  # fmt: skip
    return first, second


def over_optimise(proof: Trained, encoder: Encoder, task: str) -> None:
    """GRPO against the reward model of few pairs: what that gives, and beside it the task's own check, which the
    policy never sees; over the steps, with the distance from `weak`."""
    judge = str(proof.at("few", "reward-few"))
    settings = (f"rollouts.task={task}", f"rollouts.tokens={ANSWER}", "data.tokens_per_batch=16384",
                f"rollouts.reward={judge}", "rollouts.truncated=score", "optim.lr=0.001")  # fmt: skip
    policy = proof.train("grpo", "talks", "against-few", OVER, settings, begin=proof.at("talks", "weak"), saves=8)
    weak = open_model(proof.at("talks", "weak"))
    for place in [proof.at("talks", "weak"), *sorted(policy.glob("step-*"))]:
        step = int(place.name.rpartition("-")[2]) if place.parent == policy else 0
        proof.keep(f"over-{step}", _both_rewards(open_model(place), weak, encoder, task, proof.examples, judge))


@torch.no_grad()
def _both_rewards(model: Model, weak: Model, encoder: Encoder, task: str, seed: int, judge: str) -> Figures:
    learned, gold = open_reward(judge, encoder), open_reward("task", encoder)
    said: list[Rollout] = []
    for number, lang in enumerate(LANGUAGES):
        prompts = task_prompts(encoder, task, seed, 100, lang, first=1000 * number)
        said += roll_out(model, prompts, 2, PURE, ANSWER)
    away = [
        float(mine.sum() - first.sum())
        for mine, first in zip(*(rollout_log_probabilities(one, said, PURE) for one in (model, weak)), strict=True)
    ]
    worths = gold(said)
    return {
        "learned": statistics.fmean(learned(said)),
        "gold": statistics.fmean(worths),
        "exact": statistics.fmean(float(one >= 1) for one in worths),
        "nats": statistics.fmean(away),
    }
