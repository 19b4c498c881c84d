"""Span corruption: write down the spans that were hidden from the encoder (T5).

Letters: P segments.
"""

from dataclasses import replace

import numpy as np

from gristmill.tokenizer.special_ids import EOS, EXTRA_0, PAD, SENTINELS
from gristmill.trainer.data.corpus import Segment
from gristmill.trainer.objectives.causal import CausalLM
from gristmill.trainer.objectives.rows import noise_tokens


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

    def fill(self, row: dict[str, np.ndarray], segments: list[Segment], generator: np.random.Generator) -> None:
        """Of a `Collator`."""
        read, written = [], []
        for number, segment in enumerate(segments):
            seen, said = self._corrupt(segment.tokens, generator)
            read.append((number, replace(segment, tokens=seen)))
            if len(said):
                written.append((number, replace(segment, tokens=said)))
        end = 0
        for number, segment in written:
            start, end = end, end + len(segment.tokens)
            row["targets"][start:end] = segment.tokens
            row["ids"][start] = PAD  # T5's start of the decoder
            row["ids"][start + 1 : end] = segment.tokens[:-1]
            row["positions"][start:end] = np.arange(end - start)
            row["documents"][start:end], row["sources"][start:end] = number, segment.source
        for name, value in (("targets", -1), ("ids", PAD), ("positions", 0), ("documents", -1), ("sources", 0)):
            row[name][end:] = value
        end = 0
        for number, segment in read:
            start, end = end, end + len(segment.tokens)
            row["encoder_ids"][start:end] = segment.tokens
            row["encoder_positions"][start:end] = np.arange(end - start)
            row["encoder_documents"][start:end] = number
        row["encoder_ids"][end:], row["encoder_positions"][end:], row["encoder_documents"][end:] = PAD, 0, -1

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
