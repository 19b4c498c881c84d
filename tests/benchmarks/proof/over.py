"""What becomes of a policy that learns from a reward model: what that gives rises, what the task's own check gives,
which the policy never sees, rises with it at first, and then falls (Gao et al. 2023)."""

import statistics
from pathlib import Path

import torch

from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.prompts import task_prompts
from gristmill.trainer.rollouts.rewards import open_reward
from gristmill.trainer.rollouts.rollout import Rollout
from gristmill.trainer.rollouts.rows import rollout_log_probabilities
from gristmill.trainer.rollouts.sampler import roll_out
from tests.benchmarks.proof.runs import LANGUAGES
from tests.benchmarks.proof.settings import ANSWER, OVER, OVER_SAVES, ROUNDS, Stage
from tests.benchmarks.proof.trained import Figures, Trained, open_model


def over_optimise(proof: Trained) -> None:
    """GRPO against the reward model; over the steps, with the distance from `weak`."""
    judge = str(proof.at("reward", "reward"))
    settings = (f"rollouts.task={proof.task}", f"rollouts.reward={judge}", *ROUNDS, *OVER.settings)
    how = Stage(OVER.steps, settings)
    policy = proof.train("grpo", "talks", "against-reward", how, begin=proof.weak, saves=OVER_SAVES)
    for place in [proof.weak, *sorted(policy.glob("step-*"))]:
        step = int(place.name.rpartition("-")[2]) if place.parent == policy else 0
        proof.keep(f"over-{step}", _both_rewards(proof, place, judge))


@torch.no_grad()
def _both_rewards(proof: Trained, place: Path, judge: str) -> Figures:
    learned, gold = (open_reward(one, proof.encoder) for one in (judge, "task"))
    model, weak, said = open_model(place), open_model(proof.weak), list[Rollout]()
    for number, lang in enumerate(LANGUAGES):
        prompts = task_prompts(proof.encoder, proof.task, proof.examples, 100, lang, first=1000 * number)
        said += roll_out(model, prompts, 2, PURE, ANSWER)
    worths = gold(said)
    return {
        "learned": statistics.fmean(learned(said)),
        "gold": statistics.fmean(worths),
        "exact": statistics.fmean(float(one >= 1) for one in worths),
        "nats": statistics.fmean(_log_ratios(model, weak, said)),
    }


def _log_ratios(model: Model, weak: Model, said: list[Rollout]) -> list[float]:
    both = (rollout_log_probabilities(one, said, PURE) for one in (model, weak))
    return [float(mine.sum() - first.sum()) for mine, first in zip(*both, strict=True)]
