"""What may be written, as a tree: the common form of choices, regular expressions and JSON schemas."""

from collections.abc import Sequence
from dataclasses import dataclass

Range = tuple[int, int]
"""First and last code point."""
LAST = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)
"""No UTF-8 spells them."""


@dataclass(frozen=True)
class Characters:
    """One character of a set."""

    ranges: tuple[Range, ...]
    """In order, apart from each other, without surrogates: `characters` makes them so."""


@dataclass(frozen=True)
class Joined:
    """All parts, one behind the other; of none the empty text."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Either:
    """One of the options; of none nothing at all."""

    options: tuple["Expression", ...]


@dataclass(frozen=True)
class Repeated:
    """A part from `least` to `most` times; None: without end."""

    part: "Expression"
    least: int
    most: int | None


Expression = Characters | Joined | Either | Repeated


def characters(ranges: Sequence[Range]) -> Characters:
    """The set of these ranges, in any order."""
    first, last = SURROGATES
    whole: list[Range] = []
    for low, high in sorted(ranges):
        if whole and low <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(high, whole[-1][1]))
        else:
            whole.append((low, high))
    parts = (part for low, high in whole for part in ((low, min(high, first - 1)), (max(low, last + 1), high)))
    return Characters(tuple((low, high) for low, high in parts if low <= high))


def others(ranges: Sequence[Range]) -> Characters:
    """The set of all other characters."""
    gaps, at = [], 0
    for low, high in sorted(ranges):
        gaps.append((at, low - 1))
        at = max(at, high + 1)
    return characters([(low, high) for low, high in [*gaps, (at, LAST)] if low <= high])


def text(said: str) -> Joined:
    """Exactly this text."""
    return Joined(tuple(characters([(ord(one), ord(one))]) for one in said))


def optional(part: Expression) -> Repeated:
    """The part, or nothing."""
    return Repeated(part, 0, 1)
