"""What is to be forgotten, as it is asked for: domains, addresses, ids, values; on the command line or in a list."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from gristmill.filters.lists.addresses import SCHEME, domains, host_and_path, page, plain_host
from gristmill.filters.names import nearest
from gristmill.filters.pii.known.sought import Sought
from gristmill.pipelines.errors import RecipeError

KINDS = ("domain", "url", "id", "doc_id", "value", "value_hash")
"""What an entry can be: documents at a domain or below it, at an address, of an id of the input, of a `doc_id`; or a
value that is masked wherever it stands, itself or by its keyed hash."""
_HASH = re.compile(r"[0-9a-f]{32}")
_HOST = re.compile(r"[^\s/@:]+\.[^\s/@:.]+")


@dataclass(frozen=True)
class Entry:
    """One thing that is asked for, and where: `--domain` or `optout.txt:3`. Its text stands in no message."""

    kind: str
    text: str
    where: str
    must_match: bool = True
    """Of a list many entries may mean nothing in this run."""


@dataclass(frozen=True)
class Asked:
    """All entries, in the spelling that records are compared in."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Asked":
        """Each once. Raises RecipeError for one that cannot mean anything, and where there is none."""
        checked = [_checked(entry) for entry in entries]
        if not checked:
            fix = "say what: --domain example.com, --url, --id, --doc-id, --value FILE or --list FILE"
            raise RecipeError("nothing is to be forgotten", where="gristmill forget", fix=fix)
        known: dict[tuple[str, str], Entry] = {}
        for entry in checked:
            known.setdefault((entry.kind, entry.text), entry)
        return cls(tuple(known.values()))

    def texts(self, kind: str) -> frozenset[str]:
        """The entries of one kind."""
        return frozenset(entry.text for entry in self.entries if entry.kind == kind)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """In the order in which they are asked for."""
        return tuple(entry.text for entry in self.entries if entry.kind == "value")

    @cached_property
    def sought(self) -> Sought:
        """The values."""
        return Sought(self.values)

    def of_address(self, address: str) -> Iterator[tuple[str, str]]:
        """The entries, as (kind, text), that mean a page at an address."""
        host = host_and_path(address)[0]
        for domain in self._domains.intersection(domains(host) if host else ()):
            yield "domain", domain
        if self._urls and (found := page(address)) in self._urls:
            yield "url", found

    @cached_property
    def _domains(self) -> frozenset[str]:
        return self.texts("domain")

    @cached_property
    def _urls(self) -> frozenset[str]:
        return self.texts("url")


def entries_of(text: str, where: str) -> Iterator[Entry]:
    """The entries of a list: `kind: text` a line; an address or a host needs no kind; `#` begins a comment.

    Raises RecipeError that names the line.
    """
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        place = f"{where}:{number}"
        kind, colon, rest = line.partition(":")
        kind = kind.strip().lower().replace("-", "_")
        if colon and kind in KINDS:
            yield Entry(kind, rest.strip(), place, must_match=False)
        elif SCHEME.match(line):
            yield Entry("url", line, place, must_match=False)
        elif _HOST.fullmatch(line):
            yield Entry("domain", line, place, must_match=False)
        else:
            fix = f"write `kind: text`, kind one of {', '.join(KINDS)}"
            raise RecipeError("this line says nothing that can be forgotten", where=place, fix=fix)


def matched_entry(text: str, where: str = "--match") -> Entry:
    """`domain:example.com`. Raises RecipeError for an unknown kind."""
    kind, colon, rest = text.partition(":")
    kind = kind.strip().lower().replace("-", "_")
    if not colon or kind not in KINDS or kind == "value":
        known = [name for name in KINDS if name != "value"]
        fix = f"{nearest(kind, known)}; values come from a file, --value FILE: a shell keeps what is typed"
        raise RecipeError("this is no KIND:TEXT", where=where, fix=fix)
    return Entry(kind, rest.strip(), where)


def _checked(entry: Entry) -> Entry:
    """The entry in the spelling that is compared."""
    text = entry.text.strip()
    if entry.kind == "domain":
        text = plain_host(host_and_path(text)[0] if SCHEME.match(text) else text.removeprefix("*.").strip("."))
        if "." not in text or not _HOST.fullmatch(text):
            raise _wrong(entry, "a domain such as example.com")
    elif entry.kind == "url":
        text = page(text)
        if not text:
            raise _wrong(entry, "an address such as https://example.com/page")
    elif entry.kind in ("doc_id", "value_hash"):
        text = text.lower()
        if not _HASH.fullmatch(text):
            raise _wrong(entry, "32 hexadecimal digits, as the ledger has them")
    elif entry.kind == "value":
        try:
            Sought([text])
        except ValueError:
            raise _wrong(entry, "a longer one, which is not found in what is somebody else's") from None
    if not text:
        raise _wrong(entry, "a text")
    return Entry(entry.kind, text, entry.where, entry.must_match)


def _wrong(entry: Entry, expected: str) -> RecipeError:
    return RecipeError(f"this is no {entry.kind} that can be forgotten", where=entry.where, fix=f"expected: {expected}")
