"""MediaWiki's XML dumps: an article a document. A page is found by its tags, so that a damaged one costs itself."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.batches import Aside, Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.texts import REPLACED, decode_known
from gristmill.pipelines.read.files import File, compression_of, open_file
from gristmill.pipelines.read.formats.json.reader import record_item
from gristmill.pipelines.read.formats.wikipedia.wikitext import is_redirect, plain_text
from gristmill.pipelines.read.lines import Line, LostLine
from gristmill.pipelines.read.reader import Piece, Reader, Seen, split_of, whole
from gristmill.pipelines.read.streams import RAW_BYTES, BrokenStreamError, can_be_cut, pieces
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.dead_letters import Passing, dead_letter, too_long
from gristmill.pipelines.records.elements import Split

BEGIN, END = b"<page>", b"</page>"
NEVER_BEGAN, NEVER_ENDS = "BrokenPage: a page has no <page>", "BrokenPage: the next page begins before this one ends"
NO_DUMP = "NoDump: neither <mediawiki> nor <page> at its beginning; dumps are XML in UTF-8"
HEAD_BYTES = 1 << 16
"""Of the file, for its <siteinfo>."""
FILES_AND_CATEGORIES = {"6", "14"}
"""Numbers of the namespaces whose links are not shown."""
FIELDS = {"title", "id", "revision", "timestamp", "url", REPLACED}


class Site(NamedTuple):
    """Where the pages lie, what the namespaces of files and categories are called there; whether it is a dump at all,
    as far as the beginning tells."""

    base: str
    hidden: frozenset[str]
    is_dump: bool


def pages(source: Iterable[bytes], offset: int, limit: int) -> Iterator[Line | LostLine]:
    """Each `<page>...</page>` of a stream that begins at `offset`. One of more than `limit` bytes is not held; a stream
    that ends within one, or breaks, ends with a LostLine. So does a page in which another begins; one that ends and
    never began is a LostLine at the end of the page before it (of the first in a range, the range before has it)."""
    held = b""
    behind = None if offset else 0  # where the last page ended
    passing: Passing | None = None  # of the page at `offset`, where it is too long
    error = ""
    stream = iter(source)
    while True:
        try:
            piece = next(stream, b"")
        except BrokenStreamError as broken:
            error, piece = str(broken), b""
        if not piece:
            break
        searched = max(0, len(held) - len(END))
        held += piece
        at = 0
        while True:
            if passing is None:
                begin = held.find(BEGIN, at)
                stray = held.find(END, at, begin if begin >= 0 else len(held))
                if stray >= 0:
                    at = stray + len(END)
                    if behind is not None:
                        yield LostLine(behind, Passing(held[stray:at]), f"{NEVER_BEGAN} (ends at {offset + at})")
                    behind = offset + at
                    continue
                if begin < 0:
                    kept = max(at, len(held) - len(END) + 1)
                    offset, held = offset + kept, held[kept:]
                    break
                end = held.find(END, max(begin, searched))
            else:
                begin, end = 0, held.find(END, at)
            if end < 0:
                offset, held = offset + (0 if passing else begin), held[begin:]
                if passing or len(held) > limit:
                    rest = max(0, len(held) - len(END) + 1)  # the tag may have begun
                    passing = passing or Passing()
                    passing.feed(held[:rest])
                    held = held[rest:]
                break
            end += len(END)
            if passing is not None:
                passing.feed(held[:end])
                yield LostLine(offset, passing, too_long(passing.length, limit))
                offset, held, passing, at = offset + passing.length, held[end:], None, 0
                behind = offset
                searched = 0
                continue
            behind = offset + end
            while (inner := held.find(BEGIN, begin + 1, end)) >= 0:
                yield LostLine(offset + begin, Passing(held[begin:inner]), NEVER_ENDS)
                begin = inner
            if end - begin > limit:
                lost = held[begin:end]
                yield LostLine(offset + begin, Passing(lost), too_long(len(lost), limit))
                at = end
            else:
                yield Line(offset + begin, held[begin:end])
                at = end
            searched = 0
    if passing is not None:
        passing.feed(held)
    if error or passing is not None or held.startswith(BEGIN):
        yield LostLine(offset, passing or Passing(held), error or "EOFError: the file ends within a page")


def read_dump(split: Split, context: Context) -> Iterator[Item]:
    """Each page that begins in the split: an article, a dead letter, or aside (other namespaces, redirects)."""
    site = site_of(split.path, split.etag)
    with open_file(split.path) as file:
        if split.start:
            file.seek(split.start)
            source: Iterable[bytes] = iter(lambda: file.read(RAW_BYTES), b"")
        else:
            source = pieces(file, compression_of(split.path))
        packed = split.end == split.size and split.start == 0
        if not site.is_dump and not split.start and split.size:
            yield dead_letter(context.next_row(), split.path, 0, NO_DUMP, b"")
        for page in pages(source, split.start, context.read.max_record_bytes):
            if not packed and page.offset >= split.end:
                return
            if isinstance(page, LostLine):
                yield page.passed.dead_letter(context.next_row(), split.path, page.offset, page.error)
            else:
                yield _item(page, site, split.path, context)


def _item(page: Line, site: Site, path: str, context: Context) -> Item:
    replaced = 0
    try:
        xml, replaced = decode_known(page.data)
        root = ElementTree.fromstring(xml)
    except UnicodeDecodeError as error:
        return dead_letter(context.next_row(), path, page.offset, error, page.data)
    except ElementTree.ParseError as error:
        line, column = error.position
        said = f"ParseError: not XML from line {line}, column {column} of the page on"
        return dead_letter(context.next_row(), path, page.offset, said, page.data)
    if root.findtext("ns", "0") != "0":
        return Aside("wiki_namespace")
    revisions = root.findall("revision") or [root]
    revision = revisions[-1]  # dumps of histories have the oldest one first
    if root.find("redirect") is not None or is_redirect(revision.findtext("text") or ""):
        return Aside("wiki_redirect")
    if revision.findtext("model", "wikitext") != "wikitext":
        return Aside("wiki_no_wikitext")

    def record(_: bytes) -> dict:
        wikitext, title = revision.findtext("text"), root.findtext("title")
        if wikitext is None or title is None:
            raise BadRecordError("MissingField: the page has no title or no text")
        known: dict[str, Any] = {
            "title": title,
            "id": root.findtext("id"),
            "revision": revision.findtext("id"),
            "timestamp": revision.findtext("timestamp"),
            "url": site.base + quote(title.replace(" ", "_"), safe="/:@!$()*,;~'") if site.base else None,
        }
        if replaced:
            known[REPLACED] = replaced
        return {context.fields.text: plain_text(wikitext, site.hidden), **known}

    return record_item(page.data, page.offset, path, context, record)


@lru_cache(4)
def site_of(path: str, etag: str) -> Site:
    """What the file's <siteinfo> says; nothing where it has none."""
    head = b""
    with suppress(BrokenStreamError), open_file(path) as file:
        for piece in pieces(file, compression_of(path)):
            head += piece
            if len(head) >= HEAD_BYTES or b"</siteinfo>" in head:
                break
    base = re.search(rb"<base>([^<]*/)[^<]*</base>", head)
    names = re.findall(r'<namespace key="(\d+)"[^>]*>([^<]+)<', head[:HEAD_BYTES].decode("utf-8", "replace"))
    hidden = {name.lower() for key, name in names if key in FILES_AND_CATEGORIES}
    is_dump = not head or b"<mediawiki" in head or BEGIN in head
    return Site(base[1].decode("utf-8", "replace") if base else "", frozenset(hidden), is_dump)


def cut(file: File, unit_bytes: int, source: Source) -> Iterator[Piece]:
    """By byte range: a page belongs to the piece in which it begins. What is compressed is one piece."""
    with suppress(OSError), open_file(file.path) as opened:
        if can_be_cut(opened, compression_of(file.path)):
            parts = max(1, -(-file.size // unit_bytes))
            for start, end in pairwise(file.size * i // parts for i in range(parts + 1)):
                yield split_of(file, start, end), end - start
            return
    yield from whole(file, unit_bytes, source)


READER = Reader(suffixes=(".xml",), cut=cut, items=read_dump, look=lambda *_: Seen(FIELDS, 1, True))
