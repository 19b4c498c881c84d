"""What is learnt from pairs of answers of `weak`, ordered by the task's check: DPO, and a reward model."""

import random

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.rollouts.prompts import completion, prompt_messages, task_prompts
from gristmill.trainer.rollouts.rewards import give_rewards, open_reward
from gristmill.trainer.rollouts.rollout import Rollout
from gristmill.trainer.rollouts.sampler import roll_out
from tests.benchmarks.proof.runs import LANGUAGES, Messages, write_pairs
from tests.benchmarks.proof.settings import (
    ANSWER,
    DPO,
    HELD_OUT,
    LENGTH,
    PAIRS_LENGTH,
    REWARD,
    SAMPLED,
)
from tests.benchmarks.proof.trained import Trained, open_model

Pair = tuple[Messages, Messages]


def prefer(proof: Trained) -> None:
    """DPO, with the likelihood of the better answer and without."""
    _write(proof, "best", extremes(proof, SAMPLED, 400), LENGTH)
    for name, how in DPO.items():
        proof.keep(name, proof.measure(proof.train("dpo", "best", name, how, begin=proof.weak)))


def judge(proof: Trained) -> None:
    """A reward model, from the end of the fine-tuning."""
    held = _write(proof, "reward", extremes(proof, SAMPLED, 1200), PAIRS_LENGTH)
    learnt = proof.train("reward", "reward", "reward", REWARD, begin=proof.at("talks", "tuned"))
    proof.keep("reward", {"pairs": float(held)} | proof.evaluation(learnt))


def extremes(proof: Trained, seed: int, count: int, samples: int = 8) -> list[Pair]:
    """The best and the worst of `samples` answers of `weak` to each of `count` prompts of either language, by the
    task's check, where one is better; of those that end and say something."""
    encoder, model, count = proof.encoder, open_model(proof.weak), int(count * proof.scale) or 20
    pairs = []
    for lang in LANGUAGES:
        said = roll_out(model, task_prompts(encoder, proof.task, seed, count, lang), samples, PURE, ANSWER)
        give_rewards(said, open_reward("task", encoder))
        for k in range(0, len(said), samples):
            fit = [one for one in said[k : k + samples] if not one.truncated and completion(encoder, one).strip()]
            best, worst = max(fit, key=worth, default=None), min(fit, key=worth, default=None)
            if best and worst and worth(best) > worth(worst):
                pairs.append((_talk(encoder, best), _talk(encoder, worst)))
    random.Random(proof.seed).shuffle(pairs)
    return pairs


def worth(rollout: Rollout) -> float:
    """Its reward."""
    return rollout.reward


def _talk(encoder: Encoder, one: Rollout) -> Messages:
    return [*prompt_messages(encoder, one.prompt), {"role": "assistant", "content": completion(encoder, one).strip()}]


def _write(proof: Trained, run: str, pairs: list[Pair], length: int) -> int:
    """A run of pairs; held out are the best and the worst of four to other prompts, whose number it gives."""
    held = extremes(proof, HELD_OUT, 200, 4)
    if not held or not pairs:
        raise SystemExit("no answer of the weak model is better than another: it needs more steps, --scale 1")
    write_pairs(proof.fresh(run), proof.tokenizer, {"train": pairs, "validation": held}, length)
    return len(held)
