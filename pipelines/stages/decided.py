"""What was decided about the documents of a unit by looking at all units, and what its outcome is named by."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gristmill.filters.edits import Edits, cut, edited
from gristmill.pipelines.duplicates.members import Membership, stored_members
from gristmill.pipelines.recipe.schema import Deduplicate, Recipe
from gristmill.pipelines.stages.contamination.evidence import Contamination, stored_contamination
from gristmill.pipelines.stages.passages.cuts import Cuts, stored_cuts
from gristmill.pipelines.stages.substrings.cuts import Repeats, stored_repeats
from gristmill.pipelines.storage.receipt_book import ReceiptBook


@dataclass(frozen=True)
class Decided:
    """What was decided about the documents of a unit by looking at all units."""

    members: Membership
    contamination: Contamination
    cuts: Cuts
    repeats: Repeats

    @classmethod
    def of(cls, recipe: Recipe, books: dict[str, ReceiptBook], unit: str) -> "Decided":
        """As it is stored. Raises DamageError where it is gone."""
        found = books.get("duplicates")
        members = stored_members(found, unit) if found else Membership.none()
        contamination = stored_contamination(books.get("contamination"), unit, recipe)
        cuts, repeats = stored_cuts(books.get("passages"), unit), stored_repeats(books.get("substrings"), unit)
        return cls(members, contamination, cuts, repeats)

    def receipt_name(self, unit: str) -> str:
        """Of the unit's receipt: its key, and digests of what was decided."""
        decided = (self.members, self.contamination, self.cuts, self.repeats)
        return "-".join(filter(None, (unit, *(one.digest for one in decided))))

    def cut(self, options: Deduplicate, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, np.ndarray]:
        """(the curated documents with further edits; float64[D] share of each edited text that goes)."""
        edits, text = edited(batch)
        found = (self.cuts.edits(options, batch, text), self.repeats.edits(options, batch, text))
        return cut(batch, edits, text, Edits.concatenate(found).merged())
