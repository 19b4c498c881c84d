"""Direct preference optimisation: a policy learns from pairs, without a reward model of its own.

Letters: B rows, T tokens, D most pairs of a row, 2 the better and the worse conversation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.pairs.pairwise import Pairwise, of_pairs, pair_loss, summed_by_conversation, there
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.objectives.token_loss import Forward, target_log_probabilities

LOSSES = ("sigmoid", "ipo")


@dataclass(frozen=True, kw_only=True)
class DpoConfig:
    """Of `train dpo`."""

    loss: str = "sigmoid"
    """sigmoid (Rafailov et al. 2023) of sums over the answer's tokens, or ipo (Azar et al. 2023) of their means."""
    beta: float = 0.1
    """How much the policy is held to the model that it began with: larger, closer."""
    smoothing: float = 0.0
    """sigmoid: share of the pairs that are taken to be the wrong way round (Mitchell 2023, conservative DPO)."""
    nll: float = 0.0
    """Weight of the better answer's cross-entropy for each of its tokens (Pang et al. 2024, eq. 1)."""

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ConfigError(
                f"loss = {self.loss!r} is not a choice", where="option dpo.loss", fix=f"one of: {', '.join(LOSSES)}"
            )
        if not (self.beta > 0 and 0 <= self.smoothing < 0.5 and self.nll >= 0):
            raise ConfigError(
                "an option of DPO makes no sense",
                where="options dpo.beta, dpo.smoothing, dpo.nll",
                fix="beta > 0, 0 <= smoothing < 0.5, nll >= 0",
            )


class Preference(Pairwise):
    """The policy's log-ratios to a frozen copy of the model that it began with, of the better against the worse."""

    name = "dpo"

    def __init__(self, vocabulary: int, config: DpoConfig):
        super().__init__(vocabulary)
        self.config = config
        self.reference: Model | None = None

    def attach(self, model: Model, frozen: Callable[[], Model]) -> None:
        """Of an `Objective`: the reference."""
        self.reference = frozen()

    def __call__(self, model: Model, batch: Batch, sources: int) -> BatchLoss:
        """Of an `Objective`."""
        assert self.reference is not None, "the reference is attached before the first batch"
        read = Forward(model, batch)
        log_p_BD2 = summed_by_conversation(target_log_probabilities(model, batch, hidden_BTE=read.hidden_BTE), batch)
        with torch.no_grad():
            held_BD2 = summed_by_conversation(target_log_probabilities(self.reference, batch), batch)
        tokens_BD2 = summed_by_conversation((batch.targets_BT >= 0), batch).clamp(min=1)
        loss_BD = preference_loss(log_p_BD2, held_BD2, tokens_BD2, self.config)
        there_BD = there(batch)
        reward_BD2 = self.config.beta * (log_p_BD2 - held_BD2).detach()
        difference_BD = reward_BD2[..., 0] - reward_BD2[..., 1]
        figures = {
            "accuracy": of_pairs((difference_BD > 0).float(), there_BD),
            "reward_margin": of_pairs(difference_BD, there_BD),
            "reward_chosen": of_pairs(reward_BD2[..., 0], there_BD),
            "reward_rejected": of_pairs(reward_BD2[..., 1], there_BD),
            "log_p_chosen": of_pairs(log_p_BD2[..., 0], there_BD),
            "log_p_rejected": of_pairs(log_p_BD2[..., 1], there_BD),
        }
        return pair_loss(loss_BD, there_BD, batch, sources, figures, read)


def preference_loss(log_p_BD2: Tensor, held_BD2: Tensor, tokens_BD2: Tensor, config: DpoConfig) -> Tensor:
    """float32 (B, D), from the log-probabilities of the answers under the policy and the reference, summed over their
    tokens, and how many these are."""
    ratio_BD2 = log_p_BD2 - held_BD2
    if config.loss == "ipo":
        better_BD, worse_BD = (ratio_BD2 / tokens_BD2).unbind(-1)
        loss_BD = (better_BD - worse_BD - 1 / (2 * config.beta)).square()
    else:
        difference_BD = config.beta * (ratio_BD2[..., 0] - ratio_BD2[..., 1])
        loss_BD = -(1 - config.smoothing) * F.logsigmoid(difference_BD)
        loss_BD = loss_BD - config.smoothing * F.logsigmoid(-difference_BD)
    if config.nll:
        loss_BD = loss_BD - config.nll * log_p_BD2[..., 0] / tokens_BD2[..., 0]
    return loss_BD
