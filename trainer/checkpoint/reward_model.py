"""A checkpoint of `train reward` as what judges answers, and two of them as one: helpful and safe (Llama 2, 3.2.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.scoring import score
from gristmill.trainer.model.transformer import Model

SAFE = 0.15
"""Below this probability of being the better answer, safety decides (Touvron et al. 2023, 3.2.4)."""


@dataclass
class Judge:
    """Rewards of conversations."""

    model: Model
    mean: float
    """Of the data that it was trained on: what is subtracted."""
    tokenizer: str
    """Its sha256."""

    @classmethod
    def open(cls, path: Path, device: torch.device) -> "Judge":
        """Of a checkpoint, or of a training's last. Raises InputError, and ConfigError where it is no reward model."""
        opened = Checkpoint.open(path)
        if opened.config.model.head != "score":
            raise ConfigError(
                f"the checkpoint is no reward model, its objective is {opened.config.objective}",
                where=str(opened.path),
                fix="name a checkpoint of `train reward`",
            )
        model = opened.load_model(device).eval().requires_grad_(False)
        return cls(model, float(opened.facts.get("score_mean") or 0.0), opened.origin.tokenizer)

    def __call__(self, conversations: Sequence[Sequence[int]], rows_at_once: int = 64) -> list[float]:
        """The reward of each conversation, given as its ids; of the training data's 0 on average."""
        return [value - self.mean for value in score(self.model, conversations, rows_at_once)]


def helpful_and_safe(helpful: Sequence[float], safe: Sequence[float], tagged: Sequence[bool]) -> list[float]:
    """Two rewards of each answer as one: that of safety where the prompt is tagged as one about safety, or where
    sigmoid(safe) < 0.15; else that of helpfulness. Then whitened over these answers (Touvron et al. 2023, 3.2.4).

    Rewards are logits, so their logit(sigmoid) is themselves. Answers that are all equal get 0.
    """
    helpful_N, safe_N = torch.tensor(helpful, dtype=torch.float64), torch.tensor(safe, dtype=torch.float64)
    chosen_N = torch.where(torch.tensor(tagged) | (safe_N.sigmoid() < SAFE), safe_N, helpful_N)
    deviation = chosen_N.std(correction=0)
    white_N = (chosen_N - chosen_N.mean()) / deviation if deviation > 0 else torch.zeros_like(chosen_N)
    return white_N.tolist()
