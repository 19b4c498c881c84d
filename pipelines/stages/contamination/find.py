"""Deciding which items stand in which documents, across all units, in one shuffle of packed numbers.

    receipts of stage A -> stored candidates and counts of a unit -> by item -> weights, scores -> by unit

How rare a seed is can only be told of the whole corpus. A partition holds some items: it gets the counts of their seeds
from every unit, and the candidates of these items.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import apache_beam as beam
import numpy as np

from gristmill.filters.contamination.index import EvaluationFile, Index
from gristmill.filters.contamination.score import Weights, seldom
from gristmill.pipelines.duplicates.members import stored_members
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.records.rows import rows_of
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.stages.contamination.overlaps import (
    COUNT,
    COUNTS,
    DOCUMENTS,
    OVERLAP,
    OVERLAPS,
)
from gristmill.pipelines.stages.exchange import (
    COST_TAG,
    ROWS_TAG,
    Block,
    BlockDoFn,
    GroupBlocks,
    among,
    by_tag,
    split_by,
)
from gristmill.pipelines.stages.unit_rows import StoreRows
from gristmill.pipelines.storage.models import bring
from gristmill.pipelines.storage.packed_rows import unpacked
from gristmill.pipelines.storage.receipt_book import ReceiptBook

FOUND = np.dtype(
    [("row", "<u4"), ("item", "<u4"), ("begin", "<u8"), ("end", "<u8"), ("score", "<u2"), ("question", "<u2"),
     ("support", "<u2", 3)]
)  # fmt: skip
"""An item that stands in a document: bytes of the text after the rules' edits; thousandths."""
PHRASE = np.dtype([("item", "<u4"), ("documents", "<u4")])
"""An item that more documents hold than a leak leaves: how many of them it was not counted in."""
PHRASES = "phrases"
"""In the details of the first unit's receipt: PHRASE rows as lists, of all units."""
UNIT_OVERLAP = np.dtype([("unit", "<u4"), *OVERLAP.descr])
OVERLAPS_TAG, COUNTS_TAG, DOCUMENTS_TAG, PHRASES_TAG = b"O", b"N", b"D", b"H"
ITEMS, MOST = 1 << 14, 256
"""Items of a partition; most partitions."""


