"""The learning rate over the steps."""

import math

from gristmill.trainer.optim.config import OptimConfig


def learning_rate_factor(config: OptimConfig, step: int, steps: int) -> float:
    """Share of the peak learning rate at `step` of `steps`: linear warm-up, then cosine or stable-and-linear-decay."""
    warmup = max(1, round(config.warmup * steps))
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "cosine":
        done = (step - warmup) / max(1, steps - warmup)
        return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    decay = max(1, round(config.decay * steps))
    left = min(1.0, (steps - step) / decay)
    return config.final + (1 - config.final) * left
