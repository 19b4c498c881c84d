"""Finding exact substrings that stand twice, across all units, in two shuffles of packed hashes.

    receipts -> anchors of a unit -> by key -> which repeat -> by unit -> windows that have these -> by key -> ranges
     of A, counted  winnowed, once             of two places              read again, hashed whole      what goes

No text moves. The anchors only say where to look; what goes is decided by the hashes of whole windows: all of the least
length that stands in a better-ranked document, or earlier in its own (docs/decisions/0011-substrings-by-windows.md). So
the outcome depends on the documents only, not on units, partitions or the order of blocks.
"""

from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np

from gristmill.filters.batch import text_buffers
from gristmill.filters.dedup.substrings import find_anchors, read, repeats, windows_of
from gristmill.pipelines.recipe.schema import Recipe, Substrings
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.records.rows import rows_of
from gristmill.pipelines.stages.exchange import (
    COST_TAG,
    ROWS_TAG,
    Block,
    BlockDoFn,
    GroupBlocks,
    among,
    by_tag,
    partitions_of,
    spread,
    table,
)
from gristmill.pipelines.stages.kept_texts import DOCUMENT, KeptTexts, SpreadUnits, kept_texts
from gristmill.pipelines.stages.numbered import Together
from gristmill.pipelines.storage.receipt_book import ReceiptBook

ANCHOR = np.dtype([("key", "<u8"), ("unit", "<u4"), ("twice", "u1")])
"""A fingerprint of a unit, and whether it stands at more than one place there."""
KEY = np.dtype([("key", "<u8")])
"""A fingerprint of a unit that stands at more than one place of all."""
WINDOW = np.dtype([("key", "<u8"), ("check", "<u4"), *DOCUMENT, ("begin", "<u4"), ("end", "<u4")])
"""A window of the least length that goes: its hashes, its document, its bytes [begin, end) there."""
RANGE = np.dtype([("row", "<u4"), ("begin", "<u4"), ("end", "<u4")])
"""Bytes of a unit's document, as the edits of the rules leave it, that stand at a better place, too."""

PARTITION_BYTES = 8 << 20
"""Of curated text, compressed: where all of it repeats, 150 to 300 MB of WINDOW rows."""
WAITING = 4 << 20
"""Anchors of a unit that are kept until they are counted: a unit may be one giant file."""


class FindSubstrings(beam.PTransform):
    """PCollection[(number, receipt of stage A)] -> PCollection[Block]: RANGE rows by unit, in any order and number.

    What it took comes as Cost blocks of unit 0.
    """

    def __init__(self, recipe: Recipe, books: dict[str, ReceiptBook]):
        super().__init__()
        self.recipe, self.books = recipe, books

    def expand(self, scored: beam.PCollection) -> beam.PCollection:
        """The graph."""
        receipts = scored | "together" >> beam.ParDo(Together()) | "all receipts" >> GroupBlocks()
        # Twice: Beam's fuser for Spark and Flink takes no collection that goes into a shuffle and a Flatten.
        again = receipts | "partitions again" >> beam.ParDo(SpreadUnits(PARTITION_BYTES))
        repeated = (
            receipts
            | "partitions" >> beam.ParDo(SpreadUnits(PARTITION_BYTES))
            | "by unit" >> GroupBlocks()
            | "winnow" >> beam.ParDo(WinnowUnits(self.recipe, self.books))
            | "by anchor" >> GroupBlocks()
            | "repeated" >> beam.ParDo(RepeatedAnchors())
        )
        return (
            (repeated, again)
            | "anchors and receipts" >> beam.Flatten()
            | "by unit again" >> GroupBlocks()
            | "windows" >> beam.ParDo(HashWindows(self.recipe, self.books))
            | "by window" >> GroupBlocks()
            | "decide" >> beam.ParDo(DecideWindows())
        )


class OfUnits(BlockDoFn):
    """A stage that reads the text of units."""

    def __init__(self, recipe: Recipe, books: dict[str, ReceiptBook]):
        assert recipe.deduplicate is not None
        assert recipe.deduplicate.substrings is not None
        self.recipe, self.books = recipe, books
        self.options = recipe.deduplicate.substrings

    def texts(self, number: int, receipt: bytes) -> Iterator[KeptTexts]:
        """The documents of a unit that stay, by its receipt of stage A."""
        return kept_texts(self.recipe, self.books, number, Receipt.from_bytes(receipt))


class WinnowUnits(OfUnits):
    """A receipt of stage A -> ANCHOR blocks of its unit, by hash of the key."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One unit."""
        partitions, number = partitions_of(key), key & 0xFFFFFFFF
        for block in blocks:
            for rows in unit_anchors(self.texts(number, block), number, self.options):
                yield from self.blocks.add(among(partitions, spread(rows["key"], partitions)), rows)


