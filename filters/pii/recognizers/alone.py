"""Values without a text around them: in an id, an address, a file name or a field of a record.

A name only labels a document, so here more is taken than in a text: an address goes on in a word (`li@x.org-7`,
`li@qq.com.txt`), and a Chinese mobile number needs no word before it.
"""

from collections.abc import Iterator

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.generic import LETTER, EmailRecognizer, suffixes
from gristmill.filters.pii.recognizers.patterns import FLAGS
from gristmill.filters.pii.scan import Match

_SCORE = 0.5


class AddressAlone(EmailRecognizer):
    """An e-mail address up to the last label of its domain that is a public suffix."""

    _LOCAL_AND_HOST = regex.compile(
        rf"[{LETTER}_][{LETTER}_.%+-]{{0,63}}+@((?:[{LETTER}-]{{1,63}}+\.){{1,8}}(?:xn--[a-z0-9-]{{2,59}}|[A-Za-z]{{2,24}}))",
        FLAGS,
    )

    def matches(self, text: str) -> list[Match]:
        """(start, end, score), in order."""
        return list(self._found(text))

    def _found(self, text: str) -> Iterator[Match]:
        for match in self._LOCAL_AND_HOST.finditer(text):
            labels = match[1].split(".")
            for count in range(len(labels), 1, -1):
                host = ".".join(labels[:count])
                end = match.start(1) + len(host)
                if labels[count - 1].isalpha() and suffixes()(host).fqdn and self.keep(text, match.start(), end):
                    yield match.start(), end, _SCORE
                    break


class MobileAlone(PatternRecognizer):
    """A Chinese mobile number between anything but letters and digits."""

    def __init__(self) -> None:
        number = r"(?<![A-Za-z0-9])(?:(?:\+|00)?86[ -]?)?1[3-9]\d([ -]?)\d{4}\1\d{4}(?![A-Za-z0-9])"
        super().__init__(
            supported_entity="PHONE_NUMBER", patterns=[Pattern("mobile", number, _SCORE)], global_regex_flags=FLAGS
        )
