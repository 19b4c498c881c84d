"""What a shuffle says about the documents of each unit: packed rows, stored once as a receipt of their own stage."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import apache_beam as beam
import numpy as np

from gristmill.pipelines.processes.clock import Moment, now, since
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.exchange import COST_TAG, Block, Cost
from gristmill.pipelines.storage.packed_rows import packed
from gristmill.pipelines.storage.parts import PartWriter
from gristmill.pipelines.storage.receipt_book import ReceiptBook

ROWS, RECEIPT = b"M", b"R"
"""The first byte of a block: what the shuffle gave, or the unit's receipt of stage A."""


class TagRows(beam.DoFn):
    """Mark blocks of rows, so that receipts can share their shuffle."""

    def process(self, element: Block) -> Iterator[Block]:
        """One block."""
        yield element[0], ROWS + element[1]


class TagReceipt(beam.DoFn):
    """A receipt as a marked block."""

    def process(self, element: tuple[int, Receipt]) -> Iterator[Block]:
        """One receipt."""
        yield element[0], RECEIPT + element[1].to_bytes()


class StoreRows(beam.DoFn):
    """(number, a unit's rows and its receipt of stage A, as blocks) -> (number, receipt of stage A).

    `gather` makes the rows of a unit of its blocks, whatever their order. Every unit has a receipt; units that nothing
    is said about have nothing else.
    """

    def __init__(self, book: ReceiptBook, dataset: str, gather: Callable[[Iterable[bytes]], np.ndarray]):
        self.book, self.dataset, self.gather = book, dataset, gather

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, Receipt]]:
        """One unit."""
        began = now()
        number, blocks = element
        rows, scored = [], None
        for block in blocks:
            if block[:1] == RECEIPT:
                scored = Receipt.from_bytes(block[1:])
            else:
                rows.append(block[1:])
        assert scored is not None, f"unit {number} has rows but no receipt"
        finding = Cost.of(block[1:] for block in rows if block[:1] == COST_TAG)
        self.store(scored.unit, self.gather(rows), self.details(rows), finding, began)
        yield number, scored

    def details(self, blocks: Iterable[bytes]) -> dict[str, Any]:
        """What else the receipt of a unit says, of its blocks."""
        return {}

    def store(self, unit: str, rows: np.ndarray, further: dict[str, Any], finding: Cost, began: Moment) -> None:
        """Keep what is said about one unit; a resumed run reads it instead of shuffling again.

        The receipt of the first unit says what finding took, over all units.
        """
        with ExitStack() as stack:
            writer = stack.enter_context(PartWriter(self.book.store, self.dataset, unit))
            writer.write(packed(rows))
        cost = finding + Cost(*since(began))
        details = {"rows": len(rows), **further}
        parts = tuple(writer.parts)
        receipt = Receipt(self.book.stage, unit, parts, (), cost.seconds, cost.cpu_seconds, details=details)
        self.book.commit(receipt)
