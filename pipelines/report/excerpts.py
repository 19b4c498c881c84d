"""What may be quoted from documents, addresses and messages: scrubbed first, then cut, control characters visible.

No personal data in a report (design.md 11.5): nothing reaches model.Report from a document except through here.
"""

import functools
import re
from collections.abc import Callable
from urllib.parse import unquote

from gristmill.filters.pii.entities import ENTITIES, SETS, without_models
from gristmill.pipelines.errors import inert
from gristmill.pipelines.storage.layout import RECIPE
from gristmill.pipelines.storage.store import Store

EXCERPT = 600
"""Characters of a document that a report shows."""

NAME = 200
"""Characters of an id, an address, a file name or a message that a report shows."""

_AHEAD = 400
"""Characters scrubbed beyond what is shown, and not shown: personal data that straddles a cut is found whole.
The longest addresses that a recognizer takes (RFC 5321: 254) fit."""

# In an id or address a value stands without what a recognizer expects around it (`li@x.org-7`, `13812345678.x.org`). A
# name only labels a document, so here more is masked than in a text: all that joins with @ (and thereby passwords in
# addresses), Chinese mobile numbers, and digits as many as identity and card numbers have.
_IN_NAMES = (
    (re.compile(r"(?<![^\s/?&=#:;,<>()|])[^\s/?&=#:;,<>()|]+@[^\s/?&=#:;,<>()|]+"), "<EMAIL_ADDRESS>"),
    (re.compile(r"(?<![0-9])(?:1[3-9][0-9]{9}|[0-9]{15,19}[Xx]?)(?![0-9])"), "<NUMBER>"),
)

_FACTORS = (1, 4, 16)
"""A text that the scrubber shortens (a list of addresses) is read further: at most so many times as far."""

# NUL and other controls would be dropped or rewritten by a browser; U+2400.. are their pictures. Tab and newline stay.
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421, 0xFFFE: 0xFFFD}
_PICTURES |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
# What turns the direction of all that follows, and halves of surrogate pairs, which no file can hold.
_PICTURES |= {
    code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000))
}


class Excerpts:
    """Quotes texts through one scrubber."""

    def __init__(self, scrub: Callable[[str], str]):
        self._scrub = scrub
        self._names = functools.lru_cache(maxsize=4096)(self._name)

    def name(self, text: str) -> str:
        """An id, address, file name or error message on one line, at most NAME characters."""
        return self._names(text)

    def optional(self, text: str | None) -> str | None:
        """As `name`, for what may be missing."""
        return None if text is None else self.name(text)

    def excerpt(self, text: str, limit: int = EXCERPT) -> tuple[str, bool]:
        """The first `limit` characters (a few less where the scrubber shortened them), and whether that is not all."""
        shown, whole = self._first(text, limit, self._scrub)
        return _visible(shown).rstrip(), not whole

    def around(self, text: str, found: re.Match[str], reach: int = 40) -> str:
        """A place of an already scrubbed text with what stands around it, scrubbed again, on one line."""
        ahead = max(0, found.start() - reach - _AHEAD)
        before = self._scrub(text[ahead : found.start()])[-reach:]
        after = self._first(text[found.end() :], reach, self._scrub)[0]
        return " ".join(_visible(f"{before}{found.group()}{after}").split())

    def _first(self, text: str, limit: int, scrub: Callable[[str], str]) -> tuple[str, bool]:
        """The beginning of the scrubbed text, and whether it is all. Only as much is scrubbed as is needed for that."""
        for length in ((limit + _AHEAD) * factor for factor in _FACTORS):
            scrubbed = scrub(text[:length])
            if length >= len(text):
                return scrubbed[:limit], len(scrubbed) <= limit
            if len(scrubbed) >= limit + _AHEAD:
                break
        return scrubbed[: max(0, min(limit, len(scrubbed) - _AHEAD))], False

    def _name(self, text: str) -> str:
        # An address may spell an e-mail as zhang%40example.com, which no recognizer reads.
        plain = unquote(text)
        shown = self._first(plain, NAME, self._scrub_name)[0]
        if shown == plain[: len(shown)]:
            shown, _ = self._first(text, NAME, self._scrub_name)
        return inert(" ".join(_visible(shown).split()))

    def _scrub_name(self, name: str) -> str:
        name = self._scrub(name)
        for pattern, tag in _IN_NAMES:
            name = pattern.sub(tag, name)
        return name


def scrubbed_excerpts(store: Store) -> Excerpts:
    """Quotes from a run, without the personal data that any recognizer of the shipped set finds, and without what its
    recipe masks on top: names in a quote would be readable that `text/` has not."""
    from gristmill.filters.pii.engine import Scrubber  # loads recognizers: only when something is quoted

    return Excerpts(Scrubber(["patterns", *_masked(store)]).scrub)


def _masked(store: Store) -> list[str]:
    """Types and sets that the recipe of a run names, but those that only a model or a plugin finds."""
    import yaml  # where there is a run

    recipe = yaml.safe_load(store.read_bytes(RECIPE)) if store.exists(RECIPE) else {}
    scrub = recipe.get("scrub") or {}
    policies = [scrub, *(scrub.get("sources") or {}).values()]
    named = dict.fromkeys(name for policy in policies for name in policy.get("entities") or ())
    return without_models([name for name in named if name in SETS or name in ENTITIES]) or []


def _visible(text: str) -> str:
    return text.translate(_PICTURES)
