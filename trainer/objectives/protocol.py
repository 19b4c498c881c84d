"""The one contract of an objective: rows in, a summed loss out. A new objective is a file beside this one.

Letters: B rows, Q sources, D most segments of a row, L layers with experts, X experts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from gristmill.trainer.data.batch import Batch, Collator
from gristmill.trainer.model.transformer import Model


@dataclass
class BatchLoss:
    """What a batch adds to a step, all on the device: no objective waits for a number."""

    loss: Tensor
    """Sum of the losses of what is scored, with a gradient."""
    weight: Tensor
    """float32 scalar: what the loss of the whole step is divided by, summed over its batches and all ranks; here the
    scored tokens. 0: nothing is scored."""
    by_source_2Q: Tensor
    """float32: row 0 sums of losses, row 1 scored tokens, by source."""
    by_segment_2BD: Tensor
    """The same by segment of each row; D: the most that a row has."""
    metrics: dict[str, Tensor] = field(default_factory=dict)
    """For metrics.jsonl: (2,) a sum and its count, whose ratio is taken over all batches and ranks."""
    assigned_LX: Tensor | None = None
    """float32: tokens that each expert of each layer was given; None: no experts."""


class Learns(Protocol):
    """What is trained: called with a batch, it gives that batch's loss."""

    name: str
    bits_per_byte: bool
    """Whether its loss is that of the text itself, so that bits per byte mean something."""

    scored: str
    """What a loss is counted by, in the plural: tokens, pairs."""
    limits: Mapping[str, float]
    """Metric -> the most that it may be over a whole step: beyond it the step changes nothing."""
    mask: str
    """The `mask` of the model that learns it."""
    encodes: bool
    """Whether the model has an encoder of its own."""

    def __call__(self, model: Model, batch: Batch, sources: int) -> BatchLoss:
        """The losses of a batch."""


class Objective(Collator, Learns, Protocol):
    """What is learnt from the rows of a corpus. As a `Collator` it fills them on the host."""

    head: str
    """The `head` that the model must have; "": any."""
    reads: tuple[str, ...]
    """Kinds of token shards that it learns from: tokenizer/shards/index.py."""

    def attach(self, model: Model, frozen: Callable[[], Model]) -> None:
        """Before the optimisers are made. `frozen`: makes a copy of the model that the training began with, which is
        never trained; the objective keeps it."""

    def figures(self, sums: dict[str, tuple[float, float]]) -> dict[str, float]:
        """What an evaluation tells, from the sums and counts that `BatchLoss.metrics` gave over all of its rows."""
