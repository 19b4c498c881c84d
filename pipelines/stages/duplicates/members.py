"""What deduplication decided about the documents of a unit: stored once, read when the text is written."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.dedup.fingerprints import unpack_ids
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.clock import Moment, now, since
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.duplicates.find import MEMBER, REPEATED, members_of
from gristmill.pipelines.stages.exchange import COST_TAG, Cost, rows_of
from gristmill.pipelines.storage.parts import PartWriter, read_parts
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.sealed import MAKE_AGAIN

MEMBERS = "_work/members"


@dataclass(frozen=True)
class Membership:
    """What deduplication says of a unit's documents, by row; documents alone in their cluster are not listed."""

    member: np.ndarray
    """Of dtype MEMBER, sorted by row."""

    @classmethod
    def of(cls, blocks: Iterable[bytes]) -> "Membership":
        """From packed blocks in any order."""
        return cls(members_of(blocks))

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


def membership_columns(doc_id: pa.Array, listed: np.ndarray, member: np.ndarray) -> dict[str, pa.Array]:
    """cluster, duplicate_of and similarity of some documents.

    Whoever is beaten has a similarity. A record that was read twice has no duplicate_of: it stays, under the same id.
    """
    cluster, winner = unpack_ids(member["cluster"]), unpack_ids(member["winner"])
    beaten = listed & (member["dropped"] > 0)
    other = beaten & (member["kind"] != REPEATED)
    return {
        "cluster": pc.if_else(pa.array(listed), cluster, doc_id),
        "duplicate_of": pc.if_else(pa.array(other), winner, pa.scalar(None, pa.string())),
        "similarity": pa.array(member["similarity"], pa.float32(), mask=~beaten),
    }


class StoreMembers(beam.DoFn):
    """(number, members of a unit and its receipt of stage A, as blocks) -> (number, receipt of stage A).

    A block that starts with RECEIPT is the receipt; every unit has one, units without duplicates have nothing else.
    """

    RECEIPT = b"R"
    MEMBERS = b"M"

    def __init__(self, book: ReceiptBook):
        self.book = book

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, Receipt]]:
        """One unit."""
        began = now()
        number, blocks = element
        members, scored = [], None
        for block in blocks:
            if block[:1] == self.RECEIPT:
                scored = Receipt.from_bytes(block[1:])
            else:
                members.append(block[1:])
        assert scored is not None, f"unit {number} has members but no receipt"
        finding = Cost.of(block[1:] for block in members if block[:1] == COST_TAG)
        store_members(self.book, scored.unit, Membership.of(members), finding, began)
        yield number, scored


def store_members(book: ReceiptBook, unit: str, members: Membership, finding: Cost, began: Moment) -> None:
    """Keep the decision of one unit; a resumed run reads it instead of finding duplicates again.

    The receipt of the first unit says what finding took, over all units.
    """
    raw = pa.array([members.member.tobytes()], pa.large_binary())
    with ExitStack() as stack:
        writer = stack.enter_context(PartWriter(book.store, MEMBERS, unit))
        writer.write(pa.record_batch([raw], ["members"]))
    cost = finding + Cost(*since(began))
    details = {"members": len(members.member)}
    book.commit(Receipt(book.stage, unit, tuple(writer.parts), (), cost.seconds, cost.cpu_seconds, details=details))


def stored_members(book: ReceiptBook, unit: str) -> Membership:
    """The decision of one unit. Raises DamageError when it is not there, or not whole."""
    receipt = book.find(unit)
    if receipt is None:
        raise DamageError("a decision about duplicates is gone", where=book.store.url(book.path(unit)), fix=MAKE_AGAIN)
    stored = (batch.column(0)[0].as_py() for batch in read_parts(book.store, receipt, MEMBERS))
    return Membership(rows_of(stored, MEMBER))
