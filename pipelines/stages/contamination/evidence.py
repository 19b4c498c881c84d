"""What was decided about the items in a unit's documents: which go, what is cut, and the evidence as a table."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.contamination.index import EvaluationFile, Index
from gristmill.filters.dedup.passages import cut_passages
from gristmill.filters.edits import Edits, cut, edited
from gristmill.pipelines.recipe.decontaminate import Decontaminate
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records import columns
from gristmill.pipelines.stages.contamination.find import FOUND
from gristmill.pipelines.storage.packed_rows import stored_rows
from gristmill.pipelines.storage.receipt_book import ReceiptBook

CONTAMINATED = "_work/contaminated"
KIND = "evaluation_item"
"""The kind of an edit."""
DROP, CUT, REPORT = "drop", "cut", "report"


@dataclass(frozen=True)
class Contamination:
    """The items that stand in documents of a unit."""

    rows: np.ndarray
    """Of dtype FOUND, in the order of the documents."""
    options: Decontaminate | None = None
    file: EvaluationFile | None = None

    @classmethod
    def none(cls) -> "Contamination":
        """Nothing is looked for."""
        return cls(np.empty(0, FOUND))

    @property
    def digest(self) -> str:
        """Names this very outcome, with what becomes of it; empty where nothing was found."""
        if not len(self.rows) or self.options is None or self.file is None:
            return ""
        said = f"{self.options.action} {self.options.max_cut} {self.file.sha256}".encode()
        return hashlib.sha256(self.rows.tobytes() + said).hexdigest()[:16]

    def act(self, batch: pa.RecordBatch, whole: bool) -> tuple[pa.RecordBatch, np.ndarray]:
        """(the documents, some with further edits; bool[D] which of them go) of curated documents.

        whole: documents that are not cut, but dropped: a conversation with a hole says something else.
        """
        has = np.isin(batch.column("row").to_numpy(), self.rows["row"])
        if self.options is None or not has.any() or self.options.action == REPORT:
            return batch, np.zeros(batch.num_rows, bool)
        if self.options.action == DROP or whole:
            return batch, has
        edits, text = edited(batch)
        batch, share = cut(batch, edits, text, self._cuts(batch, text))
        return batch, has & ((share > self.options.max_cut) | (share >= 1))

    def _cuts(self, batch: pa.RecordBatch, text: pa.Array) -> Edits:
        doc, mine = self._of(batch)
        zero = text_buffers(text)[1][doc]
        begin, end = mine["begin"].astype(np.int64), mine["end"].astype(np.int64)
        return cut_passages(text, doc, zero + begin, zero + end, KIND).merged()

    def _of(self, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
        """(place in the batch, FOUND rows) of what stands in some documents."""
        row_D = batch.column("row").to_numpy()
        order = np.argsort(row_D, kind="stable")
        at = np.minimum(np.searchsorted(row_D[order], self.rows["row"]), max(len(row_D) - 1, 0))
        there = row_D[order[at]] == self.rows["row"] if len(row_D) else np.zeros(len(self.rows), bool)
        return order[at[there]], self.rows[there]

    def evidence(self, batch: pa.RecordBatch, after: pa.RecordBatch, gone: np.ndarray, unit: str) -> pa.RecordBatch:
        """The rows of `contamination/` of curated documents as they were before `act`; after: the same ones with all
        their edits; gone: bool[D], which of them are not in `text/`, for whatever reason.

        Spans are of the extracted text. A repeated line takes an item with it, though it is only to be reported.
        """
        assert self.options is not None
        assert self.file is not None
        index = self.file.index
        doc, mine = _once(index, *self._of(batch))
        edits = Edits.from_column(batch.column("edits")).merged()
        begin, end = edits.to_original(doc, mine["begin"].astype(np.int64), mine["end"].astype(np.int64))
        at = pa.array(doc)
        item = mine["item"].astype(np.int64)
        later = Edits.from_column(after.column("edits")).merged()
        was, left = (end - begin - _covered(one, doc, begin, end) for one in (edits, later))
        action = np.where(2 * left < was, CUT, self.options.action)
        action = np.where(gone[doc], DROP, action)
        values = {name: batch.column(name).take(at) for name in ("doc_id", "source", "lang")}
        values |= {
            "set": pa.array([index.set_names[number] for number in index.array("set_I")[item].tolist()], pa.string()),
            "item": pa.array(index.array("number_I")[item], pa.uint32()),
            "item_id": pa.array([index.text("id", one) for one in item.tolist()], pa.string()),
            "unit": unit,
            "row": batch.column("row").take(at),
            "start": pa.array(begin, pa.int64()),
            "end": pa.array(end, pa.int64()),
            "score": _shares(mine["score"]),
            "question": _shares(mine["question"]),
            "answer": _there(index, item, mine, 0),
            "choices": _there(index, item, mine, 1),
            "passage": _there(index, item, mine, 2),
            "action": pa.array(action.tolist(), pa.string()),
        }
        return columns.assemble(columns.CONTAMINATION, len(doc), values)


def _covered(edits: Edits, doc: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """int64[R]: how many bytes of [begin, end) of these documents the edits (merged) take."""
    of = np.searchsorted(edits.doc_E, doc), np.searchsorted(edits.doc_E, doc, "right")
    taken = [
        np.maximum(np.minimum(edits.end_E[a:b], stop) - np.maximum(edits.start_E[a:b], start), 0).sum()
        for a, b, start, stop in zip(*of, begin, end, strict=True)
    ]
    return np.array(taken, np.int64)


def _once(index: Index, doc: np.ndarray, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An item that is looked for in two ways, and found at one place in both, once: in the better one."""
    item = mine["item"].astype(np.int64)
    item_key = np.stack([index.array("set_I")[item].astype(np.int64), index.array("number_I")[item].astype(np.int64)])
    order = np.lexsort([mine["item"], -mine["score"].astype(np.int64), *item_key, doc])
    known: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    keeps = np.zeros(len(mine), bool)
    for at in order.tolist():
        spans = known.setdefault((int(doc[at]), int(item_key[0, at]), int(item_key[1, at])), [])
        begin, end = int(mine["begin"][at]), int(mine["end"][at])
        if all(end <= other_begin or begin >= other_end for other_begin, other_end in spans):
            spans.append((begin, end))
            keeps[at] = True
    return doc[keeps], mine[keeps]


def _shares(thousandths: np.ndarray) -> pa.Array:
    return pa.array((thousandths / 1000).astype(np.float32), pa.float32())


def _there(index: Index, item: np.ndarray, mine: np.ndarray, part: int) -> pa.Array:
    """A share of what an item has; null where it has none."""
    first = index.array("first_support")
    without = first[3 * item + part] == first[3 * item + part + 1]
    return pa.array((mine["support"][:, part] / 1000).astype(np.float32), pa.float32(), mask=without)


def stored_contamination(book: ReceiptBook | None, unit: str, recipe: Recipe) -> Contamination:
    """What was decided about one unit. Raises DamageError when it is not there, or not whole."""
    if book is None:
        return Contamination.none()
    return Contamination(stored_rows(book, unit, CONTAMINATED, FOUND), recipe.decontaminate, recipe.read_evaluations)
