"""What a training learns and from what: the parts that differ between pretraining and the stages after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gristmill.trainer.data.protocol import Batches, Order
from gristmill.trainer.data.sampler import DataState
from gristmill.trainer.evaluate.validation import Evaluation
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.protocol import Learns


@dataclass(frozen=True)
class Stage:
    """Made once, in `build.py` or beside it."""

    objective: Learns
    order: Order
    read_from: Callable[[DataState], Batches]
    sources: list[str]
    evaluate: Callable[[Model], Evaluation] | None
    steps: int = 1
    """A training may end only after a multiple of so many: what came before can be made again."""
    facts: Callable[[Model], dict[str, Any]] | None = None
    """What a checkpoint is to say of its model, found when it is saved; all ranks must call it."""