class RepeatedAnchors(BlockDoFn):
    """ANCHOR blocks of one partition -> KEY blocks, by unit."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition of keys."""
        rows = repeated(table(blocks, ANCHOR))
        yield from self.blocks.add(among(partitions_of(key), rows["unit"]), rows[["key"]].astype(KEY))


class HashWindows(OfUnits):
    """A receipt of stage A and the KEY blocks of its unit -> WINDOW blocks, by hash of the key."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One unit."""
        partitions, number = partitions_of(key), key & 0xFFFFFFFF
        known = [block for block in blocks if block[:1] == ROWS_TAG]
        if not known:
            return
        (receipt,) = (block for block in blocks if block[:1] != ROWS_TAG)
        for rows in unit_windows(self.texts(number, receipt), table(known, KEY)["key"], self.options):
            yield from self.blocks.add(among(partitions, spread(rows["key"], partitions)), rows)


class DecideWindows(BlockDoFn):
    """WINDOW blocks of one partition -> RANGE blocks, by unit."""

    def cost_key(self, key: int) -> int:
        """The first unit."""
        return 0

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition of keys."""
        unit, ranges = decide(table(blocks, WINDOW))
        yield from self.blocks.add(unit, ranges)


def unit_anchors(texts: Iterable[KeptTexts], number: int, options: Substrings) -> Iterator[np.ndarray]:
    """ANCHOR rows of a unit, each key once; of a giant one, once in each of several arrays."""
    waiting: list[np.ndarray] = []
    for kept in texts:
        waiting.append(find_anchors(read(kept.text, options.by_character), options.length).key)
        if sum(map(len, waiting)) > WAITING:
            yield _counted(waiting, number)
            waiting = []
    if waiting:
        yield _counted(waiting, number)


def _counted(keys: list[np.ndarray], number: int) -> np.ndarray:
    key, times = np.unique(np.concatenate(keys), return_counts=True)
    rows = np.empty(len(key), ANCHOR)
    rows["key"], rows["unit"], rows["twice"] = key, number, times > 1
    return rows


def repeated(rows: np.ndarray) -> np.ndarray:
    """Of ANCHOR rows in any order those whose key stands at more than one place."""
    _, at, count = np.unique(rows["key"], return_inverse=True, return_counts=True)
    twice = np.bincount(at, rows["twice"], len(count)) > 0
    return rows[((count > 1) | twice)[at]]


def unit_windows(texts: Iterable[KeptTexts], keys: np.ndarray, options: Substrings) -> Iterator[np.ndarray]:
    """WINDOW rows of those windows of a unit whose anchor is among the keys."""
    keys = np.unique(keys)
    for kept in texts:
        tokens = read(kept.text, options.by_character)
        anchors = find_anchors(tokens, options.length)
        here = keys[np.minimum(np.searchsorted(keys, anchors.key), len(keys) - 1)] == anchors.key
        key, check, first = windows_of(tokens, anchors.first[here], anchors.last[here], options.length)
        rows = np.empty(len(key), WINDOW)
        doc = np.searchsorted(tokens.start, first, "right") - 1
        for name in kept.document.dtype.names or ():
            rows[name] = kept.document[name][doc]
        zero = text_buffers(kept.text)[1][doc]
        rows["key"], rows["check"] = key, check
        rows["begin"], rows["end"] = tokens.begin[first] - zero, tokens.end[first + options.length - 1] - zero
        yield rows


def decide(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(units uint64, RANGE rows) of what goes, by the WINDOW rows that all units have of some keys, in any order."""
    gone = rows[repeats(rows)]
    ranges = np.empty(len(gone), RANGE)
    ranges["row"] = (gone["place"] & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    ranges["begin"], ranges["end"] = gone["begin"], gone["end"]
    return gone["place"] >> np.uint64(32), ranges


def repeats_of(values: Iterable[bytes]) -> np.ndarray:
    """RANGE rows of one unit, sorted, from all its blocks; those that overlap or touch as one."""
    return joined(rows_of(by_tag(values, ROWS_TAG, COST_TAG)[0], RANGE))


def joined(ranges: np.ndarray) -> np.ndarray:
    """RANGE rows in any order, as few as say the same, sorted."""
    row, begin, end = (ranges[name].astype(np.uint64) for name in ("row", "begin", "end"))
    begins, ends = (np.sort(row << np.uint64(32) | at) for at in (begin, end))
    # In a sweep over all places, a range is open where more have begun than ended.
    fresh = np.r_[True, begins[1:] > ends[:-1]][: len(begins)]
    first = np.flatnonzero(fresh)
    last = np.r_[first[1:], len(begins)] - 1 if len(first) else first
    made = np.empty(len(first), RANGE)
    made["row"] = (begins[first] >> np.uint64(32)).astype(np.uint32)
    made["begin"] = begins[first].astype(np.uint32)
    made["end"] = ends[last].astype(np.uint32)
    return made
