"""Lines, and ends of lines, that stand beside an article, as edits.

Three sources: phrases by family (filters/data/junk), what their neighbours say of short lines
(kernels/junk/context.py), and what recurs in the page: a line between its paragraphs, or the same first or last piece
of its lines. What is in doubt stays: a sentence that mentions a phrase amid others, a lone name of a menu.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

from gristmill.filters.counters import Counters, classes
from gristmill.filters.edits import Edits
from gristmill.filters.junk.phrases import (
    ADVERTISEMENT,
    COUNTERS,
    NAVIGATION,
    RELATED,
    REPEATED,
    chosen_families,
    families,
    tables,
)
from gristmill.filters.kernels.junk import context
from gristmill.filters.kernels.junk import pages as junk
from gristmill.filters.phrases import fold_table

RECURS = 3
"""So many equal lines, or ends of lines, of a page are its banner."""
HEADS = 0.5
"""A banner at the heads of lines has no more others beside it: several such labels in turn say what each line is."""
BANNER_UNITS = (6, 60)
"""How long a banner between paragraphs is: Chinese characters, or half as many words."""
SIGNAL = "lines_cut_share"
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Keeps the hashes of different documents apart."""


def kinds() -> tuple[str, ...]:
    """The kinds of its edits: lines_<family>."""
    return tuple(f"lines_{name}" for name in families())


def edit_junk(text: pa.Array, chosen: tuple[str, ...] | None = None) -> tuple[Edits, dict[str, np.ndarray]]:
    """(edits, signals) of a large_string column; every edit is a cut. chosen: the families that go; None: all.

    Signal, float64 per document: lines_cut_share, the share of the text's bytes that goes; 0 for an empty text.
    """
    counters = Counters(text)
    data_B, start_D1 = counters.data_B, counters.start_D1
    room = int(counters.sizes.newlines_D.sum()) + len(text)
    number = {name: place for place, name in enumerate(families(), 1)}
    lines = _Lines(data_B, start_D1, room, number[NAVIGATION])
    lines.find_banners(number[REPEATED])
    context.read_context(
        data_B,
        lines.begin_L,
        lines.end_L,
        lines.line_D1,
        lines.what_L,
        lines.family_L,
        lines.opens_L,
        lines.units_L,
        number[NAVIGATION],
        number[RELATED],
        number[COUNTERS],
        number[ADVERTISEMENT],
    )
    edits = lines.edits(start_D1)
    if chosen is not None:
        edits = edits.take_kinds([f"lines_{name}" for name in chosen])
    cut_D = np.bincount(edits.doc_E, edits.end_E - edits.start_E, len(text))
    bytes_D = counters.bytes_D
    return edits, {SIGNAL: np.divide(cut_D, bytes_D, out=np.zeros(len(text)), where=bytes_D > 0)}


