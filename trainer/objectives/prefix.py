"""Prefix language modelling: read a part in both directions, predict the rest.

Letters: P segments.
"""

import numpy as np

from gristmill.trainer.data.batch import RowRandomness
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

    def count(self, length_P: np.ndarray, ends_P: np.ndarray, draw_P: np.ndarray) -> np.ndarray:
        """The targets of `CausalLM`, less those inside the prefix."""
        unscored_P = np.maximum((draw_P * length_P).astype(np.int64) - 1, 0)
        return np.maximum(length_P - ends_P - unscored_P, 0)

    def fill(self, row: dict[str, np.ndarray], segments: list[Segment], randomness: RowRandomness) -> None:
        """Of a `Collator`."""
        super().fill(row, segments, randomness)
        row["prefix"][:] = 0
        start = 0
        for segment, draw in zip(segments, randomness.draw_P, strict=True):
            end = start + int(draw * len(segment.tokens))
            row["prefix"][start:end] = 1
            row["targets"][start : max(start, end - 1)] = -1
            start += len(segment.tokens)
