"""What our recognizers share: ASCII word borders, and a last look at the words around a match."""

import regex

from gristmill.filters.pii.presidio import RecognizerResult
from gristmill.filters.pii.scan import BREAK, REACH

FLAGS = regex.ASCII | regex.DOTALL | regex.MULTILINE
r"""ASCII, so that a Chinese character is no word character: \b stands between 邮 and z, 卡 and 6."""

LEFT = r"(?<![A-Za-z0-9_])(?<!\d[.,:/+-])"
RIGHT = r"(?![A-Za-z0-9_]|[.,:/-]\d)"
"""Borders of a number that is not part of a longer one: no decimals, dates, versions, identifiers."""


def before(text: str, start: int) -> str:
    """The REACH characters before a match, or fewer where the text or the window starts."""
    left = text[max(0, start - REACH) : start]
    return left[left.rfind(BREAK) + 1 :]


def after(text: str, end: int) -> str:
    """The REACH characters after a match, or fewer where the text or the window ends."""
    right = text[end : end + REACH]
    stop = right.find(BREAK)
    return right if stop < 0 else right[:stop]


_HEX_LEFT = regex.compile(r"(?<![A-Za-z0-9])(?=[0-9A-Fa-f]*\d)(?:[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}|\d+) {1,2}$", FLAGS)
_HEX_RIGHT = regex.compile(r" {1,2}(?=[0-9A-Fa-f]*\d)(?:[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}|\d+)(?![A-Za-z0-9.,/-])", FLAGS)


def in_table(text: str, start: int, end: int) -> bool:
    """Whether text[start:end], groups with spaces between, goes on as a row of numbers or bytes: a table, a dump."""
    if " " not in text[start:end]:
        return False
    return bool(_HEX_LEFT.search(before(text, start)) or _HEX_RIGHT.match(after(text, end)))


class InContext:
    """Mix-in for a presidio PatternRecognizer: its results, less those that keep() does not want where they stand.

    keep() may look at before() and after() and no further: the scan relies on it.
    """

    global_regex_flags: int

    def __init__(self, **options: object):
        super().__init__(**options)
        self.global_regex_flags |= regex.ASCII

    def keep(self, text: str, start: int, end: int) -> bool:
        """Whether text[start:end], valid by itself, is personal data at this place."""
        return True

    def analyze(self, text: str, entities: list[str], *args: object, **options: object) -> list[RecognizerResult]:
        """As presidio's, then keep()."""
        found = super().analyze(text, entities, *args, **options)  # type: ignore[misc]
        return [result for result in found if self.keep(text, result.start, result.end)]
