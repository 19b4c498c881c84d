"""Passages of documents: lines, paragraphs, sentences or runs of these, what they say as hashes, and cutting them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.dedup.fingerprints import composed
from gristmill.filters.edits import Edits
from gristmill.filters.kernels.dedup.passages import LINE, PARAGRAPH, SENTENCE, hash_passages, split, tidy_cuts
from gristmill.filters.kernels.text.unicode import FLAGS, LOWER, NFC_MAYBE

Unit = Literal["line", "paragraph", "sentence"]
UNITS = {"line": LINE, "paragraph": PARAGRAPH, "sentence": SENTENCE}
RUN_BASE = np.uint64(0x9E3779B185EBCA87)
"""xxHash's prime 1: the hash of a run is a polynomial over those of its members."""


@dataclass(frozen=True)
class Passages:
    """N passages of a batch of texts, by document and place."""

    doc: np.ndarray
    """int64[N]: the document it stands in."""
    begin: np.ndarray
    end: np.ndarray
    """int64[N]: bytes in the batch's buffer, without white space around."""
    hash: np.ndarray
    """uint64[N]"""
    check: np.ndarray
    """uint32[N]: an independent hash. Passages that agree in both are taken for equal: 96 bits, so that among 10**12
    different ones a false pair is expected once in 10**5 corpora."""
    letters: np.ndarray
    """int64[N]: letters and digits, of scripts without spaces counted twice."""

    def take(self, chosen: np.ndarray) -> "Passages":
        """Some of them: bool[N], or places."""
        fields = (self.doc, self.begin, self.end, self.hash, self.check, self.letters)
        return Passages(*(field[chosen] for field in fields))


def find_passages(text: pa.Array, unit: Unit, run: int = 1) -> Passages:
    """The passages of a large_string column: every `run` lines, paragraphs or sentences in a row of a document.

    Equal ones say the same words: case, punctuation, white space and canonical composition (NFC, NFD) do not count. A
    document of fewer than `run` has none. 150 MB/s and more on one core (tests/benchmarks/bench_duplicates.py).
    """
    doc_N, begin_N, end_N = find_spans(text, unit)
    hash_N, check_N, letters_N = _said(text_buffers(text)[0], begin_N, end_N)
    one = Passages(doc_N, begin_N, end_N, hash_N, check_N, letters_N)
    return one if run == 1 else _runs(one, run)


def find_spans(text: pa.Array, unit: Unit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(document, begin, end), int64 each: lines, paragraphs or sentences as bytes in the column's buffer."""
    data_B, start_D1 = text_buffers(text)
    room = int(start_D1[-1] - start_D1[0]) // 2 + len(text) + 1
    begin_N, end_N, passage_D1 = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(len(text) + 1, np.int64)
    count = split(data_B, start_D1, FLAGS, UNITS[unit], begin_N, end_N, passage_D1)
    return np.repeat(np.arange(len(text)), np.diff(passage_D1)), begin_N[:count].copy(), end_N[:count].copy()


def _said(data_B: np.ndarray, begin_N: np.ndarray, end_N: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(hash, check, letters) of passages. The few that may not be in canonical composition are hashed as composed."""
    count = len(begin_N)
    hash_N, check_N = np.empty(count, np.uint64), np.empty(count, np.uint32)
    letters_N, seen_N = np.empty(count, np.int64), np.empty(count, np.uint8)
    hash_passages(data_B, begin_N, end_N, FLAGS, LOWER, hash_N, check_N, letters_N, seen_N)
    marked = np.flatnonzero(seen_N & NFC_MAYBE)
    if len(marked):
        spans = zip(begin_N[marked].tolist(), end_N[marked].tolist(), strict=True)
        texts = [composed(data_B[begin:end].tobytes().decode()).encode() for begin, end in spans]
        bounds = np.cumsum([0, *map(len, texts)])
        hashed = (np.empty(len(texts), field.dtype) for field in (hash_N, check_N, letters_N, seen_N))
        hash_M, check_M, letters_M, seen_M = hashed
        data = np.frombuffer(b"".join(texts), np.uint8)
        hash_passages(data, bounds[:-1], bounds[1:], FLAGS, LOWER, hash_M, check_M, letters_M, seen_M)
        hash_N[marked], check_N[marked], letters_N[marked] = hash_M, check_M, letters_M
    return hash_N, check_N, letters_N


def _runs(one: Passages, run: int) -> Passages:
    """Every `run` passages in a row of one document."""
    count = max(len(one.doc) - run + 1, 0)
    first = np.flatnonzero(one.doc[:count] == one.doc[run - 1 :][:count])
    hash_R, check_R = np.zeros(len(first), np.uint64), np.zeros(len(first), np.uint32)
    letters_R = np.zeros(len(first), np.int64)
    for at in range(run):
        hash_R = hash_R * RUN_BASE + one.hash[first + at]
        check_R = check_R * np.uint32(RUN_BASE & np.uint64(0xFFFFFFFF)) + one.check[first + at]
        letters_R += one.letters[first + at]
    return Passages(one.doc[first], one.begin[first], one.end[first + run - 1], hash_R, check_R, letters_R)


def cut_passages(text: pa.Array, doc: np.ndarray, begin: np.ndarray, end: np.ndarray, kind: str) -> Edits:
    """The edits that cut passages [begin, end) of the column's buffer, in any order, and what is left of their lines.

    Passages between which there is only white space go together.
    """
    data_B, start_D1 = text_buffers(text)
    doc_C, begin_C, end_C = close_together(data_B, doc, begin, end)
    tidy_cuts(data_B, start_D1, FLAGS, doc_C, begin_C, end_C)
    zero_C = start_D1[doc_C]
    return Edits.of(len(text), doc_C, begin_C - zero_C, end_C - zero_C, [kind] * len(doc_C))


def close_together(
    data_B: np.ndarray, doc: np.ndarray, begin: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(document, begin, end) of spans in any order, rising; those with only white space between are one."""
    order = np.lexsort((end, begin))
    doc_E, begin_E, end_E = doc[order], begin[order], end[order]
    reach_E = np.maximum.accumulate(end_E) if len(end_E) else end_E
    apart = np.array(
        [not _only_space(data_B[before:after]) for before, after in zip(reach_E[:-1], begin_E[1:], strict=True)], bool
    )
    first = np.flatnonzero(np.r_[True, apart | (doc_E[1:] != doc_E[:-1])][: len(doc_E)])
    last = np.r_[first[1:], len(doc_E)] - 1 if len(first) else first
    return doc_E[first], begin_E[first].copy(), reach_E[last].copy()


def _only_space(between: np.ndarray) -> bool:
    return not between.tobytes().decode().strip()
