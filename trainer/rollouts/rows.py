"""Rollouts as rows for the training path: packed, with their targets, and their log-probabilities there.

Letters: B rows, T tokens of a row, N = B * T, S response tokens of all rollouts, R of one, V padded vocabulary, W bytes
that hold V bits.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gristmill.tokenizer.special_ids import PAD
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.model.cross_entropy import log_probabilities
from gristmill.trainer.model.transformer import Model, Tokens
from gristmill.trainer.rollouts.rollout import Rollout


class RolloutRows:
    """Rollouts side by side in rows, in their order, as documents that do not see each other.

    `length`: of a row; 0: as the longest needs. `pack`: several to a row; else one.
    """

    def __init__(self, rollouts: Sequence[Rollout], length: int = 0, *, pack: bool = True):
        ids = [rollout.ids for rollout in rollouts]
        self.length = length or max(map(len, ids))
        if any(len(one) > self.length for one in ids):
            raise ValueError(f"a rollout has {max(map(len, ids))} tokens, a row {self.length}")
        self.rollouts = list(rollouts)
        places = _placed([len(one) for one in ids], self.length, pack)
        B, T = 1 + max(row for row, _, _ in places), self.length
        self.ids_BT, self.targets_BT = np.full((B, T), PAD, np.int64), np.full((B, T), -1, np.int64)
        self.positions_BT, self.documents_BT = np.zeros((B, T), np.int64), np.full((B, T), -1, np.int64)
        predicted = []
        for rollout, one, (row, start, document) in zip(rollouts, ids, places, strict=True):
            at = slice(start, start + len(one))
            self.ids_BT[row, at], self.positions_BT[row, at] = one, np.arange(len(one))
            self.documents_BT[row, at] = document
            before = start + len(rollout.prompt.ids) - 1  # where the first response token is predicted
            said = slice(before, before + len(rollout.response_ids))
            self.targets_BT[row, said] = np.where(rollout.mask > 0, rollout.response_ids, -1)
            predicted.append(row * T + np.arange(said.start, said.stop))
        self.index_S = np.concatenate(predicted)
        """Where in the flattened rows each response token is predicted: its target, and its values, stand there."""
        self.most_documents = 1 + max(document for _, _, document in places)

    def spread(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """(B, T, ...): an array (R, ...) for each rollout, where its tokens are predicted; 0 elsewhere."""
        flat = np.concatenate([np.asarray(one) for one in values])
        out = np.zeros((self.ids_BT.size, *flat.shape[1:]), flat.dtype)
        out[self.index_S] = flat
        return out.reshape(*self.ids_BT.shape, *flat.shape[1:])

    def gathered(self, values_BT: Tensor) -> list[Tensor]:
        """The reverse: (R,) for each rollout."""
        index_S = torch.from_numpy(self.index_S).to(values_BT.device)
        lengths = [len(rollout.response_ids) for rollout in self.rollouts]
        return list(values_BT.flatten()[index_S].split(lengths))

    def kept(self) -> np.ndarray | None:
        """uint8 (B, T, W): what the sampler's filters left to choose from; None where they left all."""
        held = [rollout.kept for rollout in self.rollouts if rollout.kept is not None]
        if not held:
            return None
        if len(held) < len(self.rollouts):
            raise ValueError("some of the rollouts were sampled with filters, some without")
        return self.spread(held)

    def tokens(self, device: torch.device) -> Tokens:
        """What the model reads."""
        arrays = (self.ids_BT, self.positions_BT, self.documents_BT)
        ids_BT, positions_BT, documents_BT = (torch.from_numpy(x).to(device) for x in arrays)
        return Tokens(ids_BT, positions_BT, documents_BT, most_documents=self.most_documents)


def rollout_log_probabilities(
    model: Model, rollouts: Sequence[Rollout], sampling: Sampling, *, length: int = 0, pack: bool = True
) -> list[Tensor]:
    """Of each rollout, float32 (R,) with a gradient: the model's log-probabilities of what it wrote, under the
    temperature and within what the filters left when it was sampled; 0 where the mask is 0.

    By the training's path: whole rows, no cache, logits in chunks. With the weights that sampled they equal
    `Rollout.log_probabilities` up to the order of floating-point sums.
    """
    if sampling.filters and any(rollout.kept is None for rollout in rollouts):
        raise ValueError("rollouts sampled with filters hold what these left: sample them again")
    rows, device = RolloutRows(rollouts, length, pack=pack), model.embedding.weight.device
    kept_BTW = rows.kept()
    hidden_NE = model.before_output(model(rows.tokens(device)).flatten(0, 1))
    found_N = log_probabilities(
        hidden_NE,
        model.output_weight(),
        torch.from_numpy(rows.targets_BT).to(device).flatten(),
        vocabulary=model.config.vocabulary,
        bias_V=model.head_bias,
        temperature=sampling.temperature or 1.0,
        kept_NW=None if kept_BTW is None else torch.from_numpy(kept_BTW).to(device).flatten(0, 1),
    )
    return rows.gathered(found_N)


def _placed(lengths: list[int], length: int, pack: bool) -> list[tuple[int, int, int]]:
    """(row, start, number in its row) of each, in order; a row is left when the next one does not fit."""
    places, row, start, number = [], 0, 0, 0
    for size in lengths:
        if start and (not pack or start + size > length):
            row, start, number = row + 1, 0, 0
        places.append((row, start, number))
        start, number = start + size, number + 1
    return places
