"""Prefix language modelling: read a part in both directions, predict the rest.

Letters: P segments.
"""

import numpy as np

from gristmill.trainer.data.batch import Chance
from gristmill.trainer.data.corpus import Segments
from gristmill.trainer.objectives.corpus.causal import CausalLM


class PrefixLM(CausalLM):
    """Read the first part of a segment in both directions, predict the rest (Raffel et al. 2020, 3.2.1).

    The prefix has floor(draw * length) tokens. Its last token predicts the first one after it.
    """

    name, bits_per_byte, mask, encodes = "prefix", False, "prefix", False

    def fields(self, length: int) -> dict[str, int]:
        """Of a `Collator`."""
        return super().fields(length) | {"prefix": length}

    def fill(self, rows: dict[str, np.ndarray], segments: Segments, chance: Chance) -> None:
        """Of a `Collator`."""
        super().fill(rows, segments, chance)
        rows["prefix"][:] = 0
        for r, mine in segments.by_row():
            for p, draw in zip(mine, chance(r).random(len(mine)), strict=True):
                start = segments.at_P[p]
                end = start + int(draw * segments.length_P[p])
                rows["prefix"][r, start:end] = 1
                rows["targets"][r, start : max(start, end - 1)] = -1
