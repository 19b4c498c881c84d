"""What documents share with items of evaluation sets: candidates, with every word that agrees. Nothing is decided."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.contamination.index import Index
from gristmill.filters.contamination.words import fold
from gristmill.filters.kernels.contamination.match import REACH, WIDEST, WORDS, match_batch
from gristmill.filters.kernels.text.unicode import FLAGS

# Letters: R candidates, G seeds.


@dataclass(frozen=True)
class Overlaps:
    """Candidates of a batch: an item of which at least half stands in a document, in order."""

    doc: np.ndarray
    """int64[R]"""
    item: np.ndarray
    """int64[R]: its number in the index."""
    begin: np.ndarray
    end: np.ndarray
    """int64[R]: bytes of the document, from the first to the last word that agrees, with the marks behind it."""
    found: np.ndarray
    """uint64[R, 8]: a bit for each word of the question that agrees."""
    support: np.ndarray
    """int64[R, 3]: thousandths of the answer, the choices, the passage that stand near by."""


class Matcher:
    """Looks for the items of an index in batch after batch, and counts the documents that each seed stands in."""

    def __init__(self, index: Index, room: int = 1 << 14):
        self.index = index
        self.documents = np.zeros(index.seeds, np.uint32)
        """uint32[G]: documents that have the seed, of all batches."""
        self._met, self._next = np.full(index.seeds, -1, np.int32), 0
        self._state = np.zeros(2, np.int64)
        self._count, band = np.zeros(index.items, np.int64), -(-WIDEST // 64)
        self._scratch = (
            np.empty(WORDS, np.uint64),
            np.empty((band, WORDS), np.uint64),
            np.empty(band, np.uint64),
            np.empty((2, band, WORDS), np.uint64),
            np.empty(WORDS, np.int64),
            np.empty(64, np.uint64),
            np.empty(REACH + 1, np.int64),
            np.empty((2, REACH + 1), np.int64),
        )
        self._make_room(room, room)
        self._words = tuple(np.zeros(0, kind) for kind in (np.uint64, np.int64, np.int64, np.int64))
        self._seeds = tuple(np.zeros(0, kind) for kind in (np.uint64, np.int64, np.int64))
        names = (
            "key_S",
            "seed_S",
            "sieve_Q",
            "first_G1",
            "item_P",
            "place_P",
            "word_T",
            "first_I1",
            "size_I",
            "least_I",
        )
        self._of_index = [index.array(name) for name in names]
        at_I4 = 3 * np.arange(index.items)[:, None] + np.arange(4)
        self._support = index.array("support_T"), index.array("first_support")[at_I4]
        self._sizes = np.array(index.sizes.seeds, np.int64)

    def _make_room(self, hits: int, rows: int) -> None:
        self._hits = tuple(np.empty(of, np.int64) for of in (hits, (2, hits), hits, hits, hits, hits))
        self._rows = (
            *(np.empty(rows, np.int64) for _ in range(5)),
            np.empty((rows, WORDS // 64), np.uint64),
            np.empty((rows, 3), np.int64),
        )

    def match(self, text: pa.Array) -> Overlaps:
        """The candidates of a large_string column, by document, in an order that depends on the texts only."""
        data_B, start_D1 = text_buffers(text)
        room = int(np.diff(start_D1).max(initial=0)) // 2 + 1
        if room > len(self._words[0]):
            self._words = tuple(np.zeros(room, array.dtype) for array in self._words)
            self._seeds = tuple(np.zeros(room * len(self._sizes) + 1, array.dtype) for array in self._seeds)
        if self._next + len(text) >= 2**31:
            self._met[:], self._next = -1, 0
        done, count, found = 0, 0, []
        while True:
            done, count = match_batch(
                data_B, start_D1, FLAGS, *fold(), self._sizes, *self._of_index, self.index.static_weights,
                *self._support, done, 0, self._met, self._next, self.documents, *self._words, *self._seeds, *self._hits,
                self._count, *self._scratch, self._state, *self._rows,
            )  # fmt: skip
            found.append([array[:count].copy() for array in self._rows])
            if done == len(text):
                break
            hits, rows = len(self._hits[0]), len(self._rows[0])
            full = int(self._state[0]) <= hits
            self._make_room(max(hits, int(self._state[0])), rows * 2 if full and not count else rows)
        self._next += len(text)
        doc, item, begin, end, _, bits, support = (np.concatenate(column) for column in zip(*found, strict=True))
        zero = start_D1[doc]
        return Overlaps(doc, item, begin - zero, end - zero, bits, support)
