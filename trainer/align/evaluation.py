"""How good a policy's answers to held-out prompts are."""

import math
from collections.abc import Sequence

import torch

from gristmill.trainer.align.rounds import judge, sampling_of
from gristmill.trainer.data.rounds import RolloutConfig
from gristmill.trainer.devices.world import World, all_reduce, together
from gristmill.trainer.evaluate.validation import Evaluation
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.rewards import Reward
from gristmill.trainer.rollouts.rollout import Prompt, Rollout
from gristmill.trainer.rollouts.sampler import Reply, roll_out
from gristmill.trainer.tasks.protocol import PERFECT


class RewardEvaluator:
    """One answer to each of the same prompts, sampled as in training by the same chances: the mean reward, and the
    share of answers with a reward of 1 or more, which for a task are the right ones. Its `loss` is minus the reward."""

    def __init__(
        self,
        prompts: Sequence[Prompt],
        config: RolloutConfig,
        reward: Reward,
        world: World,
        seed: int,
        reply: Reply | None = None,
    ):
        self.prompts, self.config, self.reward, self.world, self.reply = prompts, config, reward, world, reply
        self.sampling = sampling_of(config, seed)

    def __call__(self, model: Model) -> Evaluation:
        """Evaluates. All ranks must call it."""
        answers = together(self.world, lambda: self._answers(model))
        rewards = [one.reward for one in answers]
        perfect = sum(one >= PERFECT for one in rewards)
        sums = [math.fsum(rewards), perfect, sum(one.truncated for one in answers), len(answers)]
        totals = torch.tensor(sums, dtype=torch.float64, device=self.world.device)
        all_reduce(self.world, [totals])
        reward, perfect, truncated, count = totals.tolist()
        figures = {"val_reward": reward / count, "val_right": perfect / count, "val_truncated": truncated / count}
        return Evaluation(-reward / count, None, int(count), {}, {}, figures, "answers")

    def _answers(self, model: Model) -> list[Rollout]:
        mine = list(self.prompts[self.world.rank :: self.world.size])
        answers = roll_out(model, mine, 1, self.sampling, self.config.tokens, reply=self.reply)
        judge(answers, self.reward, self.config)
        return answers
