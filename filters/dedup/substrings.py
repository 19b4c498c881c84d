"""Exact substrings of documents: windows of tokens that say the same, byte for byte, and cutting them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.dedup.passages import close_together, cut_passages, find_spans
from gristmill.filters.edits import Edits
from gristmill.filters.kernels.dedup.substrings import find_repeats, hash_windows, read_tokens, winnow
from gristmill.filters.kernels.text.unicode import FLAGS

KIND = "repeated_substring"
"""Of an edit."""


@dataclass(frozen=True)
class Tokens:
    """N tokens of a batch of D texts: words, characters of scripts without spaces, marks; or all characters."""

    begin: np.ndarray
    end: np.ndarray
    """int64[N]: bytes in the batch's buffer."""
    said: np.ndarray
    spaced: np.ndarray
    """uint64[N]: hash of its bytes; of these and the white space before."""
    start: np.ndarray
    """int64[D + 1]: document d's are start[d]:start[d + 1]."""


@dataclass(frozen=True)
class Anchors:
    """A winnowed fingerprints, in the order of the text. Equal windows have an anchor of equal key."""

    key: np.ndarray
    """uint64[A]"""
    at: np.ndarray
    """int64[A]: the token where it begins."""
    first: np.ndarray
    last: np.ndarray
    """int64[A]: the tokens at which the windows begin that have it, both ends included."""


def read(text: pa.Array, characters: bool = False) -> Tokens:
    """The tokens of a large_string column; with `characters`, every character is one."""
    data_B, start_D1 = text_buffers(text)
    room = int(start_D1[-1] - start_D1[0])
    begin_N, end_N = np.empty(room, np.int64), np.empty(room, np.int64)
    said_N, spaced_N = np.empty(room, np.uint64), np.empty(room, np.uint64)
    token_D1 = np.empty(len(text) + 1, np.int64)
    count = read_tokens(data_B, start_D1, FLAGS, characters, begin_N, end_N, said_N, spaced_N, token_D1)
    return Tokens(begin_N[:count], end_N[:count], said_N[:count], spaced_N[:count], token_D1)


def parameters(length: int) -> tuple[int, int]:
    """(tokens of a fingerprint k, fingerprints of a window w) for windows of `length` = w + k - 1 tokens.

    An anchor stands at every (w + 1) / 2 tokens on the average (Schleimer 2003, section 3.3). Half of the length for
    each: longer fingerprints are more, shorter ones repeat without their window.
    """
    window = max(1, length // 2)
    return length - window + 1, window


def find_anchors(tokens: Tokens, length: int) -> Anchors:
    """The winnowed fingerprints of all windows of `length` tokens; a text with fewer has none."""
    size, window = parameters(length)
    room = len(tokens.said)
    key_A, value_N = np.empty(room, np.uint64), np.empty(room, np.uint64)
    at_A, first_A, last_A = (np.empty(room, np.int64) for _ in range(3))
    count = winnow(tokens.said, tokens.spaced, tokens.start, size, window, value_N, key_A, at_A, first_A, last_A)
    return Anchors(*(array[:count].copy() for array in (key_A, at_A, first_A, last_A)))


def windows_of(
    tokens: Tokens, first: np.ndarray, last: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(key uint64, check uint32, first token int64) of the windows that begin at first[r] to last[r], rising.

    Windows that agree in both hashes are taken for equal: 93 bits, by two independent polynomials.
    """
    fresh = np.flatnonzero(np.r_[True, first[1:] != last[:-1] + 1][: len(first)])
    first_R, last_R = first[fresh], last[np.r_[fresh[1:], len(first)] - 1] if len(first) else last
    count = int((last_R - first_R + 1).sum())
    key_W, check_W, token_W = np.empty(count, np.uint64), np.empty(count, np.uint32), np.empty(count, np.int64)
    hash_windows(tokens.said, tokens.spaced, first_R, last_R, length, key_W, check_W, token_W)
    return key_W, check_W, token_W


def repeats(rows: np.ndarray) -> np.ndarray:
    """bool[M]: which windows of all documents stand in a better-ranked document, or earlier in their own.

    rows: structured, with key, check, rank, tie, place, begin, end; in any order.
    """
    names = ("key", "check", "rank", "tie", "place", "begin", "end")
    goes = np.zeros(len(rows), bool)
    find_repeats(*(rows[name].copy() for name in names), np.argsort(rows["key"]), goes)
    return goes


def cut_substrings(
    text: pa.Array, doc: np.ndarray, begin: np.ndarray, end: np.ndarray, at: Literal["sentence", "character"]
) -> Edits:
    """The edits that cut spans [begin, end) of the column's buffer; spans are apart, and rise.

    `sentence`: of each span the sentences that stand in it whole; `character`: the span. White space that would be left
    over goes, too, but where it would join what stood apart.
    """
    data_B, start_D1 = text_buffers(text)
    doc, begin, end = close_together(data_B, doc, begin, end)
    if at == "sentence":
        doc_S, begin_S, end_S = find_spans(text, "sentence")
        span = np.searchsorted(begin, begin_S, "right") - 1
        whole = (span >= 0) & (end_S <= end[span]) if len(begin) else np.zeros(len(begin_S), bool)
        return cut_passages(text, doc_S[whole], begin_S[whole], end_S[whole], KIND)
    apart = (begin == start_D1[doc]) | _is_space_before(data_B, begin)
    tidy = cut_passages(text, doc[apart], begin[apart], end[apart], KIND)
    zero = start_D1[doc[~apart]]
    bare = Edits.of(len(text), doc[~apart], begin[~apart] - zero, end[~apart] - zero, [KIND] * len(zero))
    return Edits.concatenate([tidy, bare]).merged()


def _is_space_before(data_B: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """bool: whether white space ends at each byte: that of ASCII, or U+3000."""
    before = [data_B[max(0, at - 3) : at].tobytes() for at in begin.tolist()]
    return np.array([piece[-1:].isspace() or piece == "\u3000".encode() for piece in before], bool)
