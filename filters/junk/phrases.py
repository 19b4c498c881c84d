"""The phrases of filters/data/junk, as data that can be looked at, and the tables in which the kernel finds them.

A file is made of sections `[family]` and lines `anchor: phrase; phrase`; data/junk/chinese.txt says what they mean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from gristmill.filters.counters import classes
from gristmill.filters.data import lines_of
from gristmill.filters.kernels.junk import pages as junk
from gristmill.filters.kernels.junk.tokens import NUMBER, read_line
from gristmill.filters.kernels.text.unicode import LIMIT
from gristmill.filters.phrases import fold_table

FILES = ("junk/chinese.txt", "junk/english.txt")
REPEATED, NAVIGATION, RELATED = "repeated", "navigation", "related"
ADVERTISEMENT, COUNTERS = "advertisement", "counters"
"""Families that are found by more than phrases; a word of the last two goes with a number beside it."""
CHOSEN = "lines@gristmill:"
"""What the name of a preset begins with that cuts some families only."""
ADDRESSES = ("www", "http", "https", "com", "net", "org", "cn")
"""Words of web addresses: a banner holds one."""
ANY = "…"
SIGNS = "©@"
"""Signs that are read as words."""
ALONE = "!"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of a family, how it stands in what goes, and what it is made of: one part, or two with a gap between.

    alone: it goes by itself, however short it is.
    """

    family: str
    anchor: str
    parts: tuple[tuple[str, ...], ...]
    alone: bool = False


def phrases_of(name: str) -> Iterator[Phrase]:
    """The phrases of a data file, alternatives still together. Raises ValueError, naming the line, for a wrong one."""
    family = ""
    for line in lines_of(name):
        if line.startswith("["):
            family = line.strip("[]")
            continue
        anchor, _, listed = line.partition(": ")
        if anchor not in junk.ANCHORS or not family:
            raise ValueError(f"{name}: '{line[:40]}' is no `anchor: phrases` of a family")
        for written in listed.split(";"):
            if written.strip():
                parts = tuple(_alternatives(part) for part in written.split(ANY))
                for one in _alone(parts):
                    yield Phrase(family, anchor, *one)


def _alternatives(written: str) -> tuple[str, ...]:
    """`{a|b} c` -> a c, b c."""
    pieces = [piece.split("|") if at % 2 else [piece] for at, piece in enumerate(re.split(r"[{}]", written))]
    return tuple("".join(chosen).strip() for chosen in product(*pieces))


def _alone(parts: tuple[tuple[str, ...], ...]) -> Iterator[tuple[tuple[tuple[str, ...], ...], bool]]:
    marked = tuple(one.removesuffix(ALONE) for one in parts[0] if one.endswith(ALONE))
    if len(parts) > 1 or not marked:
        yield parts, False
        return
    yield (marked,), True
    if rest := tuple(one for one in parts[0] if not one.endswith(ALONE)):
        yield (rest,), False


@cache
def families() -> tuple[str, ...]:
    """Their names, in order of appearance; the place of a name, from 1, is its number in the kernel."""
    found = dict.fromkeys(phrase.family for name in FILES for phrase in phrases_of(name))
    return (*found, REPEATED)


