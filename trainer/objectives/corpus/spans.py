"""Span corruption: write down the spans that were hidden from the encoder (T5).

Letters: P segments.
"""

import numpy as np

from gristmill.tokenizer.special_ids import EOS, EXTRA_0, PAD, SENTINELS
from gristmill.trainer.data.batch import Chance
from gristmill.trainer.data.corpus import Segments
from gristmill.trainer.objectives.corpus.causal import CausalLM
from gristmill.trainer.objectives.corpus.rows import noise_tokens

_BLANK = {
    "ids": PAD, "targets": -1, "positions": 0, "documents": -1, "sources": 0,
    "encoder_ids": PAD, "encoder_positions": 0, "encoder_documents": -1,
}  # fmt: skip


class SpanCorruption(CausalLM):
    """Write down the hidden spans, 15 % of the tokens in spans of 3 on average (Raffel et al. 2020, 3.1.4).

    The encoder reads the segment with a sentinel for every span; the decoder writes sentinel, span, sentinel, span,
    ..., EOS. Segments of fewer than 8 tokens are read but nothing of them is hidden, so half a row holds all that is
    written.
    """

    name, bits_per_byte, mask, encodes = "spans", False, "causal", True
    SHORTEST, SPAN = 8, 3.0

    def fields(self, length: int) -> dict[str, int]:
        """Of a `Collator`: the decoder's row is half as long as the encoder's."""
        read = dict.fromkeys(("encoder_ids", "encoder_positions", "encoder_documents"), length)
        return super().fields(length // 2) | read

    def _spans(self, noise_P: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(noise_P / self.SPAN).astype(np.int64), 1, SENTINELS)

    def fill(self, rows: dict[str, np.ndarray], segments: Segments, chance: Chance) -> None:
        """Of a `Collator`."""
        for name, array in rows.items():
            array[:] = _BLANK[name]
        for r, mine in segments.by_row():
            generator, row, read, written = chance(r), {name: array[r] for name, array in rows.items()}, 0, 0
            for p in mine:
                seen, said = self._corrupt(segments.tokens(p), generator)
                at, read = slice(read, read + len(seen)), read + len(seen)
                row["encoder_ids"][at], row["encoder_positions"][at] = seen, np.arange(len(seen))
                row["encoder_documents"][at] = segments.slot_P[p]
                at, written = slice(written, written + len(said)), written + len(said)
                row["targets"][at], row["positions"][at] = said, np.arange(len(said))
                row["ids"][at] = np.concatenate([[PAD], said[:-1]])[: len(said)]  # PAD: T5's start of the decoder
                row["documents"][at], row["sources"][at] = segments.slot_P[p], segments.source(p)

    def _corrupt(self, tokens: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(what the encoder reads, what the decoder writes), int64."""
        tokens = tokens.astype(np.int64)
        if len(tokens) < self.SHORTEST:
            return tokens, np.zeros(0, np.int64)
        noise = int(noise_tokens(np.array([len(tokens)]))[0])
        spans = int(self._spans(np.array([noise]))[0])
        hidden, kept = _random_lengths(noise, spans, generator), _random_lengths(len(tokens) - noise, spans, generator)
        read, said, at = [], [], 0
        for k in range(spans):
            sentinel = np.array([EXTRA_0 + k])
            read += [tokens[at : at + kept[k]], sentinel]
            at += kept[k]
            said += [sentinel, tokens[at : at + hidden[k]]]
            at += hidden[k]
        return np.concatenate(read), np.concatenate([*said, [EOS]])


def _random_lengths(total: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """int64 (count,): `total` cut into that many parts of at least 1, all ways equally likely."""
    cuts = np.sort(generator.permutation(total - 1)[: count - 1]) + 1
    return np.diff(np.concatenate([[0], cuts, [total]])).astype(np.int64)
