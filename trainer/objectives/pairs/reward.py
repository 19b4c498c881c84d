"""A reward model: what a conversation is worth, learnt from which of two is better.

Letters: B rows, T tokens, D most pairs of a row.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.pairs.pairwise import (
    Pairwise,
    last_of_conversation,
    margins,
    of_pairs,
    pair_loss,
    summed_by_conversation,
    there,
)
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.objectives.token_loss import Forward

BINS = 5
"""Of the calibration, over the probability of the likelier answer: .5 to 1."""


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """Of `train reward`."""

    centre: float = 0.01
    """Weight of the squared sum of a pair's rewards, which keeps them around 0 (Eisenstein et al. 2023, 2.1)."""
    centre_rows: int = 256
    """Rows of the training data over which the mean is taken that a saved model subtracts."""

    def __post_init__(self) -> None:
        if not self.centre >= 0 or self.centre_rows < 1:
            raise ConfigError(
                "an option of the reward model makes no sense", where="options reward.*",
                fix="centre >= 0, centre_rows >= 1",
            )  # fmt: skip


class RewardModel(Pairwise):
    """-log sigmoid(better - worse - margin) (Bradley and Terry 1952; the margin: Touvron et al. 2023, 3.2.2), and
    centre * (better + worse)^2. The reward is read at the last token of a conversation, its EOS."""

    name, head = "reward", "score"

    def __init__(self, vocabulary: int, config: RewardConfig):
        super().__init__(vocabulary)
        self.config = config

    def __call__(self, model: Model, batch: Batch, sources: int) -> BatchLoss:
        """Of an `Objective`."""
        read = Forward(model, batch)
        scores_BT = model.scores(read.hidden_BTE) * last_of_conversation(batch)
        better_BD, worse_BD = summed_by_conversation(scores_BT, batch).unbind(-1)
        there_BD = there(batch)
        loss_BD = -F.logsigmoid(better_BD - worse_BD - margins(batch))
        loss_BD = loss_BD + self.config.centre * (better_BD + worse_BD).square()
        figures = pair_figures(better_BD - worse_BD, there_BD)
        figures["score"] = of_pairs((better_BD + worse_BD) / 2, there_BD)
        return pair_loss(loss_BD, there_BD, batch, sources, figures, read)

    def figures(self, sums: dict[str, tuple[float, float]]) -> dict[str, float]:
        """Of a `Learns`: accuracy, Brier score, and the expected calibration error of the pairs."""
        told = {name: value for name, value in sums.items() if not name.startswith("calibration")}
        bins = [(sums[f"calibration/{k}"], sums[f"calibration/{k}/said"]) for k in range(BINS)]
        pairs = sum(count for (_, count), _ in bins)
        error = sum(abs(right - said) for (right, _), (said, _) in bins) / max(1.0, pairs)
        found = super().figures(told) | {"val_calibration_error": error}
        for k, ((right, count), _) in enumerate(bins):
            if count:
                found[f"val_right_at_{0.5 + k / 2 / BINS:.1f}"] = right / count
        return found


def pair_figures(difference_BD: Tensor, there_BD: Tensor) -> dict[str, Tensor]:
    """Of pairs by the difference of their rewards: how many are ordered rightly, and how much the probabilities that
    the model gives are worth."""
    p_BD = difference_BD.detach().sigmoid()
    right_BD = (difference_BD > 0).float()
    figures = {"accuracy": of_pairs(right_BD, there_BD), "brier": of_pairs((1 - p_BD).square(), there_BD)}
    likelier_BD = torch.maximum(p_BD, 1 - p_BD)
    bin_BD = ((likelier_BD - 0.5) * 2 * BINS).long().clamp(max=BINS - 1)
    for k in range(BINS):
        mine_BD = there_BD * (bin_BD == k)
        figures[f"calibration/{k}"] = of_pairs(right_BD, mine_BD)
        figures[f"calibration/{k}/said"] = of_pairs(likelier_BD, mine_BD)
    return figures
