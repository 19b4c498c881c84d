"""What stands between gradients and weights: clipping, and a step that is not finite is skipped without asking the
host."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.errors import DivergedError
from trainer.optim import Optimizers


@dataclass
class Taken:
    """A step as the guard left it; tensors are float32 scalars on the device."""

    grad_norm: Tensor
    skipped: Tensor
    lr: float


class Guard:
    """Clips, then steps, or leaves the weights as they were. `check` names the first bad step, when the host asks."""

    def __init__(self, optimizers: Optimizers, device: torch.device):
        self.optimizers = optimizers
        self.first_bad = torch.full((), -1.0, device=device)

    def step(self, step: int, loss: Tensor) -> Taken:
        """Updates the weights unless `loss` or the gradient's norm is not finite."""
        norm = self.optimizers.clip()
        skip = 1.0 - (torch.isfinite(loss) & torch.isfinite(norm)).float()
        self.first_bad = torch.where((skip > 0) & (self.first_bad < 0), float(step), self.first_bad)
        return Taken(norm, skip, self.optimizers.step(step, skip))

    def check(self) -> None:
        """Waits for the device. Raises DivergedError that names the first step whose loss or gradient was not
        finite."""
        bad = int(self.first_bad.item())
        if bad >= 0:
            raise DivergedError(
                "the loss or the gradient is not a finite number",
                where=f"step {bad + 1}; the weights are those before it",
                fix="continue from the last checkpoint with a smaller learning rate: "
                "--resume --set optim.lr=... --set optim.muon_lr=...",
            )
