"""What stands between gradients and weights: clipping, and a step that is not finite or spikes is skipped, without
asking the host.

Letters: 2 loss and gradient norm, H steps remembered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gristmill.trainer.errors import ConfigError, DivergedError
from gristmill.trainer.optim.optimizers import Optimizers

RECENT = "guard/recent"


@dataclass(frozen=True, kw_only=True)
class GuardConfig:
    """What a spike is and what is done about it."""

    spikes: str = "skip"
    """skip (leave the weights as they were), rollback (also go back to the last checkpoint, with the data that follow
    the spike) or off. What is not finite is never applied."""
    sigma: float = 6.0
    """A spike: loss or gradient norm this many standard deviations above the mean of the window (OLMo-core's
    SkipStepOptimizer)."""
    window: int = 128
    """Steps remembered; nothing is a spike before half of them are there (OLMo-core)."""
    rollbacks: int = 3
    """Most times to go back; the next spike ends the run."""

    def __post_init__(self) -> None:
        if self.spikes not in ("skip", "rollback", "off"):
            raise ConfigError(
                f"spikes = {self.spikes!r} is not a choice",
                where="option guard.spikes",
                fix="one of: skip, rollback, off",
            )
        if self.window < 4 or self.sigma <= 0:
            raise ConfigError(
                "the guard needs a window of 4 steps or more and sigma above 0",
                where="options guard.window, guard.sigma",
                fix="the defaults are 128 and 6",
            )


@dataclass
class StepResult:
    """What became of a step; tensors are float32 scalars on the device."""

    grad_norm: Tensor
    skipped: Tensor
    """1 for a step that was bad; one without a target changes nothing either, but nothing is wrong with it."""
    lr: float


class Guard:
    """Clips, then steps, or leaves the weights as they were. `check` names the first bad step, when the host asks."""

    def __init__(
        self,
        optimizers: Optimizers,
        device: torch.device,
        config: GuardConfig,
        others: Mapping[str, Tensor] | None = None,
    ):
        """`others`: what else a training remembers between steps, by name: it is saved and restored in place."""
        self.optimizers, self.config, self.others = optimizers, config, dict(others or {})
        self.first_bad = torch.full((), -1.0, device=device)
        self.recent_2H = torch.full((2, config.window), torch.nan, device=device)
        """The last losses and gradient norms, spikes too, so that a lasting change becomes normal; NaN: none yet."""

    def step(self, step: int, loss: Tensor, weight: Tensor) -> StepResult:
        """Updates the weights by the summed gradients over `weight` (float32 scalars on the device), unless nothing was
        scored (weight 0), `loss` or the gradient's norm is not finite, or one of them is a spike."""
        norm = self.optimizers.clip(weight)
        now_2 = torch.stack((loss.float(), norm.float()))
        finite = torch.isfinite(now_2).all()
        empty = weight == 0
        skip = ~finite | (self._spikes(now_2) & ~empty)
        self.recent_2H[:, step % self.config.window] = torch.where(finite & ~empty, now_2, torch.nan)
        self.first_bad = torch.where(~finite & (self.first_bad < 0), float(step), self.first_bad)
        return StepResult(norm, skip.float(), self.optimizers.step(step, (skip | empty).float()))

    def _spikes(self, now_2: Tensor) -> Tensor:
        """Bool scalar on the device."""
        if self.config.spikes == "off":
            return torch.zeros((), dtype=torch.bool, device=now_2.device)
        known_2H = torch.isfinite(self.recent_2H)
        count_2 = known_2H.sum(1)
        mean_2 = torch.where(known_2H, self.recent_2H, 0.0).sum(1) / count_2.clamp(min=1)
        away_2H = torch.where(known_2H, self.recent_2H - mean_2[:, None], 0.0)
        deviation_2 = (away_2H.square().sum(1) / (count_2 - 1).clamp(min=1)).sqrt()
        above_2 = now_2 - mean_2 > self.config.sigma * deviation_2
        return (above_2 & (count_2 >= self.config.window // 2)).any()

    def check(self) -> None:
        """Waits for the device. Raises DivergedError that names the first step whose loss or gradient was not
        finite."""
        bad = int(self.first_bad.item())
        if bad >= 0:
            raise DivergedError(
                "the loss or the gradient is not a finite number",
                where=f"step {bad + 1}; the weights are those before it",
                fix="continue from the last checkpoint with a smaller learning rate: "
                "--resume --set optim.lr=... --set optim.muon_lr=...; its documents are in forensics/",
            )

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) of what the guard, the optimisers and others remember."""
        yield from self.optimizers.tensors()
        yield RECENT, self.recent_2H
        yield from self.others.items()

    def restorable(self, found: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
        """The tensors to read into, of those that `tensors` gave when it was saved (name -> shape)."""
        self.first_bad.fill_(-1.0)
        self.optimizers.make_state(found)
        tensors = dict(self.tensors())
        for name in (RECENT, *self.others):
            if found.get(name) != tuple(tensors[name].shape):
                del tensors[name]  # a window of another size begins anew, and so does what older checkpoints lack
        return tensors
