"""What a file is, by its name and how it begins: for whoever named another format."""

import os
from contextlib import suppress

from gristmill.pipelines.read.files import compression_of, open_file
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.streams import BrokenStreamError, pieces

NOT_READ = "which is not read"
_BEGINNINGS = {
    b"PK\x03\x04": f"a zip archive (or an office document), {NOT_READ}: unpack it",
    b"%PDF": f"a PDF, {NOT_READ}: take its text out first",
    b"SQLite format 3": f"a SQLite database, {NOT_READ}: export its table",
    b"PAR1": "Parquet: `format: parquet`",
    b"ARROW1": "Arrow: `format: arrow`",
    b"\xff\xff\xff\xff": "an Arrow stream: `format: arrow`",
    b"WARC/": "WARC: `format: warc`",
    b"[": "a JSON array: `format: json`",
    b"{": "JSON: `format: jsonl`, or `format: json` where a record has several lines",
    b"<": "HTML or XML: `format: html`",
}
"""How files begin -> what they are, and what to do about it."""


def mistaken(path: str, format: str) -> str:
    """What to say of a file of which nothing can be read as `format`; "" where it may be of that format."""
    kind = _kind(path)
    if kind and f"format: {format}`" not in kind:
        return f"cannot be read as {format}: it is {kind}"
    name = path[: -len(os.path.splitext(path)[1])] if compression_of(path) else path
    suffix = os.path.splitext(name)[1].lower()
    formats = [known for known, reader in READERS.items() if suffix and suffix in reader.suffixes]
    if formats and format not in formats:
        return f"cannot be read as {format}: its name says `format: {formats[0]}`"
    return ""


def unreadable_kind(path: str) -> bool:
    """Whether a file is of a kind that no format here reads, though its bytes may pass for a text."""
    return NOT_READ in _kind(path)


def _kind(path: str) -> str:
    """What a file is by how it begins, decompressed; "" where nobody knows."""
    data = b""
    with suppress(OSError, BrokenStreamError), open_file(path) as file:
        data = next(pieces(file, compression_of(path)), b"")[:4096]
    plain = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((kind for mark, kind in _BEGINNINGS.items() if data.startswith(mark) or plain.startswith(mark)), "")
