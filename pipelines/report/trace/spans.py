"""What a text and a document have in common: maximal spans that stand in both, byte for byte."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from gristmill.filters.dedup.substrings import Query

MOST_SPANS, MOST_SEEDS = 1_000, 100_000
"""Of a document that are looked at: what repeats one word for ever has as many as it has words."""

HEAD, TABLE_BITS = 32, 20
"""Bytes by which pieces are looked up, and the logarithm of the size of a table that knows nearly all other ones."""
HEAD_PRIME = np.uint64(0x9E3779B185EBCA87)
"""xxHash's prime 1."""

FIRST_STEP = 64
"""Bytes that are compared at once, then twice as many while they are equal."""


class Span(NamedTuple):
    """Bytes [begin, end) of a document, which stand in the query from byte `at` on; `tokens` of the query in it."""

    begin: int
    end: int
    at: int
    tokens: int


class Passage:
    """A query that is looked for in many texts."""

    def __init__(self, query: Query, length: int):
        self.query, self.length = query, length
        self._pieces = Pieces(query.data, sorted(query.anchors.values()))
        self._here: dict[int, list[int]] = {}
        for piece, place in self._pieces.places(query.data):
            self._here.setdefault(piece, []).append(place)

    def maximal_spans(self, document: bytes) -> list[Span]:
        """Every span of at least `length` tokens of the query, rising; none is part of another.

        Whatever passage of so many tokens both have is in one of them: it has an anchor of the query (find_anchors),
        and each of these is looked for in the document and extended to both sides. Neither end cuts a character.
        """
        known: dict[int, list[Span]] = {}
        found = []
        for here, there, size in islice(self._seeds(document), MOST_SEEDS):
            same = known.setdefault(there - here, [])
            if any(span.begin <= there and there + size <= span.end for span in same):
                continue
            span = _extended(self.query, document, here, there)
            same.append(span)
            if span.tokens >= self.length:
                found.append(span)
            if len(found) >= MOST_SPANS:
                break
        found.sort(key=lambda span: (span.begin, -span.end))
        alone, stop = [], -1
        for span in found:
            if span.end > stop:
                alone.append(span)
                stop = span.end
        return alone

    def _seeds(self, document: bytes) -> Iterator[tuple[int, int, int]]:
        """(byte of the query, byte of the document, bytes) where both have an anchor of the query."""
        for piece, there in self._pieces.places(document):
            size = len(self._pieces.said[piece])
            yield from ((here, there, size) for here in self._here[piece])


class Pieces:
    """P pieces of a text that are looked for in others, all at once: in time that follows the length of these."""

    def __init__(self, text: bytes, bounds: Sequence[tuple[int, int]]):
        """bounds: bytes [begin, end) of each piece; no two say the same."""
        self.said = [text[begin:end] for begin, end in bounds]
        self._size = min(HEAD, min(map(len, self.said), default=HEAD))
        self._head_P = _heads(text, self._size)[np.array([begin for begin, _ in bounds], np.int64)]
        self._may = np.zeros(1 << TABLE_BITS, bool)
        self._may[_slots(self._head_P)] = True

    def places(self, text: bytes) -> Iterator[tuple[int, int]]:
        """(piece, byte where it stands in a text), rising."""
        head_B = _heads(text, self._size)
        at_C = np.flatnonzero(self._may[_slots(head_B)])
        at_C = at_C[np.argsort(head_B[at_C], kind="stable")]
        head_C = head_B[at_C]
        first_P, last_P = (np.searchsorted(head_C, self._head_P, side).tolist() for side in ("left", "right"))
        for piece, (first, last) in enumerate(zip(first_P, last_P, strict=True)):
            yield from ((piece, at) for at in at_C[first:last].tolist() if text.startswith(self.said[piece], at))


def _slots(head_B: np.ndarray) -> np.ndarray:
    return (head_B >> np.uint64(64 - TABLE_BITS)).astype(np.int64)


def _heads(text: bytes, size: int) -> np.ndarray:
    """uint64: a hash of the `size` bytes from each byte of a text on, of which so many are left."""
    count = max(0, len(text) - size + 1)
    word_B = np.ndarray(len(text) + 1, "<u8", text + bytes(8), strides=(1,))
    head_B = (word_B[:count] & np.uint64((1 << 8 * min(size, 8)) - 1)) * HEAD_PRIME
    for at in range(8, size, 8):
        begin = min(at, size - 8)
        head_B ^= head_B >> np.uint64(32)
        head_B += word_B[begin : begin + count]
        head_B *= HEAD_PRIME
    return head_B


def _extended(query: Query, document: bytes, here: int, there: int) -> Span:
    data = query.data
    end = here + _equal(data, here, document, there, 1)
    begin = here - _equal(data, here, document, there, -1)
    while begin < end and data[begin] & 0xC0 == 0x80:
        begin += 1
    while begin < end < len(data) and data[end] & 0xC0 == 0x80:
        end -= 1
    tokens = bisect_right(query.end, end) - bisect_left(query.begin, begin)
    return Span(begin + there - here, end + there - here, begin, max(0, tokens))


def _equal(one: bytes, here: int, other: bytes, there: int, way: int) -> int:
    """How many bytes are equal from two places on, or (way -1) before them; in time that follows their number."""
    room = min(len(one) - here, len(other) - there) if way > 0 else min(here, there)

    def alike(done: int, size: int) -> bool:
        begin = done if way > 0 else -done - size
        return one[here + begin : here + begin + size] == other[there + begin : there + begin + size]

    same, size = 0, FIRST_STEP
    while same < room:
        size = min(size, room - same)
        if not alike(same, size):
            break
        same, size = same + size, size * 2
    else:
        return same
    while size > 1:  # within so many bytes two differ
        half = size // 2
        same, size = (same + half, size - half) if alike(same, half) else (same, half)
    return same