class _Lines:
    """The lines of a batch, as kernels.junk.read_pages describes them."""

    def __init__(self, data_B: np.ndarray, start_D1: np.ndarray, room: int, navigation: int) -> None:
        self.documents = len(start_D1) - 1
        self.line_D1 = np.empty(self.documents + 1, np.int64)
        longest = int(np.diff(start_D1).max(initial=0)) + 1
        found, (hash_T, begin_T, end_T, from_P, to_P) = tables(), (np.empty(longest, np.int64) for _ in range(5))
        quoted_T, follow_T = np.empty(longest, np.bool_), np.empty(longest, np.int8)
        piece_P2 = np.empty((longest, 2), np.int64)
        self.begin_L, self.end_L, self.units_L, self.head_L, self.tail_L = (np.empty(room, np.int64) for _ in range(5))
        self.what_L, self.family_L, self.head_family_L, self.tail_family_L = (
            np.empty(room, np.int64) for _ in range(4)
        )
        self.hash_L, self.head_hash_L, self.tail_hash_L = (np.empty(room, np.uint64) for _ in range(3))
        self.head_end_L, self.tail_begin_L = (np.zeros(room, np.int64) for _ in range(2))
        self.opens_L, self.banner_L = np.empty(room, np.bool_), np.empty(room, np.bool_)
        count = junk.read_pages(
            data_B, start_D1, classes(), fold_table(), found.symbol_C, found.start_Y, found.key_K, found.next_K,
            found.word_W, found.symbol_W, found.family_SA, found.opens_S1, found.opens_X, found.closes_S1,
            found.closes_X, found.family_G, np.zeros(len(found.family_G) + 1, np.int64),
            hash_T.view(np.uint64), begin_T, end_T, quoted_T, follow_T, piece_P2, from_P, to_P,
            self.line_D1, self.begin_L, self.end_L, self.what_L, self.family_L, self.units_L, self.opens_L,
            self.banner_L, self.hash_L,
            self.head_L, self.head_family_L, self.head_hash_L, self.head_end_L,
            self.tail_L, self.tail_family_L, self.tail_hash_L, self.tail_begin_L, navigation,
        )  # fmt: skip
        for name, value in vars(self).items():
            if name.endswith("_L"):
                setattr(self, name, value[:count])
        self.doc_L = np.repeat(np.arange(self.documents, dtype=np.int64), np.diff(self.line_D1))

    def find_banners(self, repeated: int) -> None:
        """Mark what recurs in a page: lines between paragraphs, and pieces at the ends of lines."""
        for place_L, hash_L, family_L, border_L, share in (
            (self.head_L, self.head_hash_L, self.head_family_L, self.head_end_L, HEADS),
            (self.tail_L, self.tail_hash_L, self.tail_family_L, self.tail_begin_L, 0.0),
        ):
            found = self._recurring(np.flatnonzero((hash_L != 0) & (place_L == 0)), hash_L, share)
            place_L[found], family_L[found] = border_L[found], repeated
        solid = np.flatnonzero(self.what_L != junk.BLANK)
        prose_S = self.what_L[solid] == junk.PROSE
        apart_S = self.doc_L[solid][1:] != self.doc_L[solid][:-1]
        after_S = np.r_[prose_S[1:] | apart_S, True][: len(solid)]
        before_S = np.r_[True, prose_S[:-1] | apart_S][: len(solid)]
        least, most = BANNER_UNITS
        units_S = self.units_L[solid]
        fits_S = after_S & before_S & (units_S >= least) & (units_S <= most) & self.banner_L[solid]
        found = self._recurring(solid[fits_S], self.hash_L)
        self.what_L[found], self.family_L[found] = junk.CUT, repeated

    def _recurring(self, line_X: np.ndarray, hash_L: np.ndarray, share: float = 0) -> np.ndarray:
        """Those of some lines whose hash occurs often enough, and in such a share of them, in their document."""
        if len(line_X) < RECURS:
            return line_X[:0]
        key_X = hash_L[line_X] + self.doc_L[line_X].view(np.uint64) * GOLDEN
        _, which_X, count = np.unique(key_X, return_inverse=True, return_counts=True)
        of_X = np.bincount(self.doc_L[line_X])[self.doc_L[line_X]]
        return line_X[(count[which_X] >= RECURS) & (count[which_X] >= share * of_X)]

    def edits(self, start_D1: np.ndarray) -> Edits:
        """What goes: lines with their line feeds, and what stands before `head` and after `tail`."""
        self.head_L[self.what_L == junk.CUT] = 0
        self.tail_L[self.what_L == junk.CUT] = 0
        whole, head, tail = (np.flatnonzero(m) for m in (self.what_L == junk.CUT, self.head_L, self.tail_L))
        after_L = np.minimum(self.end_L + 1, start_D1[self.doc_L + 1])
        line = np.concatenate([whole, head, tail])
        begin = np.concatenate([self.begin_L[whole], self.begin_L[head], self.tail_L[tail]])
        end = np.concatenate([after_L[whole], self.head_L[head], self.end_L[tail]])
        family = np.concatenate([self.family_L[whole], self.head_family_L[head], self.tail_family_L[tail]])
        full = end > begin  # the last line of a page may be empty
        doc, zero = self.doc_L[line[full]], start_D1[self.doc_L[line[full]]]
        kind, text = (family[full] - 1).astype(np.int32), np.zeros(int(full.sum()), np.int32)
        return Edits(self.documents, doc, begin[full] - zero, end[full] - zero, kind, text, kinds())


def editor_of(name: str) -> Callable[[pa.Array], tuple[Edits, dict[str, np.ndarray]]]:
    """What a preset `lines@gristmill:FAMILY+FAMILY` makes. Raises KeyError for another name."""
    chosen = chosen_families(name)
    if chosen is None:
        raise KeyError(name)
    return partial(edit_junk, chosen=chosen)
