"""Prefix language modelling: read a part in both directions, predict the rest.

Letters: P segments.
"""

import numpy as np

from gristmill.trainer.data.corpus import Segment
from gristmill.trainer.objectives.causal import CausalLM


class PrefixLM(CausalLM):
    """Read the first part of a segment in both directions, predict the rest (Raffel et al. 2020, 3.2.1).

    The prefix has floor(draw * length) tokens. Its last token predicts the first one after it.
    """

    name, bits_per_byte, mask, encodes = "prefix", False, "prefix", False

    def fields(self, length: int) -> dict[str, int]:
        """Of a `Collator`."""
        return super().fields(length) | {"prefix": length}

    def fill(self, row: dict[str, np.ndarray], segments: list[Segment], generator: np.random.Generator) -> None:
        """Of a `Collator`."""
        super().fill(row, segments, generator)
        row["prefix"][:] = 0
        start = 0
        for segment, draw in zip(segments, generator.random(len(segments)), strict=True):
            end = start + int(draw * len(segment.tokens))
            row["prefix"][start:end] = 1
            row["targets"][start : max(start, end - 1)] = -1
            start += len(segment.tokens)
