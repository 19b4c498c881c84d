"""Pretraining objectives. Each fills rows (on the host) and turns a batch into a loss (on the device).

Letters: B rows, T tokens, N = B * T, Q sources, P segments, D most segments of a row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from tokenizer.special_ids import EOS, EXTRA_0, MASK, PAD, RESERVED, SENTINELS
from trainer.corpus import Piece
from trainer.cross_entropy import lm_loss
from trainer.data import Assembly, Batch, Chance
from trainer.experts import Routing
from trainer.model import Model


@dataclass
class Measured:
    """What a batch adds to a step, all on the device: no objective waits for a number."""

    loss: Tensor
    """Sum of the losses of the scored tokens, with a gradient."""
    by_source_2Q: Tensor
    """float32: row 0 sums of losses, row 1 scored tokens, by source."""
    by_segment_2BD: Tensor
    """The same by piece of each row; D: the most that a row has."""
    extra: dict[str, Tensor] = field(default_factory=dict)
    """Scalars for metrics.jsonl, averaged over the batches of a step."""


class Objective(Assembly, Protocol):
    """An objective: what the loop asks of it beside `Assembly`."""

    name: str
    bits_per_byte: bool
    """Whether its loss is that of the text itself, so that bits per byte mean something."""

    mask: str
    """The `mask` of the model that learns it."""
    encodes: bool
    """Whether the model has an encoder of its own."""

    def count(self, length_P: np.ndarray, ends_P: np.ndarray, draw_P: np.ndarray) -> np.ndarray:
        """Scored tokens of segments, from the plan alone: see `order.CountTargets`."""

    def __call__(self, model: Model, batch: Batch, sources: int) -> Measured:
        """The losses of a batch."""


def measure(model: Model, batch: Batch, sources: int) -> Measured:
    """Cross-entropy of a batch's targets, summed, and by source; with experts also what their router is charged."""
    routings: list[Routing] = []
    hidden_BTE = model(batch.tokens, batch.context, routings=routings)
    hidden_NE = model.before_output(hidden_BTE.flatten(0, 1))
    targets_N, sources_N = batch.targets_BT.flatten(), batch.sources_BT.flatten()
    loss, losses_N = lm_loss(
        hidden_NE, model.output_weight(), targets_N, vocabulary=model.config.vocabulary, bias_V=model.head_bias
    )
    both_2N = torch.stack((losses_N, (targets_N >= 0).float()))
    by_source_2Q = torch.zeros(2, sources, device=loss.device).index_add_(1, sources_N, both_2N)
    by_segment_2BD = _by_segment(batch, both_2N)
    if not routings:
        return Measured(loss, by_source_2Q, by_segment_2BD)
    balance, z = (torch.stack([getattr(layer, name) for layer in routings]).mean() for name in ("balance", "z"))
    charge = model.config.balance_weight * balance + model.config.router_z_weight * z
    busiest = torch.stack([layer.share_X for layer in routings]).max() * model.config.experts
    # Times the targets, because the loop divides by the target count of the whole step.
    return Measured(
        loss + charge * (targets_N >= 0).sum(),
        by_source_2Q,
        by_segment_2BD,
        {"expert_balance": balance.detach(), "router_z": z.detach(), "expert_busiest": busiest},
    )


def _by_segment(batch: Batch, both_2N: Tensor) -> Tensor:
    """(2, N) summed to (2, B, D)."""
    B, D = batch.segments_BT.shape[0], batch.most_segments
    place_BT = batch.segments_BT + torch.arange(B, device=both_2N.device)[:, None] * D
    return torch.zeros(2, B * D, device=both_2N.device).index_add_(1, place_BT.flatten(), both_2N).view(2, B, D)


