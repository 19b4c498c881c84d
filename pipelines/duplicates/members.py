"""What deduplication decided about the documents of a unit: stored once, read when the text is written."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.dedup.fingerprints import unpack_ids
from gristmill.pipelines.duplicates.components import MEMBER
from gristmill.pipelines.duplicates.pairs import BY_URL, REPEATED
from gristmill.pipelines.recipe.deduplication import Deduplicate
from gristmill.pipelines.storage.packed_rows import stored_rows
from gristmill.pipelines.storage.receipt_book import ReceiptBook

MEMBERS = "_work/members"


@dataclass(frozen=True)
class Membership:
    """What deduplication says of a unit's documents, by row; documents alone in their cluster are not listed."""

    member: np.ndarray
    """Of dtype MEMBER, sorted by row."""

    @classmethod
    def none(cls) -> "Membership":
        """Where nothing is looked for."""
        return cls(np.zeros(0, MEMBER))

    @property
    def digest(self) -> str:
        """Names this very outcome: part of the receipt's name, so a changed outcome redoes the unit."""
        return hashlib.sha256(self.member.tobytes()).hexdigest()[:16]

    def of_rows(self, row_D: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(bool[D] listed, MEMBER[D] with zeros where not listed)."""
        found = np.zeros(len(row_D), MEMBER)
        if len(self.member) == 0:
            return np.zeros(len(row_D), bool), found
        at = np.minimum(np.searchsorted(self.member["row"], row_D), len(self.member) - 1)
        listed = self.member["row"][at] == row_D
        found[listed] = self.member[at[listed]]
        return listed, found


def membership_columns(
    doc_id: pa.Array, listed: np.ndarray, member: np.ndarray, indexes: Sequence[str]
) -> dict[str, pa.Array]:
    """cluster, duplicate_of, duplicate_in, similarity and lost of some documents; indexes: their names.

    Whoever is beaten has a similarity, except for its address. A record that was read twice has no duplicate_of: it
    stays, under the same id.
    """
    cluster, winner = unpack_ids(member["cluster"]), unpack_ids(member["winner"])
    beaten = listed & (member["dropped"] > 0)
    other = beaten & (member["kind"] != REPEATED)
    alike = beaten & (member["kind"] != BY_URL)
    return {
        "cluster": pc.if_else(pa.array(listed), cluster, doc_id),
        "duplicate_of": pc.if_else(pa.array(other), winner, pa.scalar(None, pa.string())),
        "duplicate_in": pa.array([None, *indexes], pa.string()).take(pa.array(np.where(beaten, member["index"], 0))),
        "similarity": pa.array(member["similarity"], pa.float32(), mask=~alike),
        "lost": pa.array(member["lost"], pa.float32(), mask=~alike),
    }


def cluster_sizes(listed: np.ndarray, member: np.ndarray, kept_by_rules: np.ndarray) -> np.ndarray:
    """int32[D]: of how many documents that the rules kept a cluster consists; of one alone 1 or 0."""
    return np.where(listed, member["size"], kept_by_rules).astype(np.int32)


def weights_of(options: Deduplicate | None, size_D: np.ndarray) -> np.ndarray:
    """float32[D]: how often to repeat a document in training, by the size of its cluster."""
    if options is None:
        return np.ones(len(size_D), np.float32)
    sizes, weights = np.array([[int(size), weight] for size, weight in options.weights.items()]).T
    weight_D = weights[np.maximum(np.searchsorted(sizes, size_D, "right") - 1, 0)]
    return np.minimum(weight_D, np.inf if options.repeat is None else options.repeat).astype(np.float32)


def stored_members(book: ReceiptBook, unit: str) -> Membership:
    """The decision of one unit. Raises DamageError when it is not there, or not whole."""
    return Membership(stored_rows(book, unit, MEMBERS, MEMBER))
