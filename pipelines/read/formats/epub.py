"""EPUB: a book a document, its chapters in the order of its spine, each read as a page."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.batches import Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.texts import REPLACED, check_decoded
from gristmill.pipelines.read.formats.archives import BrokenArchiveError, clean, entries
from gristmill.pipelines.read.formats.json.reader import record_item
from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.read.html.xml import is_xml
from gristmill.pipelines.read.reader import Reader, Seen
from gristmill.pipelines.records.dead_letters import Passing, too_long, unreadable
from gristmill.pipelines.records.elements import Split

CONTAINER, ENCRYPTION, RIGHTS = "META-INF/container.xml", "META-INF/encryption.xml", "META-INF/rights.xml"
_MEDIA = (
    "jpg jpeg png gif bmp tif tiff webp avif svg ttf otf ttc woff woff2 eot mp3 m4a m4b aac ogg opus wav mp4 m4v webm "
    "css js ncx smil pls pdf"
)
NO_PARTS = tuple(f".{name}" for name in _MEDIA.split())
"""What pictures, fonts, sounds and styles are called, which are not unpacked; chapters may be called anything."""
CHAPTERS = ("application/xhtml+xml", "text/html")
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
FIELDS = {"title": "title", "author": "creator", "language": "language", "publisher": "publisher", "date": "date",
          "identifier": "identifier"}  # fmt: skip
"""Field of the record -> element of the book's metadata; of several, all, with semicolons."""
MISSING = "missing_chapters"
"""How many chapters of the spine are not in the file; absent where none is."""


class Book(NamedTuple):
    """What is known of a book, and the paths of its chapters."""

    known: dict[str, Any]
    chapters: list[str]


def read_epub(split: Split, context: Context) -> Iterator[Item]:
    """The book of one file, or its dead letter."""
    try:
        files = _unpacked(split, context.read.max_record_bytes)
        book = _book(files)
        pages = _pages(book.chapters, files)
        if not pages:
            raise BadRecordError("EmptyBook: no chapter of the book's spine is in the file")
    except BadRecordError as error:
        yield unreadable(context.next_row(), split, str(error))
        return
    whole = context.extract.model_copy(update={"main_content": False})

    def record(_: bytes) -> dict:
        found = [context.guard.step("extract", read_page)(page, None, whole, is_xml(page)) for page in pages]
        text = "\n\n".join(filter(None, (chapter.text.decode().strip() for chapter in found)))
        replaced = check_decoded(text, " and ".join(sorted({chapter.charset for chapter in found})))
        known = book.known | ({REPLACED: replaced} if replaced else {})
        if missing := len(book.chapters) - len(pages):
            known[MISSING] = missing
        return {**known, "chapters": len(pages), context.fields.text: text}

    yield record_item(b"\0".join(pages), 0, split.path, context, record)


def _pages(chapters: list[str], files: dict[str, bytes]) -> list[bytes]:
    """Those that are in the file; books made where names have no case have them in another one."""
    lowered = {path.lower(): path for path in files}
    found = (path if path in files else lowered.get(path.lower()) for path in chapters)
    return [files[path] for path in found if path is not None]


def _unpacked(split: Split, limit: int) -> dict[str, bytes]:
    """The parts of the book, by path. Raises BadRecordError for one that is locked, damaged or too long."""
    files: dict[str, bytes] = {}
    total = 0
    for entry in entries(split.path, split.size, limit, lambda path: not path.lower().endswith(NO_PARTS)):
        if entry.path == RIGHTS:
            raise BadRecordError("EncryptedBook: the book is locked by its publisher (rights.xml)")
        if entry.error:
            raise BrokenArchiveError(entry.error)
        total += entry.body.length if isinstance(entry.body, Passing) else len(entry.body)
        if isinstance(entry.body, Passing) or total > limit:
            raise BadRecordError(too_long(total, limit))
        files[entry.path] = entry.body
    return files


def _book(files: dict[str, bytes]) -> Book:
    if CONTAINER not in files:
        raise BadRecordError("NoBook: the file has no META-INF/container.xml")
    rootfile = _xml(files[CONTAINER], CONTAINER).find("{*}rootfiles/{*}rootfile")
    path = clean(unquote(rootfile.get("full-path", ""))) if rootfile is not None else ""
    if path not in files:
        raise BadRecordError("NoBook: the description that META-INF/container.xml names is not in the file")
    package = _xml(files[path], path)
    folder = posixpath.dirname(path)
    manifest = {
        item.get("id"): clean(posixpath.join(folder, unquote(re.split("[#?]", item.get("href", ""))[0])))
        for item in package.iterfind("{*}manifest/{*}item")
        if item.get("media-type") in CHAPTERS and "nav" not in item.get("properties", "").split()
    }
    spine = [ref.get("idref") for ref in package.iterfind("{*}spine/{*}itemref")]
    chapters = [manifest[name] for name in spine if name in manifest]
    if ENCRYPTION in files:
        ciphers = _xml(files[ENCRYPTION], ENCRYPTION).iterfind(".//{*}CipherReference")
        locked = {clean(unquote(cipher.get("URI", ""))) for cipher in ciphers}
        if locked & {*chapters, path}:
            raise BadRecordError("EncryptedBook: the chapters are encrypted (META-INF/encryption.xml)")
    known = {}
    for field, element in FIELDS.items():
        values = [" ".join((found.text or "").split()) for found in package.iter(DUBLIN_CORE + element)]
        if any(values):
            known[field] = "; ".join(filter(None, values))
    return Book(known, chapters)


def _xml(data: bytes, path: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError, ValueError):
        raise BadRecordError(f"ParseError: {path} is no XML") from None


READER = Reader(
    holds_pages=True,
    suffixes=(".epub",),
    items=read_epub,
    look=lambda *_: Seen({*FIELDS, "chapters", MISSING, REPLACED}, 1, True),
)
