"""What our recognizers share: ASCII word borders, and a last look at the words around a match."""

import string
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import ClassVar

import regex

from gristmill.filters.pii.presidio import Pattern, RecognizerResult
from gristmill.filters.pii.recognizers.runs import bits, runs
from gristmill.filters.pii.scan import BREAK, REACH, Match

REMEMBERED = 1 << 12
"""Values, and places, of which a recognizer remembers what it said."""

FLAGS = regex.ASCII | regex.DOTALL | regex.MULTILINE
r"""ASCII, so that a Chinese character is no word character: \b stands between 邮 and z, 卡 and 6."""

LEFT = r"(?<![A-Za-z0-9_])(?<!\d[.,:/+-])"
RIGHT = r"(?![A-Za-z0-9_]|[.,:/-]\d)"
"""Borders of a number that is not part of a longer one: no decimals, dates, versions, identifiers."""


def apart(*words: str, begins: str = "", ends: str = "") -> str:
    """What a value begins with, where before it there is neither letter nor digit, or one of the words in Latin letters
    that people write against theirs, `ID`, `Card`, `SSN`. Where `begins`, of one length, is given, the border is looked
    back for from behind it: at most places there is none, and that is found five times as fast. No match of `ends`
    stands before, either."""
    border = rf"(?:(?<![A-Za-z0-9_])|(?<=(?<![A-Za-z])(?i:{'|'.join(words)})))"
    return rf"{begins}(?<={border}{begins})" + (rf"(?<!{ends}{begins})" if ends else "")


def before(text: str, start: int) -> str:
    """The REACH characters before a match, or fewer where the text or the window starts."""
    left = text[max(0, start - REACH) : start]
    return left[left.rfind(BREAK) + 1 :] if BREAK in left else left


def after(text: str, end: int) -> str:
    """The REACH characters after a match, or fewer where the text or the window ends."""
    right = text[end : end + REACH]
    return right[: right.find(BREAK)] if BREAK in right else right


_HEX_LEFT = regex.compile(r"(?<![A-Za-z0-9])(?=[0-9A-Fa-f]*\d)(?:[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}|\d+) {1,2}$", FLAGS)
_HEX_RIGHT = regex.compile(r" {1,2}(?=[0-9A-Fa-f]*\d)(?:[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}|\d+)(?![A-Za-z0-9.,/-])", FLAGS)


def in_table(text: str, start: int, end: int) -> bool:
    """Whether text[start:end], groups with spaces between, goes on as a row of numbers or bytes: a table, a dump."""
    if " " not in text[start:end]:
        return False
    return bool(_HEX_LEFT.search(before(text, start)) or _HEX_RIGHT.match(after(text, end)))


CONTEXT_CHARS = 60
"""Characters before a match in which a word of context counts: presidio looks at five words."""
CONTEXT_BOOST, CONTEXT_LEAST = 0.35, 0.4
"""presidio's: what such a word adds to a score, and what that becomes at least (LemmaContextAwareEnhancer)."""


