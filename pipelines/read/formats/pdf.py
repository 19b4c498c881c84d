"""PDF with a text layer, by pdfium: a file a document. Needs the extra `gristmill[pdf]`."""

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NamedTuple

from gristmill.pipelines.errors import BadRecordError, InputError, utf8_text
from gristmill.pipelines.read.batches import Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.fields import whole_characters
from gristmill.pipelines.read.files import File, compression_of, open_file
from gristmill.pipelines.read.formats.json.reader import record_item
from gristmill.pipelines.read.formats.whole_files import hold
from gristmill.pipelines.read.html.pages import dropped_page
from gristmill.pipelines.read.reader import Piece, Reader, Seen, whole
from gristmill.pipelines.read.streams import pieces
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.dead_letters import Passing, dead_letter, too_long
from gristmill.pipelines.records.elements import Split

NO_TEXT = "no_text_layer"
"""Rule: the file holds pictures of pages. Step "read"."""
KNOWN = {"Title": "title", "Author": "author"}
MISSING = "missing_pages"
FIELDS = {"file", "pages", MISSING, *KNOWN.values()}
PASSWORD, ERRORS = 4, {1: "unknown", 2: "file", 3: "format", 5: "security", 6: "page"}
"""Of pdfium's error codes (fpdfview.h)."""
_HYPHEN = re.compile("([^\\W\\d_])(?:[-\u00ad\u2010]\n|[\ufffe\x02]\n?)([^\\W\\d_])")
"""At the end of a line; pdfium writes U+FFFE or U+0002 for one that it takes for a word's division."""


class Extracted(NamedTuple):
    """The text of a file, and what it says of itself."""

    text: str
    known: dict[str, str | int]


def read_pdf(split: Split, context: Context) -> Iterator[Item]:
    """The document of one file; dropped without a text layer, a dead letter where it is locked or damaged."""
    limit = context.read.max_record_bytes
    with open_file(split.path) as file:
        body, error = hold(pieces(file, compression_of(split.path)), limit)
    place = (split.path, 0)
    if isinstance(body, Passing):
        yield body.dead_letter(context.next_row(0), *place, error)
        return
    try:
        found = context.guard.step("extract", extract)(body, limit)
    except BadRecordError as raised:
        yield dead_letter(context.next_row(0), *place, raised, body)
        return
    record = {"file": utf8_text(os.path.basename(split.path)), **found.known}
    if not found.text.strip():
        yield dropped_page(body, record, NO_TEXT, context, place)
    else:
        yield record_item(body, 0, split.path, context, lambda _: {**record, context.fields.text: found.text})


def extract(body: bytes, limit: int) -> Extracted:
    """The text of all pages that can be read, a blank line between two. Raises BadRecordError for a file that is
    locked, damaged, or has more than `limit` bytes of text."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        code = raw.FPDF_GetLastError() if getattr(error, "err_code", None) is None else error.err_code
        if code == PASSWORD:
            raise BadRecordError("EncryptedFile: the PDF needs a password") from None
        raise BadRecordError(f"DamagedPdf: pdfium cannot open it ({ERRORS.get(code, code)} error)") from None
    with document:
        texts: list[str] = []
        missing = 0
        left = limit
        for number in range(len(document)):
            text = _page(document, number)
            missing += text is None
            texts.append(text or "")
            left -= len(texts[-1].encode())
            if left < 0:
                raise BadRecordError(too_long(limit - left, limit))
        about = document.get_metadata_dict()
        known: dict[str, str | int] = {"pages": len(document)}
        if missing == len(document) > 0:
            raise BadRecordError("DamagedPdf: none of its pages can be read")
        known |= {MISSING: missing} if missing else {}
        known |= {name: whole_characters(about[key]) for key, name in KNOWN.items() if about.get(key)}
    return Extracted("\n\n".join(filter(None, texts)), known)


def _page(document: object, number: int) -> str | None:
    """The text of a page, words that a line's end divided whole; None for a page that cannot be read."""
    import pypdfium2

    try:
        page = document[number]  # type: ignore[index]
        text = page.get_textpage().get_text_range()
    except pypdfium2.PdfiumError:
        return None
    lines = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    plain = _HYPHEN.sub(r"\1\2", lines).translate({0xFFFE: "-", 2: "-", 0: None})
    return whole_characters(plain).strip()


def cut(file: File, unit_bytes: int, source: Source) -> Iterator[Piece]:
    """One piece. Raises InputError where pdfium is not installed."""
    if find_spec("pypdfium2") is None:
        fix = "pip install 'gristmill[pdf]', on every machine that works"
        raise InputError("the format 'pdf' needs the package pypdfium2", where=file.path, fix=fix)
    yield from whole(file, unit_bytes, source)


READER = Reader(suffixes=(".pdf",), cut=cut, items=read_pdf, look=lambda *_: Seen(FIELDS, 1, True))
