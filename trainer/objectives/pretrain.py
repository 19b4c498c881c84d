# ruff: noqa: N815 (shape-suffixed names)
"""Pretraining objectives. Each fills rows (on the host) and turns a batch into a loss (on the device).

Letters: B rows, T tokens, N = B * T, Q sources, P segments.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from trainer.corpus import Piece
from trainer.cross_entropy import lm_loss
from trainer.data import Assembly, Batch
from trainer.model import Model


@dataclass
class Measured:
    """What a batch adds to a step, all on the device: no objective waits for a number."""

    loss: Tensor
    """Sum of the losses of the scored tokens, with a gradient."""
    by_source_2Q: Tensor
    """float32: row 0 sums of losses, row 1 scored tokens, by source."""


class Objective(Assembly, Protocol):
    """An objective: what the loop asks of it beside `Assembly`."""

    name: str
    bits_per_byte: bool
    """Whether its loss is that of the text itself, so that bits per byte mean something."""

    def count(self, length_P: np.ndarray, ends_P: np.ndarray) -> np.ndarray:
        """Scored tokens of segments of these lengths, from the plan alone: int64 (P,)."""

    def __call__(self, model: Model, batch: Batch, sources: int) -> Measured:
        """The losses of a batch."""


def measure(model: Model, hidden_BTE: Tensor, batch: Batch, sources: int) -> Measured:
    """Cross-entropy of a batch's targets, summed, and by source."""
    hidden_NE = model.before_output(hidden_BTE.flatten(0, 1))
    targets_N, sources_N = batch.targets_BT.flatten(), batch.sources_BT.flatten()
    loss, losses_N = lm_loss(
        hidden_NE, model.output_weight(), targets_N, vocabulary=model.config.vocabulary, bias_V=model.head_bias
    )
    by_source_2Q = torch.zeros(2, sources, device=loss.device)
    by_source_2Q.index_add_(1, sources_N, torch.stack((losses_N, (targets_N >= 0).float())))
    return Measured(loss, by_source_2Q)


class Causal:
    """Predict the next token. The last token of a cut piece predicts the token after the cut; a document's last,
    nothing."""

    name = "causal"
    bits_per_byte = True

    def fields(self, length: int) -> dict[str, int]:
        """Of an `Assembly`."""
        return dict.fromkeys(("ids", "targets", "positions", "documents", "sources"), length)

    def count(self, length_P: np.ndarray, ends_P: np.ndarray) -> np.ndarray:
        """A target per token, less one where the document ends."""
        return length_P - ends_P

    def fill(self, row: dict[str, np.ndarray], pieces: list[Piece], generator: np.random.Generator) -> None:
        """Of an `Assembly`; nothing is drawn."""
        end = lay_out(row, pieces)
        row["targets"][: end - 1] = row["ids"][1:end]
        start = 0
        for piece in pieces:
            start += len(piece.tokens)
            row["targets"][start - 1] = piece.following
        row["targets"][end:] = -1

    def __call__(self, model: Model, batch: Batch, sources: int) -> Measured:
        """Of an `Objective`."""
        return measure(model, model(batch.tokens), batch, sources)


def lay_out(row: dict[str, np.ndarray], pieces: list[Piece], pad: int = 0) -> int:
    """Writes ids, positions (from 0 in every piece), documents and sources of a row; its number of tokens. The rest of
    the row becomes padding: id `pad`, document -1."""
    end = 0
    for number, piece in enumerate(pieces):
        start, end = end, end + len(piece.tokens)
        row["ids"][start:end] = piece.tokens
        row["positions"][start:end] = np.arange(end - start)
        row["documents"][start:end] = number
        row["sources"][start:end] = piece.source
    row["ids"][end:], row["positions"][end:], row["documents"][end:], row["sources"][end:] = pad, 0, -1, 0
    return end


OBJECTIVES: dict[str, type[Objective]] = {"causal": Causal}
