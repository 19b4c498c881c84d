"""Supervised fine-tuning: predict what the assistant says, having read the rest.

Letters: P segments.
"""

import numpy as np

from gristmill.trainer.data.batch import Chance
from gristmill.trainer.data.corpus import Segments
from gristmill.trainer.objectives.corpus.causal import CausalLM


class SupervisedFinetuning(CausalLM):
    """As causal language modelling, where only the targets of the shards' loss_mask are scored; without one, all.

    The loss of a step is that of all its scored targets by their number: how they lie in rows, batches and ranks
    changes nothing.
    """

    name, bits_per_byte = "sft", False

    def fill(self, rows: dict[str, np.ndarray], segments: Segments, chance: Chance) -> None:
        """Of a `Collator`."""
        super().fill(rows, segments, chance)
        leave_unlearnt(rows["targets"], segments)


def leave_unlearnt(targets_RT: np.ndarray, segments: Segments) -> None:
    """Makes -1 of every target that the loss_mask of its shard leaves out."""
    for p in range(len(segments.row_P)):
        mask = segments.target_mask(p)
        if mask is not None:
            at = segments.at_P[p]
            targets_RT[segments.row_P[p], at : at + segments.length_P[p]][mask == 0] = -1
