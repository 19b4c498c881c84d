"""GRPO: what a policy wrote becomes likelier or less likely by how it compares with its group (Shao et al. 2024), as
Dr. GRPO and DAPO mended it.

Letters: B rows (one answer each), T tokens of a row, N = B * T.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.policies.losses import AGGREGATIONS, clipped_loss, k2, k3, token_weights
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.objectives.token_loss import Forward, target_log_probabilities


@dataclass(frozen=True, kw_only=True)
class GrpoConfig:
    """Of `train grpo`."""

    low: float = 0.2
    """A token's ratio to the policy that sampled may fall to 1 - low."""
    high: float = 0.28
    """It may rise to 1 + high (DAPO's clip-higher)."""
    scaled: bool = False
    """Divide advantages by the deviation of their group (GRPO); Dr. GRPO does not."""
    aggregation: str = "dapo"
    """What losses of tokens are divided by: dapo (tokens of the step), grpo (tokens of the answer, then answers) or
    dr_grpo (answers x rollouts.tokens)."""
    beta: float = 0.0
    """Weight of the KL divergence from the model that the training began with, as k2 in the loss; 0: none is kept."""
    kl_stop: float = 0.0
    """Leave out an update where the policy has moved further than this since its round began: `kl_round`, nats for each
    token, over all of the step; 0: never. 0.02 is usual."""

    def __post_init__(self) -> None:
        if self.aggregation not in AGGREGATIONS:
            raise ConfigError(
                f"aggregation = {self.aggregation!r} is not a choice",
                where="option grpo.aggregation",
                fix=f"one of: {', '.join(AGGREGATIONS)}",
            )
        if not (0 < self.low < 1 and self.high > 0 and self.beta >= 0 and self.kl_stop >= 0):
            raise ConfigError(
                "the clip, the weight of the divergence or its limit makes no sense",
                where="options grpo.low, grpo.high, grpo.beta, grpo.kl_stop",
                fix="0 < low < 1, high > 0, beta >= 0, kl_stop >= 0",
            )


class Policy:
    """What the objectives of policies share: they read answers, one to a row, and fill no rows of a corpus."""

    bits_per_byte, mask, encodes, scored = False, "causal", False, "tokens"
    limits: Mapping[str, float] = MappingProxyType({})


class Grpo(Policy):
    """The clipped objective. A batch's `extra` holds, by tokens of its answers: `old` (log-probabilities when the round
    began), `advantage`, and with beta > 0 `reference`."""

    name = "grpo"

    def __init__(self, config: GrpoConfig, temperature: float, longest: int):
        """`longest`: most tokens of an answer."""
        self.config, self.temperature, self.longest = config, temperature, longest
        self.limits = {"kl_round": config.kl_stop} if config.kl_stop else {}

    def __call__(self, model: Model, batch: Batch, sources: int) -> BatchLoss:
        """Of an `Objective`."""
        read = Forward(model, batch)
        log_p_BT = target_log_probabilities(model, batch, self.temperature, read.hidden_BTE)
        mask_BT, extra = batch.targets_BT >= 0, batch.extra
        loss_BT, held_BT = clipped_loss(
            log_p_BT, extra["old"], extra["advantage"], low=self.config.low, high=self.config.high
        )
        metrics = ratio_metrics(log_p_BT, extra["old"], held_BT, mask_BT)
        if self.config.beta:
            loss_BT = loss_BT + self.config.beta * k2(log_p_BT, extra["reference"])
            metrics["kl"] = of_tokens(k3(log_p_BT, extra["reference"]), mask_BT)
        weights_BT, divisor = token_weights(mask_BT, self.config.aggregation, self.longest)
        loss = read.charged((loss_BT * weights_BT).sum(), weights_BT.sum(1))
        return summed(loss, divisor, batch, sources, metrics, read.assigned_LX)


def of_tokens(values_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """float32 (2,): their sum over the mask, and how many; a step's metric is the ratio over all its batches."""
    mask_BT = mask_BT.float()
    return torch.stack(((values_BT.detach().float() * mask_BT).sum(), mask_BT.sum()))


def ratio_metrics(log_p_BT: Tensor, old_BT: Tensor, held_BT: Tensor, mask_BT: Tensor) -> dict[str, Tensor]:
    """How far the policy has moved since its round began, and on how many tokens the clip holds it."""
    return {"kl_round": of_tokens(k3(log_p_BT, old_BT), mask_BT), "clipped": of_tokens(held_BT, mask_BT)}


def summed(
    loss: Tensor,
    divisor: Tensor,
    batch: Batch,
    sources: int,
    metrics: dict[str, Tensor],
    assigned_LX: Tensor | None = None,
) -> BatchLoss:
    """As the loop wants it; what answers were asked from is one source."""
    by_source_2Q = torch.zeros(2, sources, device=loss.device)
    by_source_2Q[0, 0], by_source_2Q[1, 0] = loss.detach(), divisor
    by_segment_2BD = torch.zeros(2, len(batch.targets_BT), 0, device=loss.device)
    return BatchLoss(loss, divisor, by_source_2Q, by_segment_2BD, metrics, assigned_LX)
