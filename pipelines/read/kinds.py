"""What a file is, by its name and how it begins: for whoever named another format."""

import os
from contextlib import suppress

from gristmill.pipelines.read import marks
from gristmill.pipelines.read.files import compression_of, open_file
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.streams import BrokenStreamError, pieces

_UNREAD = "which is not read: unpack it"
_BEGINNINGS = {
    b"PK\x03\x04": "a zip archive: `format: code` of a repository, `format: epub` of a book; unpack any other",
    b"%PDF": "a PDF: `format: pdf`",
    b"SQLite format 3": "a SQLite database, which is not read: export its table",
    b"PAR1": "Parquet: `format: parquet`",
    b"ARROW1": "Arrow: `format: arrow`",
    b"\xff\xff\xff\xff": "an Arrow stream: `format: arrow`",
    b"WARC/": "WARC: `format: warc`",
    b"[": "a JSON array: `format: json`",
    b"{": "JSON: `format: jsonl`, or `format: json` where a record has several lines",
    marks.GZIP: "packed twice (gzip): unpack it once",
    marks.ZSTD: "packed twice (zstd): unpack it once",
    marks.BZIP2: "packed twice (bzip2): unpack it once",
    marks.XZ: "packed twice (xz): unpack it once",
    marks.LZ4: "packed twice (lz4): unpack it once",
    marks.COMPRESS: f"packed by compress, {_UNREAD}",
    b"\x5d\x00\x00": f"packed by lzma, {_UNREAD}",
    b"\x78\x01": f"packed by zlib, {_UNREAD}",
    b"\x78\x9c": f"packed by zlib, {_UNREAD}",
    b"\x78\xda": f"packed by zlib, {_UNREAD}",
    b"7z\xbc\xaf": f"a 7z archive, {_UNREAD}",
    b"Rar!": f"a RAR archive, {_UNREAD}",
    b"\xd0\xcf\x11\xe0": "a document of old Office programs, which is not read: export it as CSV or text",
    b"<": "HTML or XML: `format: html`, or `format: wikipedia` of a dump",
}
"""How files begin -> what they are, and what to do about it."""


def mistaken(path: str, format: str) -> str:
    """What to say of a file of which nothing can be read as `format`; "" where it may be of that format."""
    kind = _kind(path)
    name = path[: -len(os.path.splitext(path)[1])] if compression_of(path) else path
    suffix = os.path.splitext(name)[1].lower()
    if "JSON" in kind and (format == "json" or (format == "jsonl" and suffix == ".json")):
        return ""  # which of the two it is, its reader finds out
    if kind and f"format: {format}`" not in kind:
        return f"cannot be read as {format}: it is {kind}"
    if suffix == ".br":  # the only one that has no mark
        return f"cannot be read as {format}: its name says brotli, {_UNREAD}"
    formats = [known for known, reader in READERS.items() if suffix and suffix in reader.suffixes]
    if formats and format not in formats:
        return f"cannot be read as {format}: its name says `format: {formats[0]}`"
    return ""


def no_text(path: str, format: str) -> bool:
    """Whether a file that is to be read as text or a page holds something else, though its bytes may pass for text."""
    return format in ("text", "html") and _beginning(path).startswith((b"PK\x03\x04", b"%PDF", b"SQLite format 3"))


def _kind(path: str) -> str:
    """What a file is by how it begins, decompressed; "" where nobody knows."""
    data = _beginning(path)
    plain = data.removeprefix(marks.BOM).lstrip()
    if data[257:262] == b"ustar":
        return "a tar archive: `format: code` of a repository; unpack any other"
    return next((kind for mark, kind in _BEGINNINGS.items() if data.startswith(mark) or plain.startswith(mark)), "")


def _beginning(path: str) -> bytes:
    with suppress(OSError, BrokenStreamError), open_file(path) as file:
        return next(pieces(file, compression_of(path)), b"")[:4096]
    return b""
