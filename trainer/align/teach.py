"""What the answers of a round teach: advantages for GRPO and PPO, the best answer of each prompt for
rejection sampling.

Letters: P prompts, K samples of each, B rows, T tokens of a row.
"""

import numpy as np
import torch
from torch import Tensor

from gristmill.trainer.align.advantages import generalised_advantages, group_advantages, rewards_with_kl, whitened
from gristmill.trainer.align.rounds import Round
from gristmill.trainer.devices.world import World, all_reduce
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.policies.policy import GrpoConfig
from gristmill.trainer.objectives.policies.ppo import PpoConfig, critic_of
from gristmill.trainer.objectives.token_loss import target_log_probabilities

GAP = "sampler_gap"


class TeachGrpo:
    """Advantages within groups; answers of groups whose rewards are all equal are not learnt from."""

    def __init__(
        self, model: Model, reference: Model | None, config: GrpoConfig, samples: int, temperature: float, world: World
    ):
        """`reference`: with beta > 0, the frozen model that the training began with."""
        self.model, self.reference, self.config = model, reference, config
        self.samples, self.temperature, self.world = samples, temperature, world

    def __call__(self, made: Round) -> None:
        """Of a `Teach`."""
        remember(made, self.model, self.reference, self.temperature, self.world)
        reward_PK = torch.tensor([one.reward for one in made.rollouts]).view(-1, self.samples)
        advantage_PK, teaches_P = group_advantages(reward_PK, scaled=self.config.scaled)
        same, groups = _sums(self.world, [float((~teaches_P).sum()), float(len(teaches_P))])
        made.figures["equal_groups"] = same / groups
        advantages = iter(advantage_PK.flatten().tolist())
        teaches = iter(teaches_P.repeat_interleave(self.samples).tolist())
        for part in made.parts:
            values = [np.full(len(one.response_ids), next(advantages), np.float32) for one in part.rollouts]
            part.batch.extra["advantage"] = part.spread(values)
            keep_B = torch.tensor([next(teaches) for _ in part.rollouts], device=part.batch.targets_BT.device)
            part.batch.targets_BT = torch.where(keep_B[:, None], part.batch.targets_BT, -1)


class TeachPpo:
    """Rewards of tokens, generalised advantages whitened over the round, returns."""

    def __init__(self, model: Model, reference: Model, config: PpoConfig, temperature: float, world: World):
        """`reference`: the frozen model that the training began with."""
        self.model, self.reference, self.config = model, reference, config
        self.temperature, self.world = temperature, world

    def __call__(self, made: Round) -> None:
        """Of a `Teach`."""
        remember(made, self.model, self.reference, self.temperature, self.world)
        config, paid = self.config, 0.0
        for part in made.parts:
            extra, mask_BT = part.batch.extra, part.batch.targets_BT >= 0
            with torch.no_grad():
                extra["old_value"] = critic_of(self.model)(part.batch.tokens)
            score_B = torch.tensor([one.reward for one in part.rollouts], device=mask_BT.device)
            log_ratio_BT = extra["old"] - extra["reference"]
            paid += float(torch.where(mask_BT, log_ratio_BT, 0.0).sum())
            reward_BT = rewards_with_kl(score_B, log_ratio_BT, mask_BT, config.beta)
            extra["advantage"], extra["returns"] = generalised_advantages(
                reward_BT, extra["old_value"], mask_BT, gamma=config.gamma, lam=config.lam
            )
        flat = _flat([part.batch.extra["advantage"] for part in made.parts])
        white = whitened(flat, _flat([part.batch.targets_BT >= 0 for part in made.parts]), self.world)
        for part, values in zip(made.parts, white.split([p.batch.targets_BT.numel() for p in made.parts]), strict=True):
            part.batch.extra["advantage"] = values.view(part.batch.targets_BT.shape)
        kl, answers = _sums(self.world, [paid, float(len(made.rollouts))])
        made.figures["kl"] = kl / answers


@torch.no_grad()
def remember(made: Round, model: Model, reference: Model | None, temperature: float, world: World) -> None:
    """Writes `old` and, with a reference, `reference`: log-probabilities before the round's first update, by the path
    that the training takes. How far the sampler's were from them is a figure of the round."""
    gap = torch.zeros((), dtype=torch.float64)
    for part in made.parts:
        batch = part.batch
        batch.extra["old"] = target_log_probabilities(model, batch, temperature)
        if reference is not None:
            batch.extra["reference"] = target_log_probabilities(reference, batch, temperature)
        sampled_BT = part.spread([one.log_probabilities for one in part.rollouts])
        away_BT = torch.where(batch.targets_BT >= 0, (batch.extra["old"] - sampled_BT).abs(), 0.0)
        gap = torch.maximum(gap, away_BT.max().double().cpu())
    gaps = torch.zeros(world.size, dtype=torch.float64, device=world.device)
    gaps[world.rank] = gap
    all_reduce(world, [gaps])
    made.figures[GAP] = float(gaps.max())


def teach_nothing(made: Round) -> None:
    """A `Teach` for objectives that need nothing but the answers."""


def _flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def _sums(world: World, numbers: list[float]) -> list[float]:
    sums = torch.tensor(numbers, dtype=torch.float64, device=world.device)
    all_reduce(world, [sums])
    return sums.tolist()
