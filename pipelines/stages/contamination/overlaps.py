"""What the documents of a unit share with items of evaluation sets, and how many have each seed: measured, not decided.

Unit by unit, as scores are: other bounds decide again from what is stored, another set costs this stage alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import apache_beam as beam
import numpy as np
import pyarrow as pa

from gristmill.filters.contamination.match import Matcher
from gristmill.filters.edits import edited
from gristmill.pipelines.processes.clock import FIRST, WAITED, begin, is_first, since, waited
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.storage.attempts import attempt
from gristmill.pipelines.storage.models import bring
from gristmill.pipelines.storage.packed_rows import packed
from gristmill.pipelines.storage.parts import PartWriter, read_parts
from gristmill.pipelines.storage.receipt_book import ReceiptBook

OVERLAPS, COUNTS = "_work/overlaps", "_work/seed_counts"
OVERLAP = np.dtype(
    [("row", "<u4"), ("item", "<u4"), ("begin", "<u8"), ("end", "<u8"), ("found", "<u8", 8), ("support", "<u2", 3)]
)
"""A candidate: bytes of the text after the rules' edits; the rest as in `filters.contamination.match.Overlaps`."""
COUNT = np.dtype([("seed", "<u4"), ("documents", "<u4")])
DOCUMENTS = "documents"
"""In the details of a receipt: how many were looked at."""


class FindOverlaps(beam.DoFn):
    """(number, receipt of stage A) -> the same, once what its documents share with the sets is stored."""

    def __init__(self, recipe: Recipe, book: ReceiptBook):
        self.recipe, self.book = recipe, book
        self._matcher: Matcher | None = None

    def matcher(self) -> Matcher:
        """Made once per worker, at its first unit, as `ScoreUnits.scorer` is."""
        if self._matcher is None:
            bring(self.book.store, self.recipe)
            assert self.recipe.read_evaluations is not None
            self._matcher = Matcher(self.recipe.read_evaluations.index)
        return self._matcher

    def process(self, element: tuple[int, Receipt]) -> Iterator[tuple[int, Receipt]]:
        """One unit."""
        number, scored = element
        if self.book.find(scored.unit) is None:
            match_unit(self.matcher(), self.book, scored)
        yield number, scored


def match_unit(matcher: Matcher, book: ReceiptBook, scored: Receipt) -> Receipt:
    """Do one unit and commit it."""
    began, first = begin(), is_first(book.stage)
    matcher.documents[:] = 0
    documents, found = 0, [np.empty(0, OVERLAP)]
    with attempt(book, scored.unit):
        for batch in read_parts(book.store, scored, "curated", ["row", "text", "edits"]):
            documents += batch.num_rows
            found.append(candidates(matcher, batch))
        seeds = np.flatnonzero(matcher.documents)
        counts = np.empty(len(seeds), COUNT)
        counts["seed"], counts["documents"] = seeds, matcher.documents[seeds]
        with ExitStack() as stack:
            writers = [stack.enter_context(PartWriter(book.store, name, scored.unit)) for name in (OVERLAPS, COUNTS)]
            for writer, rows in zip(writers, (np.concatenate(found), counts), strict=True):
                writer.write(packed(rows))
        parts = tuple(part for writer in writers for part in writer.parts)
        details = {DOCUMENTS: documents, FIRST: first, WAITED: round(waited(began), 4)}
        receipt = Receipt(book.stage, scored.unit, parts, (), *since(began), details=details)
        book.commit(receipt)
    return receipt


def candidates(matcher: Matcher, batch: pa.RecordBatch) -> np.ndarray:
    """OVERLAP rows of curated documents, of their texts after the edits of the rules."""
    found = matcher.match(edited(batch)[1])
    rows = np.empty(len(found.doc), OVERLAP)
    rows["row"] = batch.column("row").to_numpy()[found.doc]
    rows["item"], rows["begin"], rows["end"] = found.item, found.begin, found.end
    rows["found"], rows["support"] = found.found, found.support
    return rows
