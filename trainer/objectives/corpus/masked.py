"""Masked language modelling: restore hidden tokens (BERT).

Letters: P segments.
"""

import numpy as np

from gristmill.tokenizer.special_ids import MASK, RESERVED
from gristmill.trainer.data.batch import Chance
from gristmill.trainer.data.corpus import Segments
from gristmill.trainer.objectives.corpus.causal import CausalLM
from gristmill.trainer.objectives.corpus.rows import fill_rows, noise_tokens


class MaskedLM(CausalLM):
    """Restore 15 % of the tokens, of which 80 % are hidden, 10 % replaced, 10 % as they were (Devlin et al. 2019,
    3.1)."""

    name, bits_per_byte, mask, encodes = "masked", False, "full", False

    def fill(self, rows: dict[str, np.ndarray], segments: Segments, chance: Chance) -> None:
        """Of a `Collator`."""
        fill_rows(rows, segments)
        rows["targets"][:] = -1
        count_P = noise_tokens(segments.length_P)
        for r, mine in segments.by_row():
            generator, ids, targets = chance(r), rows["ids"][r], rows["targets"][r]
            for p in mine:
                chosen = segments.at_P[p] + generator.permutation(segments.length_P[p])[: count_P[p]]
                targets[chosen] = ids[chosen]
                how = generator.random(count_P[p])
                other = generator.integers(RESERVED, self.vocabulary, count_P[p])
                ids[chosen] = np.where(how < 0.8, MASK, np.where(how < 0.9, other, ids[chosen]))
