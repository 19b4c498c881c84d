"""What goes from the documents of a unit because it stands at a better place, too: stored once, cut with the text."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.dedup.substrings import cut_substrings
from gristmill.filters.edits import Edits
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.stages.substrings.find import RANGE
from gristmill.pipelines.storage.packed_rows import stored_rows
from gristmill.pipelines.storage.receipt_book import ReceiptBook

REPEATS = "_work/substrings"


@dataclass(frozen=True)
class Repeats:
    """The substrings of a unit that stand at a better place, too."""

    rows: np.ndarray
    """Of dtype RANGE, sorted, apart."""

    @classmethod
    def none(cls) -> "Repeats":
        """Nothing repeats."""
        return cls(np.empty(0, RANGE))

    @property
    def digest(self) -> str:
        """Names this very outcome, as that of a Membership does; empty where nothing repeats."""
        return hashlib.sha256(self.rows.tobytes()).hexdigest()[:16] if len(self.rows) else ""

    def edits(self, options: schema.Deduplicate, batch: pa.RecordBatch, text: pa.Array) -> Edits:
        """What goes from `text`: curated documents, as the edits of the rules leave them."""
        row_D = batch.column("row").to_numpy()
        affected = np.flatnonzero(np.isin(row_D, self.rows["row"]))
        if not len(affected) or options.substrings is None:
            return Edits.none(batch.num_rows)
        some = text.take(pa.array(affected))
        rows = self.rows[np.isin(self.rows["row"], row_D[affected])]
        doc = np.searchsorted(row_D[affected], rows["row"])
        zero = text_buffers(some)[1][doc]
        cuts = cut_substrings(some, doc, zero + rows["begin"], zero + rows["end"], options.substrings.cut_at)
        kinds = [cuts.kinds[code] for code in cuts.kind_E]
        return Edits.of(batch.num_rows, affected[cuts.doc_E], cuts.start_E, cuts.end_E, kinds)


def stored_repeats(book: ReceiptBook | None, unit: str) -> Repeats:
    """What repeats in one unit. Raises DamageError when it is not there, or not whole."""
    return Repeats(stored_rows(book, unit, REPEATS, RANGE)) if book else Repeats.none()
