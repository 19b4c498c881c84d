"""An expression as a deterministic automaton over the bytes of UTF-8.

Thompson's construction (1968), then subsets; a set of characters becomes the smallest tree of byte ranges (as in RE2).

Letters: S states, the dead one last.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.structure.expressions import Characters, Either, Expression, Joined, Repeated

MOST_STATES, MOST_PARTS = 10_000, 100_000
BytesRange = tuple[tuple[int, int], ...]
"""First and last byte at each place: together some range of code points."""


@dataclass(frozen=True)
class Automaton:
    """It begins in state 0."""

    table_SB: np.ndarray
    """int32 (S, 256): the state after a byte; S - 1 is the dead one, which no byte leaves."""
    accepts_S: np.ndarray
    """bool: whether what was read may end here."""

    @property
    def dead(self) -> int:
        """From where nothing is accepted."""
        return len(self.table_SB) - 1

    def accepts(self, data: bytes) -> bool:
        """Whether these bytes are wanted, as a whole."""
        state = 0
        for byte in data:
            state = int(self.table_SB[state, byte])
        return bool(self.accepts_S[state])


def automaton(expression: Expression, where: str) -> Automaton:
    """Raises ConfigError for an expression that needs too many states."""
    try:
        made = _Parts()
        end = made.add(expression, made.new())
        return _subsets(made, end)
    except (_TooLargeError, RecursionError):
        raise ConfigError(
            f"what is wanted needs more than {MOST_STATES:,} states",
            where=where,
            fix=r"smaller numbers in {}, minLength, maxLength, or *; a smaller set than \w; fewer optional properties",
        ) from None


class _TooLargeError(Exception):
    """A bound is passed."""


class _Parts:
    """States of an automaton that may be in several at a time."""

    def __init__(self) -> None:
        self.edges: list[list[tuple[int, int, int]]] = []
        """Of each state: first byte, last byte, next state."""
        self.free: list[list[int]] = []
        """Of each state: the ones that it is also in, without a byte."""

    def new(self) -> int:
        """A state."""
        if len(self.edges) > MOST_PARTS:
            raise _TooLargeError
        self.edges.append([])
        self.free.append([])
        return len(self.edges) - 1

    def add(self, expression: Expression, start: int) -> int:
        """The state behind an expression that begins in `start`; no edge leads back to `start`."""
        match expression:
            case Characters(ranges):
                return self._characters(ranges, start)
            case Joined(parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Either(options):
                end = self.new()
                for option in options:
                    self.free[self.add(option, self._behind(start))].append(end)
                return end
            case Repeated(part, least, most):
                return self._repeated(part, least, most, start)

    def _repeated(self, part: Expression, least: int, most: int | None, start: int) -> int:
        for _ in range(least):
            before, start = start, self.add(part, start)
            if start == before:  # an empty part: any number of them is nothing
                return start
        if most is None:
            loop = self._behind(start)
            self.free[self.add(part, loop)].append(loop)
            return self._behind(loop)
        end = self._behind(start)
        for _ in range(most - least):
            start = self.add(part, self._behind(start))
            self.free[start].append(end)
        return end

    def _behind(self, state: int) -> int:
        found = self.new()
        self.free[state].append(found)
        return found

    def _characters(self, ranges: tuple[tuple[int, int], ...], start: int) -> int:
        count, shape = _shape(ranges)
        end = self.new()
        states = [start, end, *(self.new() for _ in range(count - 2))]
        for begin, low, high, after in shape:
            self.edges[states[begin]].append((low, high, states[after]))
        return end


def _subsets(parts: _Parts, end: int) -> Automaton:
    bounds = sorted({0, 256}.union(*({low, high + 1} for edges in parts.edges for low, high, _ in edges)))
    kind_of = {byte: kind for kind, byte in enumerate(bounds)}
    closures: dict[int, frozenset[int]] = {}

    def closure(state: int) -> frozenset[int]:
        if state not in closures:
            found, todo = {state}, [state]
            while todo:
                fresh = [one for one in parts.free[todo.pop()] if one not in found]
                found.update(fresh)
                todo += fresh
            closures[state] = frozenset(one for one in found if parts.edges[one] or one == end)
        return closures[state]

    first = closure(0)
    numbers: dict[frozenset[int], int] = {first: 0}
    todo, rows = [first], list[dict[int, int]]()
    for states in todo:  # grows
        targets = defaultdict[int, set[int]](set)
        for state in states:
            for low, high, after in parts.edges[state]:
                for kind in range(kind_of[low], kind_of[high + 1]):
                    targets[kind] |= closure(after)
        row = {}
        for kind, found in targets.items():
            reached = frozenset(found)
            if reached not in numbers:
                if len(numbers) >= MOST_STATES:
                    raise _TooLargeError
                numbers[reached] = len(numbers)
                todo.append(reached)
            row[kind] = numbers[reached]
        rows.append(row)
    table_SB = np.full((len(todo) + 1, 256), len(todo), np.int32)
    for number, row in enumerate(rows):
        for kind, after in row.items():
            table_SB[number, bounds[kind] : bounds[kind + 1]] = after
    accepts_S = np.array([*(end in states for states in todo), False])
    return Automaton(table_SB, accepts_S)


@cache
def _shape(ranges: tuple[tuple[int, int], ...]) -> tuple[int, list[tuple[int, int, int, int]]]:
    """(number of states, edges) of a set of characters from state 0 to state 1; equal tails are one."""
    numbers: dict[frozenset[BytesRange], int] = {frozenset([()]): 1}
    edges: list[tuple[int, int, int, int]] = []

    def node(tails: frozenset[BytesRange]) -> int:
        if tails in numbers:
            return numbers[tails]
        number = numbers[tails] = len(numbers) if len(numbers) > 1 else 0  # 1 is the end
        cuts = sorted({cut for tail in tails for cut in (tail[0][0], tail[0][1] + 1)})
        for low, above in pairwise(cuts):
            rest = frozenset(tail[1:] for tail in tails if tail[0][0] <= low and above - 1 <= tail[0][1])
            if rest:
                edges.append((number, low, above - 1, node(rest)))
        return number

    node(frozenset(one for low, high in ranges for one in byte_ranges(low, high)))
    return len(numbers), edges


def byte_ranges(low: int, high: int) -> Iterator[BytesRange]:
    """The UTF-8 of the code points from `low` to `high`, none of which is a surrogate, as sequences of byte ranges."""
    for last in (0x7F, 0x7FF, 0xFFFF):
        if low <= last < high:
            yield from byte_ranges(low, last)
            yield from byte_ranges(last + 1, high)
            return
    size = len(chr(low).encode())
    for place in range(1, size):
        tail = (1 << (6 * place)) - 1
        if low & ~tail != high & ~tail:
            if low & tail:
                yield from byte_ranges(low, low | tail)
                yield from byte_ranges((low | tail) + 1, high)
                return
            if high & tail != tail:
                yield from byte_ranges(low, (high & ~tail) - 1)
                yield from byte_ranges(high & ~tail, high)
                return
    yield _zipped(chr(low).encode(), chr(high).encode())


def _zipped(first: Sequence[int], last: Sequence[int]) -> BytesRange:
    return tuple(zip(first, last, strict=True))
