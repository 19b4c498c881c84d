"""What a text and a document have in common: maximal spans that stand in both, byte for byte."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from gristmill.filters.dedup.substrings import Query

MOST_SPANS, MOST_SEEDS = 1_000, 100_000
"""Of a document that are looked at: what repeats one word for ever has as many as it has words."""


FIRST_STEP = 64
"""Bytes that are compared at once, then twice as many while they are equal."""


class Span(NamedTuple):
    """Bytes [begin, end) of a document, which stand in the query from byte `at` on; `tokens` of the query in it."""

    begin: int
    end: int
    at: int
    tokens: int


def maximal_spans(query: Query, document: bytes, length: int) -> list[Span]:
    """Every span of at least `length` tokens of the query, rising; none is part of another.

    Whatever passage of so many tokens both have is in one of them: it has an anchor of the query (find_anchors), and
    each of these is looked for in the document and extended to both sides. Neither end cuts a character.
    """
    known: dict[int, list[Span]] = {}
    found = []
    for here, there, size in islice(_seeds(query, document), MOST_SEEDS):
        same = known.setdefault(there - here, [])
        if any(span.begin <= there and there + size <= span.end for span in same):
            continue
        span = _extended(query, document, here, there)
        same.append(span)
        if span.tokens >= length:
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


def _seeds(query: Query, document: bytes) -> Iterator[tuple[int, int, int]]:
    """(byte of the query, byte of the document, bytes) where both have an anchor of the query."""
    for begin, end in sorted(query.anchors.values()):
        gram = query.data[begin:end]
        places = list(_places(gram, query.data))
        for there in _places(gram, document):
            yield from ((here, there, len(gram)) for here in places)


def _places(part: bytes, whole: bytes) -> Iterator[int]:
    at = whole.find(part)
    while at >= 0:
        yield at
        at = whole.find(part, at + 1)


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