class Causal:
    """Predict the next token. The last token of a cut piece predicts the token after the cut; a document's last,
    nothing."""

    name, bits_per_byte, mask, encodes = "causal", True, "causal", False

    def __init__(self, vocabulary: int = 0):
        self.vocabulary = vocabulary

    def fields(self, length: int) -> dict[str, int]:
        """Of an `Assembly`."""
        return dict.fromkeys(("ids", "targets", "positions", "documents", "sources"), length)

    def count(self, length_P: np.ndarray, ends_P: np.ndarray, draw_P: np.ndarray) -> np.ndarray:
        """A target per token, less one where the document ends."""
        return length_P - ends_P

    def fill(self, row: dict[str, np.ndarray], pieces: list[Piece], chance: Chance) -> None:
        """Of an `Assembly`; nothing is random."""
        lay_out(row, pieces)
        next_tokens(row["targets"], pieces)

    def __call__(self, model: Model, batch: Batch, sources: int) -> Measured:
        """Of an `Objective`."""
        return measure(model, batch, sources)


class Prefix(Causal):
    """Read the first part of a piece in both directions, predict the rest (Raffel et al. 2020, 3.2.1).

    The prefix has floor(draw * length) tokens. Its last token predicts the first one after it.
    """

    name, bits_per_byte, mask, encodes = "prefix", False, "prefix", False

    def fields(self, length: int) -> dict[str, int]:
        """Of an `Assembly`."""
        return super().fields(length) | {"prefix": length}

    def count(self, length_P: np.ndarray, ends_P: np.ndarray, draw_P: np.ndarray) -> np.ndarray:
        """The targets of `Causal`, less those inside the prefix."""
        unscored_P = np.maximum((draw_P * length_P).astype(np.int64) - 1, 0)
        return np.maximum(length_P - ends_P - unscored_P, 0)

    def fill(self, row: dict[str, np.ndarray], pieces: list[Piece], chance: Chance) -> None:
        """Of an `Assembly`."""
        super().fill(row, pieces, chance)
        row["prefix"][:] = 0
        start = 0
        for piece, draw in zip(pieces, chance.draw_P, strict=True):
            end = start + int(draw * len(piece.tokens))
            row["prefix"][start:end] = 1
            row["targets"][start : max(start, end - 1)] = -1
            start += len(piece.tokens)


class Masked(Causal):
    """Restore 15 % of the tokens, of which 80 % are hidden, 10 % replaced, 10 % as they were (Devlin et al. 2019,
    3.1)."""

    name, bits_per_byte, mask, encodes = "masked", False, "full", False

    def count(self, length_P: np.ndarray, ends_P: np.ndarray, draw_P: np.ndarray) -> np.ndarray:
        """15 % of every piece, exactly."""
        return noise_tokens(length_P)

    def fill(self, row: dict[str, np.ndarray], pieces: list[Piece], chance: Chance) -> None:
        """Of an `Assembly`."""
        lay_out(row, pieces)
        row["targets"][:] = -1
        start = 0
        for piece in pieces:
            length = len(piece.tokens)
            count = int(noise_tokens(np.array([length]))[0])
            place = start + chance.generator.permutation(length)[:count]
            row["targets"][place] = row["ids"][place]
            how = chance.generator.random(count)
            other = chance.generator.integers(RESERVED, self.vocabulary, count)
            row["ids"][place] = np.where(how < 0.8, MASK, np.where(how < 0.9, other, row["ids"][place]))
            start += length


