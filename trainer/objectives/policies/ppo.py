"""PPO: as GRPO, but a critic says what was to be expected, token by token (Schulman et al. 2017; Ouyang et al. 2022).

Letters: B rows (one answer each), T tokens of a row.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.layers import Linear
from gristmill.trainer.model.transformer import Model, Tokens
from gristmill.trainer.objectives.policies.losses import clipped_loss, clipped_value_loss
from gristmill.trainer.objectives.policies.policy import Policy, of_tokens, ratio_metrics, summed
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.objectives.token_loss import Forward, target_log_probabilities


@dataclass(frozen=True, kw_only=True)
class PpoConfig:
    """Of `train ppo`."""

    clip: float = 0.2
    """A token's ratio to the policy that sampled stays within 1 - clip and 1 + clip."""
    value_clip: float = 0.2
    """How far a value may move in one round."""
    value_weight: float = 0.5
    """Of the critic's loss."""
    beta: float = 0.02
    """What a nat of KL divergence from the model that the training began with costs, in the reward (k1)."""
    kl_stop: float = 0.0
    """Leave out an update where the policy has moved further than this since its round began: `kl_round`, nats for each
    token, over all of the step; 0: never. 0.02 is usual."""
    critic: str = ""
    """A checkpoint of `train reward` that the critic begins as; "": as the policy, with a value of 0 everywhere."""
    gamma: float = 1.0
    lam: float = 0.95
    """Of generalised advantages: 1 trusts what was rewarded, 0 the critic."""

    def __post_init__(self) -> None:
        sound = 0 < self.clip < 1 and self.value_clip > 0 and self.value_weight > 0 and self.beta >= 0 <= self.kl_stop
        if not (sound and 0 < self.gamma <= 1 and 0 <= self.lam <= 1):
            raise ConfigError(
                "an option of PPO makes no sense",
                where="options ppo.*",
                fix="0 < clip < 1, value_clip > 0, value_weight > 0, beta >= 0, kl_stop >= 0, 0 < gamma <= 1, "
                "0 <= lam <= 1",
            )


class Critic(nn.Module):
    """A trunk of its own weights, and a value of every token. It is a part of the policy's module (`attach_critic`), so
    that one optimiser steps both and a checkpoint holds both; what loads a policy leaves it."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.trunk = Model(config)
        self.trunk.head = self.trunk.score = None
        self.value = Linear(config.width, 1, True)

    def forward(self, tokens: Tokens) -> Tensor:
        """float32 (B, T): what is still to come after each token, before the next one is written."""
        return self.values(self.trunk(tokens))

    def values(self, hidden_BTE: Tensor) -> Tensor:
        """The same of what the trunk has read."""
        return self.value(hidden_BTE.float())[..., 0]


@torch.no_grad()
def attach_critic(policy: Model, judge: Model | None = None, mean: float = 0.0) -> Critic:
    """Gives the policy a critic that begins with its trunk and a value of 0 everywhere; or with a reward model's trunk,
    of any shape, and its scores less their `mean` as values (Ouyang et al. 2022, C.4). Adapters have changed nothing
    yet, and are left out: of a critic all weights are trained."""
    begin = policy if judge is None else judge
    config = replace(begin.config, compute=policy.config.compute, attention=policy.config.attention)
    critic = Critic(config).to(policy.embedding.weight.device)
    wanted = critic.trunk.state_dict().keys()
    weights = {name: value for name, value in begin.state_dict().items() if name in wanted}
    critic.trunk.load_state_dict(weights)
    for parameter, value in zip(critic.value.parameters(), (0.0, -mean), strict=True):
        nn.init.constant_(parameter, value)
    if judge is not None and judge.score is not None:
        critic.value.weight.copy_(judge.score.weight)
    policy.add_module("critic", critic)
    return critic


def critic_of(policy: Model) -> Critic:
    """The attached one."""
    critic = policy.get_submodule("critic")
    assert isinstance(critic, Critic)
    return critic


class Ppo(Policy):
    """The clipped objective and the critic's. A batch's `extra` holds, by tokens of its answers: `old` and `old_value`
    (when the round began), `advantage` (whitened), `returns`."""

    name = "ppo"

    def __init__(self, config: PpoConfig, temperature: float):
        self.config, self.temperature = config, temperature
        self.limits = {"kl_round": config.kl_stop} if config.kl_stop else {}

    def __call__(self, model: Model, batch: Batch, sources: int) -> BatchLoss:
        """Of an `Objective`."""
        config, extra = self.config, batch.extra
        mask_BT = batch.targets_BT >= 0
        critic = critic_of(model)
        read, judged = Forward(model, batch), Forward(critic.trunk, batch)
        log_p_BT = target_log_probabilities(model, batch, self.temperature, read.hidden_BTE)
        loss_BT, held_BT = clipped_loss(log_p_BT, extra["old"], extra["advantage"], low=config.clip, high=config.clip)
        value_BT = critic.values(judged.hidden_BTE)
        value_loss_BT, value_held_BT = clipped_value_loss(
            value_BT, extra["old_value"], extra["returns"], config.value_clip
        )
        metrics = ratio_metrics(log_p_BT, extra["old"], held_BT, mask_BT) | {
            "policy_loss": of_tokens(loss_BT, mask_BT),
            "value_loss": of_tokens(value_loss_BT, mask_BT),
            "value_clipped": of_tokens(value_held_BT, mask_BT),
        }
        both_BT = torch.where(mask_BT, loss_BT + config.value_weight * value_loss_BT, 0.0)
        tokens_B = mask_BT.float().sum(1)
        loss = judged.charged(read.charged(both_BT.sum(), tokens_B), tokens_B)
        both_LX = None
        if read.assigned_LX is not None and judged.assigned_LX is not None:
            both_LX = torch.cat((read.assigned_LX, judged.assigned_LX))
        return summed(loss, tokens_B.sum(), batch, sources, metrics, both_LX)
