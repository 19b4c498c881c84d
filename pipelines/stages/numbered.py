"""Receipts of all units on one worker: packed with their unit's number, unpacked in the order of the units."""

from collections.abc import Iterable, Iterator

import apache_beam as beam

from gristmill.pipelines.records.receipts import Receipt


class Together(beam.DoFn):
    """(number, receipt) -> (0, block): everything under one key."""

    def process(self, element: tuple[int, Receipt]) -> Iterator[tuple[int, bytes]]:
        """One receipt."""
        number, receipt = element
        yield 0, number.to_bytes(4, "big") + receipt.to_bytes()


def unpack(blocks: Iterable[bytes]) -> list[tuple[int, Receipt]]:
    """The numbered receipts, sorted by number."""
    pairs = sorted((int.from_bytes(block[:4], "big"), block[4:]) for block in blocks)
    return [(number, Receipt.from_bytes(raw)) for number, raw in pairs]