class Spans(Causal):
    """Write down the hidden spans, 15 % of the tokens in spans of 3 on average (Raffel et al. 2020, 3.1.4).

    The encoder reads the piece with a sentinel for every span; the decoder writes sentinel, span, sentinel, span, ...,
    EOS. Pieces of fewer than 8 tokens are read but nothing of them is hidden, so half a row holds all that is written.
    """

    name, bits_per_byte, mask, encodes = "spans", False, "causal", True
    SHORTEST, SPAN = 8, 3.0

    def fields(self, length: int) -> dict[str, int]:
        """Of an `Assembly`: the decoder's row is half as long as the encoder's."""
        read = dict.fromkeys(("context_ids", "context_positions", "context_documents"), length)
        return super().fields(length // 2) | read

    def count(self, length_P: np.ndarray, ends_P: np.ndarray, draw_P: np.ndarray) -> np.ndarray:
        """Hidden tokens, a sentinel per span, EOS."""
        noise_P = noise_tokens(length_P)
        return np.where(length_P < self.SHORTEST, 0, noise_P + self._spans(noise_P) + 1)

    def _spans(self, noise_P: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(noise_P / self.SPAN).astype(np.int64), 1, SENTINELS)

    def fill(self, row: dict[str, np.ndarray], pieces: list[Piece], chance: Chance) -> None:
        """Of an `Assembly`."""
        read, written = [], []
        for number, piece in enumerate(pieces):
            seen, said = self._corrupt(piece.tokens, chance.generator)
            read.append((number, replace(piece, tokens=seen)))
            if len(said):
                written.append((number, replace(piece, tokens=said)))
        end = 0
        for number, piece in written:
            start, end = end, end + len(piece.tokens)
            row["targets"][start:end] = piece.tokens
            row["ids"][start] = PAD  # T5's start of the decoder
            row["ids"][start + 1 : end] = piece.tokens[:-1]
            row["positions"][start:end] = np.arange(end - start)
            row["documents"][start:end], row["sources"][start:end] = number, piece.source
        for name, value in (("targets", -1), ("ids", PAD), ("positions", 0), ("documents", -1), ("sources", 0)):
            row[name][end:] = value
        end = 0
        for number, piece in read:
            start, end = end, end + len(piece.tokens)
            row["context_ids"][start:end] = piece.tokens
            row["context_positions"][start:end] = np.arange(end - start)
            row["context_documents"][start:end] = number
        row["context_ids"][end:], row["context_positions"][end:], row["context_documents"][end:] = PAD, 0, -1

    def _corrupt(self, tokens: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(what the encoder reads, what the decoder writes), int64."""
        tokens = tokens.astype(np.int64)
        if len(tokens) < self.SHORTEST:
            return tokens, np.zeros(0, np.int64)
        noise = int(noise_tokens(np.array([len(tokens)]))[0])
        spans = int(self._spans(np.array([noise]))[0])
        hidden, kept = _parts(noise, spans, generator), _parts(len(tokens) - noise, spans, generator)
        read, said, at = [], [], 0
        for k in range(spans):
            sentinel = np.array([EXTRA_0 + k])
            read += [tokens[at : at + kept[k]], sentinel]
            at += kept[k]
            said += [sentinel, tokens[at : at + hidden[k]]]
            at += hidden[k]
        return np.concatenate(read), np.concatenate([*said, [EOS]])


def _parts(total: int, parts: int, generator: np.random.Generator) -> np.ndarray:
    """int64 (parts,): `total` cut into that many parts of at least 1, all ways equally likely."""
    cuts = np.sort(generator.permutation(total - 1)[: parts - 1]) + 1
    return np.diff(np.concatenate([[0], cuts, [total]])).astype(np.int64)


def noise_tokens(length_P: np.ndarray) -> np.ndarray:
    """int64 (P,): 15 % of each length, at least 1, never all."""
    return np.clip(np.rint(0.15 * length_P).astype(np.int64), np.minimum(1, length_P - 1), np.maximum(length_P - 1, 0))


def next_tokens(targets: np.ndarray, pieces: list[Piece]) -> None:
    """Every token's target is the next one of its document."""
    end = 0
    for piece in pieces:
        start, end = end, end + len(piece.tokens)
        targets[start : end - 1] = piece.tokens[1:]
        targets[end - 1] = piece.following
    targets[end:] = -1


def lay_out(row: dict[str, np.ndarray], pieces: list[Piece]) -> None:
    """Writes ids, positions (from 0 in every piece), documents and sources of a row. The rest of the row becomes
    padding: id PAD, document -1."""
    end = 0
    for number, piece in enumerate(pieces):
        start, end = end, end + len(piece.tokens)
        row["ids"][start:end] = piece.tokens
        row["positions"][start:end] = np.arange(end - start)
        row["documents"][start:end], row["sources"][start:end] = number, piece.source
    row["ids"][end:], row["positions"][end:], row["documents"][end:], row["sources"][end:] = PAD, 0, -1, 0


OBJECTIVES: dict[str, Callable[[int], Objective]] = {kind.name: kind for kind in (Causal, Prefix, Masked, Spans)}
"""By name; each is made with the vocabulary."""
