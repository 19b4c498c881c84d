"""On-policy distillation: a student writes, and learns at every token of its own what a teacher would have said there
(Agarwal et al. 2024).

Letters: S scored tokens of a batch.
"""

from dataclasses import dataclass

import torch

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.policies.divergence import DIRECTIONS, divergences
from gristmill.trainer.objectives.policies.policy import Policy, summed
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.objectives.token_loss import Forward


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """Of `train distill`."""

    direction: str = "reverse"
    """reverse: KL(student || teacher); forward: KL(teacher || student)."""
    temperature: float = 1.0
    """Of both distributions."""
    top_k: int = 0
    """Compare only the teacher's likeliest tokens; 0: all."""

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise ConfigError(
                f"direction = {self.direction!r} is not a choice",
                where="option distill.direction",
                fix=f"one of: {', '.join(DIRECTIONS)}",
            )
        if self.temperature <= 0 or self.top_k < 0 or self.top_k == 1:
            raise ConfigError(
                "the temperature or top_k makes no sense",
                where="options distill.temperature, distill.top_k",
                fix="temperature above 0; top_k 0 (all) or at least 2",
            )


class Distill(Policy):
    """The mean divergence of the student from its teacher, exactly, over what the student wrote. What it wrote is taken
    as given: the gradient does not ask how likely it was."""

    name = "distill"

    def __init__(self, config: DistillConfig, teacher: Model):
        """`teacher`: of the same vocabulary; it is frozen here."""
        self.config, self.teacher = config, teacher.eval().requires_grad_(False)

    def __call__(self, model: Model, batch: Batch, sources: int) -> BatchLoss:
        """Of an `Objective`."""
        index_S = (batch.targets_BT >= 0).flatten().nonzero()[:, 0]
        with torch.no_grad():
            theirs_SF = self.teacher.before_output(self.teacher(batch.tokens).flatten(0, 1)[index_S])
        read = Forward(model, batch)
        ours_SE = model.before_output(read.hidden_BTE.flatten(0, 1)[index_S])
        found_S = divergences(
            ours_SE,
            model.output_weight(),
            theirs_SF,
            self.teacher.output_weight(),
            vocabulary=model.config.vocabulary,
            direction=self.config.direction,
            temperature=self.config.temperature,
            most=self.config.top_k,
        )
        scored = torch.tensor(float(len(index_S)), device=found_S.device)
        loss = read.charged(found_S.sum(), (batch.targets_BT >= 0).float().sum(1))
        metrics = {"divergence": torch.stack((found_S.detach().sum(), scored))}
        return summed(loss, scored, batch, sources, metrics, read.assigned_LX)
