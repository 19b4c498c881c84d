"""What a text and a document have in common: maximal spans that stand in both, byte for byte."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from gristmill.filters.dedup.substrings import Query

MOST_SPANS = 1_000
"""Of a document that are looked at: what repeats one word for ever has as many as it has words."""


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
    for here, there, size in _seeds(query, document):
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
    after = _common(data[here:], document[there : there + len(data) - here])
    before = _common(data[:here][::-1], document[max(0, there - here) : there][::-1])
    begin, end = here - before, here + after
    while begin < end and data[begin] & 0xC0 == 0x80:
        begin += 1
    while begin < end < len(data) and data[end] & 0xC0 == 0x80:
        end -= 1
    tokens = bisect_right(query.end, end) - bisect_left(query.begin, begin)
    return Span(begin + there - here, end + there - here, begin, max(0, tokens))


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    same, stop = 0, min(len(one), len(other))
    if one[:stop] == other[:stop]:
        return stop
    while stop - same > 1:
        middle = (same + stop) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            stop = middle
    return same
