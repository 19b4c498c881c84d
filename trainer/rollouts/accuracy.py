"""How often a policy is right: exact match on a task's examples, by its best guess and by what it samples."""

import math
from dataclasses import dataclass
from statistics import fmean, stdev

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.evaluate.sampling import PURE, Sampling
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.prompts import task_prompts
from gristmill.trainer.rollouts.rewards import task_reward
from gristmill.trainer.rollouts.sampler import roll_out
from gristmill.trainer.rollouts.tools import ToolReply
from gristmill.trainer.tasks.protocol import PERFECT


@dataclass(frozen=True)
class Accuracy:
    """Of `examples` examples, each answered `samples` times."""

    task: str
    lang: str
    examples: int
    samples: int
    exact: float
    """Share of right responses."""
    standard_error: float
    """Of `exact`, over examples: responses to one example are not independent."""
    score: float
    """Mean of the task's score, which rewards the way there too."""
    truncated: float
    """Share of responses that did not end."""


def accuracy(
    model: Model,
    encoder: Encoder,
    task: str,
    lang: str,
    *,
    examples: int,
    seed: int,
    sampling: Sampling = PURE,
    samples: int = 1,
    most_tokens: int = 64,
    tools: ToolReply | None = None,
) -> Accuracy:
    """Of a task's examples of `seed` (another than training's). A response that did not end counts as it stands.

    Greedily: `sampling=Sampling(temperature=0)`. Raises ConfigError, RewardError.
    """
    offered = tools.definitions() if tools else []
    prompts = task_prompts(encoder, task, seed, examples, lang, tools=offered)
    rollouts = roll_out(model, prompts, samples, sampling, most_tokens, reply=tools)
    scores = task_reward(encoder)(rollouts)
    right = [float(score >= PERFECT) for score in scores]
    by_example = [fmean(right[k : k + samples]) for k in range(0, len(right), samples)]
    return Accuracy(
        task=task,
        lang=lang,
        examples=len(prompts),
        samples=samples,
        exact=fmean(right),
        standard_error=stdev(by_example) / math.sqrt(len(by_example)) if len(by_example) > 1 else math.nan,
        score=fmean(scores),
        truncated=fmean(rollout.truncated for rollout in rollouts),
    )
