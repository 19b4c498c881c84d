"""What an objective and the loader tell each other: how a row is filled, and the batch that comes of it.

Letters: B rows of one batch, T tokens of a row, P segments of a row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from torch import Tensor

from gristmill.trainer.data.corpus import Segments
from gristmill.trainer.model.transformer import Tokens


def row_generator(seed: int, epoch: int, row: int) -> np.random.Generator:
    """What is random about a row of the plan in an epoch; it does not depend on rank, batch or restart."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch << 40 | row]))


KNOWN = ("ids", "targets", "positions", "documents", "sources", "prefix", "encoder_ids", "encoder_positions",
         "encoder_documents")  # fmt: skip
"""Arrays of a row that are not `extra`."""

Chance: TypeAlias = Callable[[int], np.random.Generator]
"""What is random about a row of a batch."""


class Collator(Protocol):
    """What the loader asks of an objective: which arrays it wants and how a row fills them."""

    documents_per_segment: int
    """Documents that it makes of a segment: 2 of a pair, else 1."""

    def fields(self, length: int) -> dict[str, int]:
        """Name -> length of each int32 array of a row of `length` tokens. `ids`, `targets`, `positions`, `documents`
        and `sources` always; `prefix`, and `encoder_ids`, `encoder_positions`, `encoder_documents`, where it uses
        them; others are a batch's `extra`."""

    def fill(self, rows: dict[str, np.ndarray], segments: Segments, chance: Chance) -> None:
        """Writes rows (name -> int32 (R, its length)) whole, padding too: padding is document -1, target -1."""


@dataclass
class Batch:
    """What an objective computes on: all on the device."""

    tokens: Tokens
    targets_BT: Tensor
    """int64; -1 where not scored."""
    sources_BT: Tensor
    """int64; number of the source of each token."""
    segments_BT: Tensor
    """int64; number in its row of the segment that a token belongs to; 0 for padding, which has no target."""
    most_segments: int
    """Of a row: the plan's most."""
    encoder_tokens: Tokens | None = None
    """The encoder's side of an encoder-decoder."""
    last: bool = True
    """Of its step, on this rank."""
    extra: dict[str, Tensor] = field(default_factory=dict)
    """What one objective needs beside these."""

    @classmethod
    def of(
        cls,
        arrays: dict[str, Tensor],
        documents: bool,
        most_segments: int,
        last: bool = True,
        *,
        documents_per_segment: int = 1,
    ) -> "Batch":
        """From the arrays of a `Collator`, each int32 (B, its length)."""
        encoder_tokens = None
        if "encoder_ids" in arrays:
            encoder_tokens = Tokens(arrays["encoder_ids"], arrays["encoder_positions"], arrays["encoder_documents"])
        tokens = Tokens(
            arrays["ids"],
            arrays["positions"],
            arrays["documents"] if documents else None,
            arrays.get("prefix"),
            most_documents=most_segments * documents_per_segment,
        )
        segments_BT = arrays["documents"].long().clamp(min=0) // documents_per_segment
        targets_BT, sources_BT = arrays["targets"].long(), arrays["sources"].long()
        extra = {name: array for name, array in arrays.items() if name not in KNOWN}
        return cls(tokens, targets_BT, sources_BT, segments_BT, most_segments, encoder_tokens, last, extra)
