"""What objectives of preference share: a segment is a pair, a better and a worse conversation, one after the other;
they do not see each other.

Letters: B rows, T tokens, D most pairs of a row, P segments.
"""

import numpy as np
import torch
from torch import Tensor

from gristmill.trainer.data.batch import Batch, Chance
from gristmill.trainer.data.corpus import Segments
from gristmill.trainer.objectives.corpus.causal import CausalLM
from gristmill.trainer.objectives.corpus.sft import leave_unlearnt
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.objectives.token_loss import Forward


class Pairwise(CausalLM):
    """Fills rows: document 2 k is the better conversation of pair k, 2 k + 1 the worse one; each from position 0."""

    bits_per_byte, documents_per_segment, scored = False, 2, "pairs"
    reads: tuple[str, ...] = ("pairs",)

    def fields(self, length: int) -> dict[str, int]:
        """Of a `Collator`."""
        return super().fields(length) | {"margin": length}

    def fill(self, rows: dict[str, np.ndarray], segments: Segments, chance: Chance) -> None:
        """Of a `Collator`. `margin`: the bits of the pair's margin, at its first token."""
        super().fill(rows, segments, chance)
        leave_unlearnt(rows["targets"], segments)
        rows["margin"][:] = 0
        documents_RT = rows["documents"]
        np.multiply(documents_RT, 2, out=documents_RT, where=documents_RT >= 0)
        for p in range(len(segments.row_P)):
            row, at, length = segments.row_P[p], segments.at_P[p], segments.length_P[p]
            worse = int(segments.value("rejected", p))
            rows["targets"][row, at + worse - 1] = -1
            rows["positions"][row, at + worse : at + length] -= worse
            documents_RT[row, at + worse : at + length] += 1
            rows["margin"][row, at] = np.float32(segments.value("margin", p, 0.0)).view(np.int32)


def summed_by_conversation(values_BT: Tensor, batch: Batch) -> Tensor:
    """float32 (B, D, 2) with the gradient of `values_BT`: their sums over each better and each worse conversation."""
    assert batch.tokens.documents is not None
    documents_BT = batch.tokens.documents
    B, D = len(documents_BT), batch.most_segments
    row_B1 = torch.arange(B, device=documents_BT.device)[:, None] * 2 * D
    index_N = (row_B1 + documents_BT.clamp(min=0)).flatten()
    values_N = torch.where(documents_BT >= 0, values_BT.float(), 0.0).flatten()
    return torch.zeros(B * 2 * D, device=documents_BT.device).index_add(0, index_N, values_N).view(B, D, 2)


def there(batch: Batch) -> Tensor:
    """float32 (B, D): 1 where a row has a pair."""
    assert batch.tokens.documents is not None
    return (summed_by_conversation(torch.ones_like(batch.tokens.documents), batch)[..., 1] > 0).float()


def margins(batch: Batch) -> Tensor:
    """float32 (B, D)."""
    return summed_by_conversation(batch.extra["margin"].view(torch.float32), batch)[..., 0]


def last_of_conversation(batch: Batch) -> Tensor:
    """float32 (B, T): 1 at the last token of every conversation, whatever is behind it."""
    assert batch.tokens.documents is not None
    documents_BT = batch.tokens.documents
    next_BT = torch.nn.functional.pad(documents_BT[:, 1:], (0, 1), value=-1)
    return ((documents_BT >= 0) & (next_BT != documents_BT)).float()


def of_pairs(values_BD: Tensor, there_BD: Tensor) -> Tensor:
    """float32 (2,): a metric's sum over the pairs, and their number."""
    return torch.stack(((values_BD.detach() * there_BD).sum(), there_BD.sum()))


def pair_loss(
    loss_BD: Tensor, there_BD: Tensor, batch: Batch, sources: int, metrics: dict[str, Tensor], read: Forward
) -> BatchLoss:
    """The losses of the pairs, summed, with what the experts are charged."""
    loss_BD = torch.where(there_BD > 0, loss_BD, 0.0)
    weight = there_BD.sum()
    both_2BD = torch.stack((loss_BD.detach(), there_BD))
    assert batch.tokens.documents is not None and batch.tokens.positions is not None  # noqa: PT018
    first_BT = (batch.tokens.documents >= 0) & (batch.tokens.positions == 0)
    source_BD = summed_by_conversation(torch.where(first_BT, batch.sources_BT, 0), batch)[..., 0].long()
    by_source_2Q = torch.zeros(2, sources, device=loss_BD.device)
    by_source_2Q = by_source_2Q.index_add(1, source_BD.flatten(), both_2BD.flatten(1))
    loss = read.charged(loss_BD.sum(), there_BD.sum(1))
    return BatchLoss(loss, weight, by_source_2Q, both_2BD, metrics, read.assigned_LX)
