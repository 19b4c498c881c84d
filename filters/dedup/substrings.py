"""Exact substrings of documents: windows of tokens that say the same, byte for byte, and cutting them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.dedup.fingerprints import MASK64, mixed64
from gristmill.filters.dedup.passages import close_together, cut_passages, find_spans
from gristmill.filters.edits import Edits
from gristmill.filters.kernels.dedup.letters import SHINGLE_BASE
from gristmill.filters.kernels.dedup.substrings import LETTERS, find_repeats, hash_windows, read_tokens, winnow
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, FNV_PRIME
from gristmill.filters.kernels.text.unicode import ALNUM, FLAGS, SPACE, UNSPACED

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


@dataclass(frozen=True)
class Query:
    """A text that is looked for: what `read` and `find_anchors` say of it, in plain Python: no kernel is loaded."""

    data: bytes
    """UTF-8."""
    begin: list[int]
    end: list[int]
    """Bytes of its tokens."""
    anchors: dict[int, tuple[int, int]]
    """Key -> bytes [begin, end) of the first fingerprint that has it."""

    @classmethod
    def of(cls, text: str, length: int) -> "Query":
        """Of windows of `length` tokens."""
        begin, end, said, spaced = _plain_tokens(text)
        size, window = parameters(length)
        values = []
        for first in range(len(begin) - size + 1):
            total = said[first]
            for token in spaced[first + 1 : first + size]:
                total = (total * int(SHINGLE_BASE) + token) & MASK64
            values.append(mixed64(total))
        anchors: dict[int, tuple[int, int]] = {}
        for first in range(len(values) - window + 1):
            at = min(range(first, first + window), key=values.__getitem__)
            anchors.setdefault(values[at], (begin[at], end[at + size - 1]))
        return cls(text.encode(), begin, end, anchors)


def _plain_tokens(text: str) -> tuple[list[int], list[int], list[int], list[int]]:
    """(begin, end, hash of it, hash of it and the white space before) of each token, as `read`."""
    begin: list[int] = []
    end: list[int] = []
    said: list[int] = []
    spaced: list[int] = []
    flags = FLAGS[np.frombuffer(text.encode("utf-32-le"), np.uint32)].tolist()
    place, open_run, letters, value = 0, "", 0, 0
    space = before = int(FNV_OFFSET)
    for char, flag in zip(text, flags, strict=True):
        size = len(char.encode())
        kind = "" if flag & (SPACE | UNSPACED) else "word" if flag & ALNUM else char
        if kind and kind == open_run and letters < LETTERS:
            value, letters = _folded(value, char), letters + 1
            end[-1] = place + size
            said[-1] = mixed64(value)
            spaced[-1] = mixed64(said[-1] ^ before)
        elif flag & SPACE:
            space, kind = _folded(space, char), ""
        else:
            value, letters, before, space = _folded(int(FNV_OFFSET), char), 1, space, int(FNV_OFFSET)
            begin.append(place)
            end.append(place + size)
            said.append(mixed64(value))
            spaced.append(mixed64(said[-1] ^ before))
        open_run = kind
        place += size
    return begin, end, said, spaced


def _folded(value: int, char: str) -> int:
    return ((value ^ ord(char)) * int(FNV_PRIME)) & MASK64