def partitions_for(items: int) -> int:
    """How many there are: by the index alone."""
    return min(MOST, max(4, -(-items // ITEMS)))


class FindContamination(beam.PTransform):
    """PCollection[(number, receipt of stage A)] -> PCollection[Block]: FOUND rows by unit, in any order and number."""

    def __init__(self, recipe: Recipe, overlaps: ReceiptBook, duplicates: ReceiptBook | None):
        super().__init__()
        self.recipe, self.overlaps, self.duplicates = recipe, overlaps, duplicates

    def expand(self, scored: beam.PCollection) -> beam.PCollection:
        """The graph."""
        return (
            scored
            | "candidates" >> beam.ParDo(SpreadCandidates(self.recipe, self.overlaps, self.duplicates))
            | "by item" >> GroupBlocks()
            | "weigh" >> beam.ParDo(DecideItems(self.recipe, self.overlaps))
        )


class SpreadCandidates(beam.DoFn):
    """(number, receipt of stage A) -> blocks by partition of items: candidates, counts of seeds, documents.

    Candidates in documents that go as duplicates are left out: a page that was read a hundred times is one place.
    """

    def __init__(self, recipe: Recipe, overlaps: ReceiptBook, duplicates: ReceiptBook | None):
        self.recipe, self.overlaps, self.duplicates = recipe, overlaps, duplicates

    def process(self, element: tuple[int, Receipt]) -> Iterator[Block]:
        """One unit."""
        number, scored = element
        receipt = self.overlaps.find(scored.unit)
        if receipt is None:
            what = "what a unit shares with evaluation sets is gone"
            where = self.overlaps.store.url(self.overlaps.path(scored.unit))
            raise DamageError(what, where=where, fix=MAKE_AGAIN)
        index = opened(self.recipe, self.overlaps)
        partitions = partitions_for(index.items)
        rows = unpacked(self.overlaps.store, receipt, OVERLAPS, OVERLAP)
        if self.duplicates is not None:
            _, member = stored_members(self.duplicates, scored.unit).of_rows(rows["row"])
            rows = rows[member["dropped"] == 0]
        mine = np.empty(len(rows), UNIT_OVERLAP)
        mine["unit"] = number
        for name in OVERLAP.names or ():
            mine[name] = rows[name]
        yield from split_by(among(partitions, partition_of(rows["item"], index.items)), mine, OVERLAPS_TAG)
        counts = unpacked(self.overlaps.store, receipt, COUNTS, COUNT)
        yield from self._counts(counts, index, partitions)
        documents = int(receipt.details[DOCUMENTS]).to_bytes(8, "little")
        for partition in range(partitions):
            yield int(among(partitions, partition)), DOCUMENTS_TAG + documents

    def _counts(self, rows: np.ndarray, index: Index, partitions: int) -> Iterator[Block]:
        """Counts of seeds, to each partition that has an item with the seed."""
        if not len(rows):
            return
        assert self.recipe.read_evaluations is not None
        part, seed = seeds_by_partition(self.recipe.read_evaluations)
        at = np.minimum(np.searchsorted(rows["seed"], seed), len(rows) - 1)
        there = rows["seed"][at] == seed
        yield from split_by(among(partitions, part[there]), rows[at[there]], COUNTS_TAG)


def opened(recipe: Recipe, book: ReceiptBook) -> Index:
    """The index of a recipe's evaluation sets, brought to this machine."""
    bring(book.store, recipe)
    assert recipe.read_evaluations is not None
    return recipe.read_evaluations.index


def partition_of(item: np.ndarray, items: int) -> np.ndarray:
    """Items that stand together are decided together."""
    return item.astype(np.uint64) * np.uint64(partitions_for(items)) // np.uint64(max(1, items))


@cache
def seeds_by_partition(file: EvaluationFile) -> tuple[np.ndarray, np.ndarray]:
    """(partitions, seeds), uint64: each seed of the items of each partition once."""
    index = file.index
    seed_T, first_I1 = index.array("gram_T"), index.array("first_I1")
    part_T = np.repeat(partition_of(np.arange(index.items), index.items), np.diff(first_I1))
    known = seed_T >= 0
    pairs = np.unique(part_T[known] << np.uint64(32) | seed_T[known].astype(np.uint64))
    return pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)


class DecideItems(BlockDoFn):
    """Blocks of one partition of items -> FOUND blocks, by unit, and PHRASE blocks (tagged) for the first one."""

    def __init__(self, recipe: Recipe, overlaps: ReceiptBook):
        self.recipe, self.overlaps = recipe, overlaps

    def cost_key(self, key: int) -> int:
        """The first unit."""
        return 0

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition."""
        assert self.recipe.decontaminate is not None
        index, apart = opened(self.recipe, self.overlaps), by_tag(blocks, OVERLAPS_TAG, COUNTS_TAG, DOCUMENTS_TAG)
        rows, counts = rows_of(apart[0], UNIT_OVERLAP), rows_of(apart[1], COUNT)
        if not len(rows):
            return
        documents = sum(int.from_bytes(block, "little") for block in apart[2])
        documents_G = np.bincount(counts["seed"], counts["documents"], index.seeds).astype(np.int64)
        unit, found, phrases = decide(index, rows, documents_G, documents, self.recipe.decontaminate.threshold)
        yield from self.blocks.add(unit, found)
        yield from split_by(np.zeros(len(phrases), np.uint64), phrases, PHRASES_TAG)


def decide(
    index: Index, rows: np.ndarray, documents_G: np.ndarray, documents: int, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(units uint64, FOUND rows) of the candidates whose score is at least the threshold, but for phrases that much of
    the corpus has; PHRASE rows of these."""
    weights = Weights.of(index, documents_G, documents)
    score, question = weights.scores(rows["item"].astype(np.int64), rows["found"], rows["support"].astype(np.int64))
    high = np.flatnonzero(score >= round(1000 * threshold))
    document = rows["unit"][high].astype(np.uint64) << np.uint64(32) | rows["row"][high].astype(np.uint64)
    told = seldom(rows["item"][high], document, score[high], documents)
    chosen = high[told]
    found = np.empty(len(chosen), FOUND)
    for name in ("row", "item", "begin", "end", "support"):
        found[name] = rows[name][chosen]
    found["score"], found["question"] = score[chosen], question[chosen]
    common = np.unique(np.stack([rows["item"][high][~told].astype(np.uint64), document[~told]], axis=1), axis=0)
    item, counts = np.unique(common[:, 0], return_counts=True)
    phrases = np.empty(len(item), PHRASE)
    phrases["item"], phrases["documents"] = item, counts
    return rows["unit"][chosen].astype(np.uint64), found, phrases


def found_of(values: Iterable[bytes]) -> np.ndarray:
    """FOUND rows of one unit, in the order of its documents, from all its blocks."""
    rows = rows_of(by_tag(values, ROWS_TAG, COST_TAG, PHRASES_TAG)[0], FOUND)
    return rows[np.lexsort([rows[name] for name in ("item", "end", "begin", "row")])]


class StoreFound(StoreRows):
    """The items that were found in a unit; with those of the first one, which items are phrases of the corpus."""

    def details(self, blocks: Iterable[bytes]) -> dict[str, Any]:
        """`PHRASES`, by item, where there are any."""
        rows = np.sort(rows_of(by_tag(blocks, PHRASES_TAG, ROWS_TAG, COST_TAG)[0], PHRASE), order="item")
        return {PHRASES: rows.tolist()} if len(rows) else {}