def chosen_families(name: str) -> tuple[str, ...] | None:
    """Those of `lines@gristmill:FAMILY+FAMILY`; None for another name, an unknown family, or one that stands twice."""
    if not name.startswith(CHOSEN):
        return None
    chosen = tuple(name.removeprefix(CHOSEN).split("+"))
    return chosen if len({*chosen} & {*families()}) == len(chosen) else None


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What kernels.junk.read_pages reads, in the order of its arguments."""

    symbol_C: np.ndarray
    start_Y: np.ndarray
    key_K: np.ndarray
    next_K: np.ndarray
    word_W: np.ndarray
    symbol_W: np.ndarray
    family_SA: np.ndarray
    opens_S1: np.ndarray
    opens_X: np.ndarray
    closes_S1: np.ndarray
    closes_X: np.ndarray
    family_G: np.ndarray


class _Trie:
    """Tokens -> states, while it is built."""

    def __init__(self) -> None:
        self.next: dict[tuple[int, int], int] = {}
        self.symbols: dict[int, int] = {}
        self.states = 1
        raw_C = np.arange(LIMIT, dtype=np.int32)
        raw_C[classes() & 2 == 0] = 0  # ALNUM
        for sign in SIGNS:
            raw_C[ord(sign)] = ord(sign)
        self._raw_C = raw_C

    def tokens(self, phrase: str) -> list[int]:
        """As the kernel reads a line: numbers as they are, words by hash, characters by code point."""
        data_B = np.frombuffer(phrase.encode(), np.uint8)
        room = len(data_B) + 1
        hash_T, quoted_T, follow_T = (np.empty(room, kind) for kind in (np.uint64, np.bool_, np.int8))
        bytes_T, piece_P2 = [np.empty(room, np.int64) for _ in range(4)], np.empty((room, 2), np.int64)
        count = read_line(
            data_B, 0, len(data_B), classes(), fold_table(), self._raw_C, hash_T, *bytes_T[:2], quoted_T, follow_T,
            piece_P2, *bytes_T[2:],
        )[0]  # fmt: skip
        return [int(h) for h in hash_T[: max(count, 0)]]

    def symbol(self, token: int) -> int:
        if token == NUMBER << 1:
            return NUMBER
        if not token & 1:
            token = int(fold_table()[token >> 1]) << 1
        return self.symbols.setdefault(token, junk.FIRST + len(self.symbols))

    def add(self, tokens: list[int]) -> int:
        state = 0
        for token in tokens:
            key = state, self.symbol(token)
            if key not in self.next:
                self.next[key] = self.states
                self.states += 1
            state = self.next[key]
        return state


@cache
def tables() -> Tables:
    """The shipped phrases, compiled. Raises ValueError for a phrase without a letter or digit."""
    trie = _Trie()
    number_of = {name: number for number, name in enumerate(families(), 1)}
    ends: list[tuple[int, int, int]] = []
    opens: list[tuple[int, int]] = []
    closes: list[tuple[int, int]] = []
    family_G: list[int] = []
    for phrase in (phrase for name in FILES for phrase in phrases_of(name)):
        family = number_of[phrase.family]
        if len(phrase.parts) == 1:
            for written in phrase.parts[0]:
                tokens = trie.tokens(written.replace("#", "1"))
                ends.append((trie.add(tokens), _anchor(phrase, written, tokens), family))
                if (phrase.family, phrase.anchor) == (COUNTERS, "is"):
                    number = [NUMBER << 1]
                    ends += [(trie.add(row), junk.IS, family) for row in (number + tokens, tokens + number)]
            continue
        first, second = ([trie.add(trie.tokens(one.replace("#", "1"))) for one in part] for part in phrase.parts)
        opens += [(state, len(family_G)) for state in first]
        closes += [(state, len(family_G)) for state in second]
        family_G.append(family)
        if 0 in (*first, *second):
            raise ValueError(f"a phrase of {phrase.family} has a part without letters: {phrase.parts}")
    address = {trie.tokens(word)[0] for word in ADDRESSES}
    family_SA = np.zeros((trie.states, junk.PATHS + 1), np.uint8)
    for state, anchor, family in reversed(ends):
        family_SA[state, anchor] = family
    by_state = (*_lists(opens, trie.states), *_lists(closes, trie.states))
    arrays = (*_symbols(trie, address), family_SA, *by_state, np.array(family_G, np.int64))
    return Tables(*arrays)


MARKS = {**dict.fromkeys("：:（(】]/丨｜|", junk.LABELS), "_": junk.SPACED, ">": junk.PATHS}
"""What has to follow a phrase that a piece begins with, by its last character."""


def _anchor(phrase: Phrase, written: str, tokens: list[int]) -> int:
    """A short word that can stand in any text is a name of a menu. Raises ValueError for a phrase without letters."""
    anchor = junk.ANCHORS.index(phrase.anchor)
    units = sum(junk.WORD_UNITS if token & 1 else token != NUMBER << 1 for token in tokens)
    if not units:
        raise ValueError(f"a phrase of {phrase.family} has no letter: '{written}'")
    if anchor == junk.BEGINS:
        return MARKS.get(written[-1], anchor)
    return junk.MENU if anchor == junk.IS and units <= junk.WORD_UNITS and not phrase.alone else anchor


def _symbols(trie: _Trie, address: set[int]) -> tuple[np.ndarray, ...]:
    """symbol_C, start_Y, key_K, next_K, word_W, symbol_W."""
    symbol_C = np.zeros(LIMIT, np.int32)
    known = {token >> 1: symbol for token, symbol in trie.symbols.items() if not token & 1}
    symbol_C[list(known)] = list(known.values())
    symbol_C = symbol_C[fold_table()]
    words = {token: symbol for token, symbol in trie.symbols.items() if token & 1}
    words |= {token: junk.ADDRESS for token in address if token not in words}
    keys = {state << 20 | symbol: after for (state, symbol), after in trie.next.items()}
    start_Y = np.zeros(junk.FIRST + len(trie.symbols), np.int32)
    for (state, symbol), after in trie.next.items():
        if state == 0:
            start_Y[symbol] = after
    return symbol_C, start_Y, *_table(keys), *_table(words)


def _table(values: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    room = 1 << (2 * len(values) + 1).bit_length()
    key_K, value_K = np.zeros(room, np.uint64), np.zeros(room, np.int32)
    junk.fill(np.array(list(values), np.uint64), np.array(list(values.values()), np.int32), key_K, value_K)
    return key_K, value_K


def _lists(pairs: list[tuple[int, int]], states: int) -> tuple[np.ndarray, np.ndarray]:
    """(first_S1, number_X): the numbers that belong to each state."""
    ordered = sorted(set(pairs))
    first_S1 = np.searchsorted([state for state, _ in ordered], np.arange(states + 1)).astype(np.int64)
    return first_S1, np.array([number for _, number in ordered], np.int64)
