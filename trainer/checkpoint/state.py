"""Where a training stands."""

import math
from dataclasses import dataclass, field, replace

from gristmill.trainer.data.sampler import DataState, Rows


@dataclass(frozen=True)
class TrainState:
    """Where a training stands: what it needs to go on, beside weights, optimisers and generators."""

    step: int = 0
    """Steps done."""
    tokens: int = 0
    """Of the rows read, without padding."""
    data: DataState = field(default_factory=DataState)
    best: float = math.inf
    """Smallest validation loss so far."""
    worse: int = 0
    """Evaluations since then."""

    def after(self, rows: Rows) -> "TrainState":
        """One step later."""
        return replace(self, step=self.step + 1, tokens=self.tokens + rows.tokens, data=rows.after)

    def with_evaluation(self, loss: float) -> "TrainState":
        """After an evaluation; a loss that is not a number is not better."""
        better = loss < self.best
        return replace(self, best=loss if better else self.best, worse=0 if better else self.worse + 1)

    def stale(self, patience: int) -> bool:
        """Whether the validation loss has not fallen for so many evaluations; 0: never."""
        return 0 < patience <= self.worse
