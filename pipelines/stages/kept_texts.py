"""The documents that stay once duplicates and contaminated ones are gone, for the shuffles that look inside of them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.dedup.fingerprints import pack_ids, rank
from gristmill.filters.edits import edited
from gristmill.pipelines.duplicates.members import Membership, stored_members
from gristmill.pipelines.recipe.columns import derivations
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.columns import chosen
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.contamination.evidence import stored_contamination
from gristmill.pipelines.stages.exchange import Block, among
from gristmill.pipelines.stages.numbered import unpack
from gristmill.pipelines.stages.score import VERDICTS
from gristmill.pipelines.storage.parts import read_parts
from gristmill.pipelines.storage.receipt_book import ReceiptBook

DOCUMENT = [("rank", "<u8"), ("tie", "<u4"), ("place", "<u8")]
"""Of the best-ranked one. `tie` is a part of its doc_id that `rank` does not hold; a place is `unit << 32 | row`."""

FEWEST, MOST = 4, 4096
"""Partitions."""


class KeptTexts(NamedTuple):
    """Some documents of a unit."""

    batch: pa.RecordBatch
    """As curated."""
    text: pa.Array
    """large_string: theirs as it reads after the edits of the rules."""
    document: np.ndarray
    """DOCUMENT[D]: who keeps a passage, as who stays among duplicates."""


class SpreadUnits(beam.DoFn):
    """All receipts of stage A -> each by itself, under a key that says how many partitions their text asks for."""

    def __init__(self, partition_bytes: int):
        self.partition_bytes = partition_bytes

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Block]:
        """All units."""
        numbered = unpack(element[1])
        size = sum(part.bytes for _, receipt in numbered for part in receipt.of("curated"))
        partitions = min(MOST, max(FEWEST, -(-size // self.partition_bytes)))
        for number, receipt in numbered:
            yield int(among(partitions, number)), receipt.to_bytes()


def kept_texts(recipe: Recipe, books: dict[str, ReceiptBook], number: int, scored: Receipt) -> Iterator[KeptTexts]:
    """The documents of a unit that are neither dropped nor turns of talk, which stay whole; evaluation items cut."""
    duplicates, book = books.get("duplicates"), books["score"]
    options, source = recipe.deduplicate, scored.details["unit"]["source"]
    assert options is not None
    if recipe.sources[source].kind != "text":
        return
    members = stored_members(duplicates, scored.unit) if duplicates else Membership.none()
    contamination = stored_contamination(books.get("contamination"), scored.unit, recipe)
    quality = _quality(options.quality, book, scored)
    for batch in read_parts(book.store, scored, "curated"):
        listed, member = members.of_rows(batch.column("row").to_numpy())
        batch, contaminated = contamination.act(batch, whole=False)
        batch = chosen(batch, ~(contaminated | (listed & (member["dropped"] > 0))))
        document = ranked(batch, number, recipe.sources[source], quality)
        yield KeptTexts(batch, edited(batch)[1], document)


def ranked(batch: pa.RecordBatch, unit: int, source: Source, quality: dict[int, float] | None) -> np.ndarray:
    """DOCUMENT[D] of the kept documents of a batch."""
    document = np.empty(batch.num_rows, DOCUMENT)
    row_D = batch.column("row").to_numpy()
    quality_D = None if quality is None else np.array([quality[row] for row in row_D.tolist()], np.float64)
    size = pc.binary_length(batch.column("text")).to_numpy()
    document["rank"] = rank(True, source.priority, quality_D, size, batch.column("doc_id"), derivations(batch, source))
    document["tie"] = np.ascontiguousarray(pack_ids(batch.column("doc_id"))[:, 4:8]).view("<u4").ravel()
    document["place"] = (np.uint64(unit) << np.uint64(32)) | row_D.astype(np.uint64)
    return document


def _quality(name: str | None, book: ReceiptBook, scored: Receipt) -> dict[int, float] | None:
    """The signal that ranks documents, by row; None where the recipe names none."""
    if name is None:
        return None
    known: dict[int, float] = {}
    for batch in read_parts(book.store, scored, VERDICTS, ["row", name]):
        values = batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
        known |= dict(zip(batch.column("row").to_pylist(), values.tolist(), strict=True))
    return known
