"""Masked language modelling: restore hidden tokens (BERT).

Letters: P segments.
"""

import numpy as np

from gristmill.tokenizer.special_ids import MASK, RESERVED
from gristmill.trainer.data.corpus import Segment
from gristmill.trainer.objectives.causal import CausalLM
from gristmill.trainer.objectives.rows import fill_inputs, noise_tokens


class MaskedLM(CausalLM):
    """Restore 15 % of the tokens, of which 80 % are hidden, 10 % replaced, 10 % as they were (Devlin et al. 2019,
    3.1)."""

    name, bits_per_byte, mask, encodes = "masked", False, "full", False

    def fill(self, row: dict[str, np.ndarray], segments: list[Segment], generator: np.random.Generator) -> None:
        """Of a `Collator`."""
        fill_inputs(row, segments)
        row["targets"][:] = -1
        start = 0
        for segment in segments:
            length = len(segment.tokens)
            count = int(noise_tokens(np.array([length]))[0])
            chosen = start + generator.permutation(length)[:count]
            row["targets"][chosen] = row["ids"][chosen]
            how = generator.random(count)
            other = generator.integers(RESERVED, self.vocabulary, count)
            row["ids"][chosen] = np.where(how < 0.8, MASK, np.where(how < 0.9, other, row["ids"][chosen]))
            start += length