def with_context(text: str, matches: list[Match], words: tuple[str, ...]) -> list[Match]:
    """The matches, surer where a word of context stands in the five words before, or begins one of the two behind, as
    presidio's engine does with a model's lemmas; ours are the words as they are written."""
    found = []
    for start, end, score in matches:
        near = regex.findall(r"[^\s,;:()\[\]\"']+", text[max(0, start - CONTEXT_CHARS) : start].lower())[-5:]
        near += regex.findall(r"[^\s,;:()\[\]\"']+", text[end : end + CONTEXT_CHARS // 2].lower())[:2]
        said = " ".join(near)
        if any(word.lower() in said for word in words):
            score = max(min(score + CONTEXT_BOOST, 1.0), CONTEXT_LEAST)
        found.append((start, end, score))
    return found


def outer(found: set[Match]) -> list[Match]:
    """Those that are not within another of no less score, in order."""
    kept: list[Match] = []
    reaching: list[Match] = []
    for start, end, score in sorted(found, key=lambda m: (m[0], -m[1], -m[2])):
        reaching = [other for other in reaching if other[1] >= start]
        if not any(end <= other[1] and score <= other[2] for other in reaching):
            kept.append((start, end, score))
            reaching.append((start, end, score))
    return kept


def _behind(word: str, pattern: regex.Pattern, text: str) -> Iterator[regex.Match]:
    """What finditer() gives of a pattern whose matches all begin behind a word."""
    size, at = len(word), text.find(word)
    while at >= 0:
        match = pattern.match(text, at + size)
        if match:
            yield match
            at = text.find(word, max(at + 1, match.end() - size))
        else:
            at = text.find(word, at + 1)


@lru_cache(maxsize=4)
def in_small_letters(text: str) -> str:
    """A text with its capitals as small letters, character for character."""
    small = text.lower()
    return small if len(small) == len(text) else text.translate(_SMALL)  # İ becomes two


_SMALL = {ord(c): c.lower() for c in string.ascii_uppercase}


class InContext:
    """Mix-in for a presidio PatternRecognizer: its results, less those that keep() does not want where they stand.

    keep() sees REACH characters to either side, up to a BREAK, and no more: the scan relies on it. What it and the
    validation of presidio's class say is remembered, because pages repeat themselves. Results are presidio's, made
    without its explanations, which cost five times what finding them does.
    """

    global_regex_flags: int
    patterns: list
    supported_entities: list[str]
    NEEDS: ClassVar[dict[str, str]] = {}
    """By name of a pattern, what stands in each of its matches."""
    FOLLOWS: ClassVar[dict[str, str]] = {}
    """By name of a pattern, what each of its matches begins behind: a pattern that begins by looking back is tried at
    each character, at the cost of a hundred that are searched for a word."""
    DIGITS: ClassVar[dict[str, Iterable[int]]] = {}
    WORDS: ClassVar[dict[str, Iterable[int]]] = {}
    """By name of a pattern, lengths of runs of digits, or of letters and digits, of which each of its matches holds one
    whole (runs.py)."""

    def __init__(self, **options: object):
        super().__init__(**options)
        self.global_regex_flags |= regex.ASCII
        self._digits, self._words = ({n: bits(r) for n, r in one.items()} for one in (self.DIGITS, self.WORDS))
        self._valid = lru_cache(maxsize=REMEMBERED)(self._validated)
        self._keeps = lru_cache(maxsize=REMEMBERED)(self._kept)

    def keep(self, text: str, start: int, end: int) -> bool:
        """Whether text[start:end], valid by itself, is personal data at this place."""
        return True

    def _validated(self, value: str) -> bool | None:
        """presidio's two validations in one: None leaves the pattern's score."""
        valid: bool | None = self.validate_result(value)  # type: ignore[attr-defined]
        return False if self.invalidate_result(value) else valid  # type: ignore[attr-defined]

    def _kept(self, left: str, value: str, right: str) -> bool:
        return self.keep(left + value + right, len(left), len(left) + len(value))

    def _can_match(self, name: str, text: str) -> bool:
        """Whether there is a run of the right length."""
        if name not in self._digits and name not in self._words:
            return True
        digits, words = runs(text)
        return bool(self._digits.get(name, -1) & digits and self._words.get(name, -1) & words)

    def _of_pattern(self, pattern: Pattern, text: str) -> list[Match]:
        """What one pattern matches and validation leaves, in order, apart."""
        if self.NEEDS.get(pattern.name, "") not in text or not self._can_match(pattern.name, text):
            return []
        if pattern.compiled_regex is None or pattern.compiled_with_flags != self.global_regex_flags:
            pattern.compiled_with_flags = self.global_regex_flags
            pattern.compiled_regex = regex.compile(pattern.regex, self.global_regex_flags)
        found, valid = [], self._valid
        follows = self.FOLLOWS.get(pattern.name)
        compiled = pattern.compiled_regex
        for match in _behind(follows, compiled, text) if follows else compiled.finditer(text):
            said = valid(match[0]) if match[0] else False
            if said is not False:
                found.append((*match.span(), 1.0 if said else pattern.score))
        return found

    def matches(self, text: str) -> list[Match]:
        """(start, end, score) of what counts, in order; of those within another of no less score the outer alone."""
        found = [matches for pattern in self.patterns if (matches := self._of_pattern(pattern, text))]
        kept = found[0] if len(found) == 1 else outer({match for matches in found for match in matches})
        if type(self).keep is InContext.keep:
            return kept
        keeps = self._keeps
        if BREAK in text:
            return [
                match
                for match in kept
                if keeps(before(text, match[0]), text[match[0] : match[1]], after(text, match[1]))
            ]
        return [
            (a, b, score) for a, b, score in kept if keeps(text[max(0, a - REACH) : a], text[a:b], text[b : b + REACH])
        ]

    def analyze(self, text: str, entities: list[str], *args: object, **options: object) -> list[RecognizerResult]:
        """As presidio's, then keep()."""
        (entity,) = self.supported_entities
        return [RecognizerResult(entity, *match) for match in self.matches(text)]
