"""Folders of text and HTML: a file is a document."""

import os
from collections.abc import Iterable, Iterator

from gristmill.pipelines.errors import utf8_text
from gristmill.pipelines.read.batches import Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.texts import REPLACED
from gristmill.pipelines.read.files import compression_of, open_file
from gristmill.pipelines.read.html.pages import PAGE_FIELDS, page_document
from gristmill.pipelines.read.reader import Reader, Seen
from gristmill.pipelines.read.streams import BrokenStreamError, pieces
from gristmill.pipelines.records.dead_letters import Passing, too_long
from gristmill.pipelines.records.elements import Split


def read_text_file(split: Split, context: Context) -> Iterator[Item]:
    """The file's text, with its name and encoding in `meta`. An empty file is no record."""
    return _read(split, context, "text")


def read_html_file(split: Split, context: Context) -> Iterator[Item]:
    """The main content of the page, with file name, title and encoding in `meta`. An empty file is no record."""
    name = split.path.lower().split(".")
    return _read(split, context, "xhtml" if "xhtml" in name[-2:] or "xht" in name[-2:] else "html")


def _read(split: Split, context: Context, kind: str) -> Iterator[Item]:
    limit = context.read.max_record_bytes
    with open_file(split.path) as file:
        body, error = hold(pieces(file, compression_of(split.path)), limit)
    if isinstance(body, Passing):
        yield body.dead_letter(context.next_row(), split.path, 0, error)
    elif body:
        record = {"file": utf8_text(os.path.basename(split.path))}
        yield page_document(body, record, kind, context, (split.path, 0))


def hold(source: Iterable[bytes], limit: int) -> tuple[bytes | Passing, str]:
    """(all bytes, ""), or what passed and the error: of a stream that is longer than the limit, or broken."""
    held: list[bytes] = []
    passing: Passing | None = None
    length = 0
    try:
        for piece in source:
            length += len(piece)
            if passing is None and length > limit:
                passing, held = Passing(b"".join(held)), []
            if passing is None:
                held.append(piece)
            else:
                passing.feed(piece)
    except BrokenStreamError as error:
        return passing or Passing(b"".join(held)), str(error)
    return (passing, too_long(length, limit)) if passing else (b"".join(held), "")


TEXT = Reader(
    suffixes=(".txt", ".text", ".md", ".rst"),
    items=read_text_file,
    look=lambda *_: Seen({"file", "charset", REPLACED}, 1, True),
)
HTML = Reader(
    holds_pages=True,
    suffixes=(".html", ".htm", ".xhtml", ".xht"),
    items=read_html_file,
    look=lambda *_: Seen({"file", *PAGE_FIELDS}, 1, True),
)
