"""The learning rate over the steps."""

import math

from gristmill.trainer.optim.config import OptimConfig

LEAST_MOMENTUM = 0.85
"""Where a momentum that warms up begins (modded-nanogpt)."""


def muon_momentum(config: OptimConfig, step: int) -> float:
    """Muon's momentum at `step`."""
    done = min(1.0, step / config.muon_momentum_warmup) if config.muon_momentum_warmup else 1.0
    return LEAST_MOMENTUM + (config.muon_momentum - LEAST_MOMENTUM) * done if done < 1 else config.muon_momentum


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
