"""Finding passages that several documents have, across all units, in one shuffle of packed numbers.

    receipts of stage A -> a row for each passage of a unit -> by key -> what goes -> by unit
      once, counted         edits made, losers left out        counted, best document named

No text moves. A unit says once what it has of a passage: what stands on every page of a crawl makes as many rows as
there are units. The outcome depends on the documents only, not on units, partitions or the order of blocks.
"""

from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np

from gristmill.pipelines.recipe.deduplication import Passages
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.records.rows import pick, rows_of
from gristmill.pipelines.stages.exchange import (
    COST_TAG,
    ROWS_TAG,
    Block,
    BlockDoFn,
    GroupBlocks,
    among,
    by_tag,
    spread,
    table,
)
from gristmill.pipelines.stages.kept_texts import DOCUMENT, SpreadUnits, kept_texts
from gristmill.pipelines.stages.numbered import Together
from gristmill.pipelines.stages.passages.keys import keyed_passages
from gristmill.pipelines.storage.receipt_book import ReceiptBook

COUNTED = np.dtype(
    [("key", "<u8"), ("check", "<u4"), ("wanted", "u1"), ("documents", "<u4"), ("times", "<u4"), *DOCUMENT]
)
"""A passage of a unit, or of all: in how many documents it stands, how often, and which of them is best-ranked.
wanted: its number in the recipe's `passages`."""

CUT = np.dtype([("key", "<u8"), ("check", "<u4"), ("keeper", "<u4")])
"""A passage that goes from a unit; keeper: the row of the document that keeps it, or NOBODY here."""

NOBODY = 0xFFFFFFFF

PARTITION_BYTES = 32 << 20
"""Of text before cuts; its passages are about as many bytes of COUNTED rows."""


class FindPassages(beam.PTransform):
    """PCollection[(number, receipt of stage A)] -> PCollection[Block]: CUT rows by unit, in any order and number.

    What it took comes as Cost blocks of unit 0.
    """

    def __init__(self, recipe: Recipe, books: dict[str, ReceiptBook]):
        super().__init__()
        self.recipe, self.books = recipe, books

    def expand(self, scored: beam.PCollection) -> beam.PCollection:
        """The graph."""
        assert self.recipe.deduplicate is not None
        return (
            scored
            | "together" >> beam.ParDo(Together())
            | "all units" >> GroupBlocks()
            | "partitions" >> beam.ParDo(SpreadUnits(PARTITION_BYTES))
            | "by unit" >> GroupBlocks()
            | "count" >> beam.ParDo(CountPassages(self.recipe, self.books))
            | "by key" >> GroupBlocks()
            | "decide" >> beam.ParDo(DecidePassages(self.recipe.deduplicate.passages))
        )


class CountPassages(BlockDoFn):
    """A receipt of stage A -> COUNTED blocks of its unit's passages, by hash of the key."""

    def __init__(self, recipe: Recipe, books: dict[str, ReceiptBook]):
        self.recipe, self.books = recipe, books

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One unit."""
        partitions, number = key >> 32, key & 0xFFFFFFFF
        for block in blocks:
            rows = unit_passages(self.recipe, self.books, number, Receipt.from_bytes(block))
            yield from self.blocks.add(among(partitions, spread(rows["key"], partitions)), rows)


class DecidePassages(BlockDoFn):
    """COUNTED blocks of one partition -> CUT blocks, by unit."""

    def __init__(self, wanted: list[Passages]):
        self.wanted = wanted

    def cost_key(self, key: int) -> int:
        """The first unit."""
        return 0

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition of keys."""
        unit, cuts = decide(table(blocks, COUNTED), self.wanted)
        yield from self.blocks.add(unit, cuts)


def unit_passages(recipe: Recipe, books: dict[str, ReceiptBook], number: int, scored: Receipt) -> np.ndarray:
    """COUNTED rows of one unit, one for each passage of the documents that stay."""
    assert recipe.deduplicate is not None
    found = []
    for kept in kept_texts(recipe, books, number, scored):
        for wanted, passages in keyed_passages(recipe.deduplicate, kept.batch, kept.text):
            rows = np.empty(len(passages.doc), COUNTED)
            rows["key"], rows["check"], rows["wanted"] = passages.hash, passages.check, wanted
            rows["documents"] = rows["times"] = 1
            for name in kept.document.dtype.names or ():
                rows[name] = kept.document[name][passages.doc]
            found.append(joined(rows))
    return joined(np.concatenate([np.empty(0, COUNTED), *found]))


def joined(rows: np.ndarray) -> np.ndarray:
    """COUNTED rows as one for each passage, with the best-ranked document. Counts stop at 2**32 - 1."""
    order, first = by_passage(rows)
    if len(first) == len(rows):
        return rows
    best = pick(rows, order[first])
    place = rows["place"][order]
    another = np.r_[True, place[1:] != place[:-1]]
    another[first] = True
    for name, one in (("documents", np.where(another, rows["documents"][order], 0)), ("times", rows["times"][order])):
        best[name] = np.minimum(np.add.reduceat(one.astype(np.uint64), first), NOBODY)
    return best


def by_passage(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(order of rows by key, check, rank, tie and place; where each passage begins in it). Most have one row alone."""
    order = np.argsort(rows["key"])
    key = rows["key"][order]
    fresh = np.r_[True, key[1:] != key[:-1]][: len(rows)]
    shared = np.flatnonzero(~(fresh & np.r_[fresh[1:], True][: len(rows)]))
    some = pick(rows, order[shared])
    inner = np.lexsort([some[name] for name in ("place", "tie", "rank", "check", "key")])
    order[shared] = order[shared][inner]
    check = rows["check"][order[shared]]
    fresh[shared] |= np.r_[False, check[1:] != check[:-1]][: len(shared)]
    return order, np.flatnonzero(fresh)


def decide(rows: np.ndarray, wanted: list[Passages]) -> tuple[np.ndarray, np.ndarray]:
    """(units uint64, CUT rows) of what goes, by the COUNTED rows that all units have of some passages, in any order."""
    order, first = by_passage(rows)
    size = np.diff(np.r_[first, len(rows)])
    within, above, keeps = (
        np.array([getattr(one, name) for one in wanted])[rows["wanted"][order[first]]]
        for name in ("within", "above", "keep")
    )
    counted = [np.add.reduceat(rows[name][order].astype(np.uint64), first) for name in ("documents", "times")]
    goes = (np.where(within, counted[1], counted[0]) > above) if len(first) else np.zeros(0, bool)
    of = np.repeat(np.arange(len(first)), size)
    best = rows["place"][order[first]]
    here = pick(rows, order)
    unit = here["place"] >> np.uint64(32)
    keeper = np.where(
        (keeps[of] == "first") & (unit == best[of] >> np.uint64(32)), best[of] & np.uint64(NOBODY), NOBODY
    )
    # Where the only document that has it keeps it whole, there is nothing to cut.
    alone = (keeper != NOBODY) & (here["documents"] == 1) & ~(within[of] & (here["times"] > 1))
    chosen = np.flatnonzero(goes[of] & ~alone)
    cuts = np.empty(len(chosen), CUT)
    cuts["key"], cuts["check"], cuts["keeper"] = here["key"][chosen], here["check"][chosen], keeper[chosen]
    return unit[chosen], cuts


def cuts_of(values: Iterable[bytes]) -> np.ndarray:
    """CUT rows of one unit, sorted, from all its blocks."""
    return np.sort(rows_of(by_tag(values, ROWS_TAG, COST_TAG)[0], CUT), order=["key", "check"])
