"""What goes from the documents of a unit because others say it, too: stored once, cut when the text is written."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gristmill.filters.dedup.passages import Passages, cut_passages
from gristmill.filters.edits import Edits
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.stages.passages.find import CUT, NOBODY
from gristmill.pipelines.stages.passages.keys import keyed_passages
from gristmill.pipelines.storage.packed_rows import stored_rows
from gristmill.pipelines.storage.receipt_book import ReceiptBook

CUTS = "_work/cuts"
KIND = "repeated_"
"""The kind of an edit: `repeated_line`, `repeated_paragraph`, `repeated_sentence`."""


@dataclass(frozen=True)
class Cuts:
    """The passages that go from a unit."""

    rows: np.ndarray
    """Of dtype CUT, sorted by key and check."""

    @classmethod
    def none(cls) -> "Cuts":
        """Nothing goes."""
        return cls(np.empty(0, CUT))

    @property
    def digest(self) -> str:
        """Names this very outcome, as that of a Membership does; empty where nothing goes."""
        return hashlib.sha256(self.rows.tobytes()).hexdigest()[:16] if len(self.rows) else ""

    def edits(self, options: schema.Deduplicate, batch: pa.RecordBatch, text: pa.Array) -> Edits:
        """What goes from `text`: curated documents that stay, as the edits of the rules leave them."""
        row_D = batch.column("row").to_numpy()
        cuts = [Edits.none(batch.num_rows)]
        for number, passages in keyed_passages(options, batch, text) if len(self.rows) else ():
            gone = passages.take(self._goes(passages, row_D, options.passages[number].within))
            kind = KIND + options.passages[number].unit
            cuts.append(cut_passages(text, gone.doc, gone.begin, gone.end, kind))
        return Edits.concatenate(cuts)

    def _goes(self, passages: Passages, row_D: np.ndarray, within: bool) -> np.ndarray:
        """bool[N]: which passages of a batch are cut."""
        at = np.searchsorted(self.rows["key"], passages.hash)
        at = np.minimum(at, len(self.rows) - 1)
        found = (self.rows["key"][at] == passages.hash) & (self.rows["check"][at] == passages.check)
        keeps = found & (self.rows["keeper"][at] == row_D[passages.doc]) & (self.rows["keeper"][at] != NOBODY)
        if not within:
            return found & ~keeps
        kept = np.flatnonzero(keeps)
        _, first = np.unique(passages.hash[kept], return_index=True)
        keeps[:] = False
        keeps[kept[first]] = True
        return found & ~keeps


def stored_cuts(book: ReceiptBook | None, unit: str) -> Cuts:
    """What goes from one unit. Raises DamageError when it is not there, or not whole."""
    return Cuts(stored_rows(book, unit, CUTS, CUT)) if book else Cuts.none()
