"""Two texts side by side: what differs, and a little of what they share around it."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gristmill.filters.patterns import lazy_pattern

COMPARED = 10_000
"""Characters of a text that are compared."""

PASSAGES = 600
"""Characters of a text that are shown."""

CONTEXT = 60
"""Characters that both texts have, shown on either side of a difference."""

GAP = " … "
"""Stands for what both texts have and neither shows."""

_SENTENCES = lazy_pattern(r"[^\n。！？.!?]*[\n。！？.!?]+|[^\n。！？.!?]+")
_WORDS = lazy_pattern(r"[^\W_㐀-鿿぀-ヿ]+|\s+|.", re.DOTALL)
"""What two texts are compared by: words, runs of space, single marks and single Han or Kana characters."""

_PAIRS = 1_000_000
"""Pieces of one text times pieces of the other: beyond, what is common in a text is no place to begin a match at."""

Block = tuple[str, str]
"""What stands in the two texts between their neighbours; the same in both where they agree."""


@dataclass(frozen=True)
class Span:
    """A piece of a text; `differs` when the text beside it does not have it."""

    text: str
    differs: bool


Side = list[Span]


def differing(text: str, other: str) -> tuple[Side, Side]:
    """Two texts in spans, those marked that the other one does not have: word by word, Han character by character."""
    return _sides(list(_blocks(text, other)))


def passages(text: str, other: str, limit: int = PASSAGES) -> tuple[Side, Side]:
    """As `differing`, but only the passages that differ, each with CONTEXT characters of what stands around it.

    What is left out reads GAP on both sides at the same place, and neither side is much longer than `limit`. Only the
    first COMPARED characters are looked at. Equal texts show how they begin.
    """
    blocks = list(_blocks(text[:COMPARED], other[:COMPARED]))
    if len(blocks) < 2:
        blocks = [(_cut(left, limit), _cut(right, limit)) for left, right in blocks]
    shown: list[Block] = []
    size = 0
    for number, (left, right) in enumerate(blocks):
        if size >= limit:
            shown.append((GAP, GAP))
            break
        if left == right and len(blocks) > 1:
            left = right = _context(left, number > 0, number < len(blocks) - 1)
        else:
            left, right = _cut(left, limit - size), _cut(right, limit - size)
        shown.append((left, right))
        size += max(len(left), len(right))
    return _sides(shown)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + GAP


def _context(text: str, behind: bool, before: bool) -> str:
    """What is shown of a stretch that both texts have, with a difference before it (`behind`), after it, or both."""
    head, tail = CONTEXT * behind, CONTEXT * before
    if len(text) <= head + tail + len(GAP):
        return text
    return text[:head] + GAP + text[len(text) - tail :]


def _sides(blocks: list[Block]) -> tuple[Side, Side]:
    return (
        [Span(left, left != right) for left, right in blocks if left],
        [Span(right, left != right) for left, right in blocks if right],
    )


def _blocks(text: str, other: str) -> Iterator[Block]:
    """The two texts in stretches, in order, that they share and that they do not; neighbours are of different kinds."""
    same, left, right = "", "", ""
    for a, b in _pieces(text, other):
        if a == b:
            if left or right:
                yield from ([(same, same)] if same else [])
                yield left, right
                same, left, right = "", "", ""
            same += a
        else:
            left, right = left + a, right + b
    yield from ([(same, same)] if same else [])
    yield from ([(left, right)] if left or right else [])


def _pieces(text: str, other: str) -> Iterator[Block]:
    """Sentences that both have; within those that differ, words that both have."""
    for mine, its in _matched(_SENTENCES.findall(text), _SENTENCES.findall(other)):
        if mine == its:
            yield mine, its
        else:
            yield from _matched(_WORDS.findall(mine), _WORDS.findall(its))


def _matched(mine: Sequence[str], its: Sequence[str]) -> Iterator[Block]:
    """Stretches of two lists of pieces, joined: those that both have, and those between them."""
    most = min(len(mine), len(its))
    head = next((i for i in range(most) if mine[i] != its[i]), most)
    tail = next((i for i in range(most - head) if mine[-1 - i] != its[-1 - i]), most - head)
    yield "".join(mine[:head]), "".join(its[:head])
    a, b = mine[head : len(mine) - tail], its[head : len(its) - tail]
    matcher = difflib.SequenceMatcher(a=a, b=b, autojunk=len(a) * len(b) > _PAIRS)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        yield "".join(a[i1:i2]), "".join(b[j1:j2])
    yield "".join(mine[len(mine) - tail :]), "".join(its[len(its) - tail :])
