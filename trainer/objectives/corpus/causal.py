"""Causal language modelling: predict the next token.

Letters: P segments.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from gristmill.trainer.data.batch import Batch, Chance
from gristmill.trainer.data.corpus import Segments
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.corpus.rows import fill_rows
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.objectives.token_loss import token_loss


class CausalLM:
    """Predict the next token. The last token of a cut segment predicts the token after the cut; a document's last,
    nothing."""

    name, bits_per_byte, mask, encodes = "causal", True, "causal", False
    head, scored = "", "tokens"
    limits: Mapping[str, float] = MappingProxyType({})
    reads: tuple[str, ...] = ("text", "chat")
    documents_per_segment = 1

    def __init__(self, vocabulary: int = 0):
        self.vocabulary = vocabulary

    def fields(self, length: int) -> dict[str, int]:
        """Of a `Collator`."""
        return dict.fromkeys(("ids", "targets", "positions", "documents", "sources"), length)

    def fill(self, rows: dict[str, np.ndarray], segments: Segments, chance: Chance) -> None:
        """Of a `Collator`; nothing is random."""
        fill_rows(rows, segments)

    def attach(self, model: Model, frozen: Callable[[], Model]) -> None:
        """Of an `Objective`: nothing is added."""

    def figures(self, sums: dict[str, tuple[float, float]]) -> dict[str, float]:
        """Of an `Objective`: the ratios."""
        return {f"val_{name}": total / max(1.0, count) for name, (total, count) in sums.items()}

    def __call__(self, model: Model, batch: Batch, sources: int) -> BatchLoss:
        """Of an `Objective`."""
        return token_loss(model, batch, sources)
