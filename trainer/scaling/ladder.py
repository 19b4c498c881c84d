"""A ladder of small trainings, and the large one that it is to predict."""

import math
from dataclasses import dataclass, replace

from gristmill.trainer.config import TrainConfig
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.loop.build import complete
from gristmill.trainer.loop.inputs import TrainingData
from gristmill.trainer.loop.reports.speed import flops_per_token
from gristmill.trainer.model.transformer import Model, parameter_counts

HEAD_WIDTH = 32
LEAST_STEPS = 20


@dataclass(frozen=True)
class Rung:
    """A model and how long it is trained."""

    width: int
    layers: int
    parameters: int
    """PaLM's N: `parameter_counts()["matrix"]`."""
    steps: int
    tokens: int
    """Read, over all steps."""
    flops: float

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.width}x{self.layers}-{self.steps}"


@dataclass(frozen=True)
class Ladder:
    """What is trained: every size for every number of tokens per parameter; then the target."""

    rungs: list[Rung]
    target: Rung


def plan(
    base: TrainConfig, data: TrainingData, sizes: list[tuple[int, int]], ratios: list[float], target: tuple[int, int],
    factor: float,
) -> Ladder:  # fmt: skip
    """The runs. The target gets `factor` times the compute of the largest rung. Raises ConfigError where the fit would
    have too few runs."""
    if len(sizes) < 2 or len(ratios) < 2 or len(sizes) * len(ratios) < 6:
        raise ConfigError(
            f"{len(sizes)} sizes x {len(ratios)} ratios are too few to fit five numbers",
            where="options --sizes, --ratios",
            fix="give at least 2 of each, and 6 runs in all",
        )
    rungs = [_rung(base, data, size, ratio=ratio) for size in sizes for ratio in ratios]
    most = max(rung.flops for rung in rungs)
    return Ladder(rungs, _rung(base, data, target, flops=factor * most))


def _rung(
    base: TrainConfig, data: TrainingData, size: tuple[int, int], *, ratio: float = 0.0, flops: float = 0.0
) -> Rung:
    """A size trained on `ratio` tokens per parameter, or with this much compute."""
    config = complete(sized(base, size), data)
    N = parameter_counts(Model(config.model))["matrix"]
    per_step = base.data.step_rows(data.train.sequence_length) * data.train.sequence_length
    per_token = flops_per_token(config.model, N, data.train.sequence_length)
    tokens = flops / per_token if flops else ratio * N
    steps = max(LEAST_STEPS, math.ceil(tokens / per_step * (1 + 1e-9)))  # rounding must not make it less
    return Rung(size[0], size[1], N, steps, steps * per_step, per_token * steps * per_step)


def sized(base: TrainConfig, size: tuple[int, int]) -> TrainConfig:
    """The configuration at another (width, layers), with heads of 32."""
    width, layers = size
    heads = max(1, width // HEAD_WIDTH)
    model = replace(base.model, width=width, layers=layers, heads=heads, kv_heads=0, head_width=0, hidden=0)
    return replace(base, model=model)
