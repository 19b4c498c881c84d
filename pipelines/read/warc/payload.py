"""The payload of a WARC record: decoded as HTTP says, and told apart: page, plain text, or no text."""

import io
import re
import zlib
from typing import Literal, NamedTuple

from fastwarc.warc import WarcRecord

from pipelines.errors import BadRecordError
from pipelines.records.dead_letters import too_long

MAX_HTTP_HEAD_BYTES = 1 << 18
HTML = {"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"}
XML = {"text/xml", "application/xml"}
PLAIN = {"text/plain", "text/markdown"}
UNTOLD = {"", "application/octet-stream", "unknown/unknown", "application/unknown", "*/*", "content/unknown"}
"""Types that say nothing (WHATWG MIME sniffing, section 7, and what servers send by default): the bytes decide."""
SNIFFED_BYTES = 1445
"""As WHATWG MIME sniffing looks at."""
PAGE = re.compile(
    rb"(?:\s|<!--.*?-->|<\?[^>]*>)*<(?:!doctype\s+html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p)\b",
    re.IGNORECASE | re.DOTALL,
)
"""How pages begin (WHATWG MIME sniffing, section 7.1), after white space, comments and an XML declaration."""
XHTML = re.compile(rb"<!doctype\s+html|<html[\s>]|xmlns=[\"']http://www\.w3\.org/1999/xhtml", re.IGNORECASE)
NOT_TEXT = re.compile(rb"%PDF-|\x89PNG|GIF8|\xff\xd8\xff|PK\x03\x04|\x1f\x8b\x08|RIFF|wOFF|wOF2|ID3|OggS|BM.{4}\x00")
"""Files whose server called them text (same, sections 6 and 7)."""
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has (same, section 7.2)."""
GZIP_MAGIC = b"\x1f\x8b"
FIELDS = {name.lower(): name for name in (b"WARC-Type", b"Content-Length", b"Content-Type")}
FIELD = re.compile(rb"^(?:warc-type|content-length|content-type)(?=:)", re.IGNORECASE | re.MULTILINE)
CHUNK_SIZE = re.compile(rb"(?:\r\n)?([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class Payload(NamedTuple):
    """Body without transfer and content encodings; types in the order of their authority; status None where not
    HTTP."""

    body: bytes
    types: tuple[str, ...]
    charset: str | None
    status: int | None


def canonical(head: bytes) -> bytes:
    """A record's header with the field names that fastwarc knows in one spelling only; WARC knows no case (ISO 28500,
    4)."""
    return FIELD.sub(lambda found: FIELDS[found[0].lower()], head)


def open_record(raw: bytes, auto_decode: Literal["none", "all"] = "none") -> WarcRecord:
    """A record of head and block, with its HTTP header read. Raises OSError."""
    record = WarcRecord.from_reader(io.BytesIO(raw), quirks_mode=b"\r\n\r\n" not in raw[:MAX_HTTP_HEAD_BYTES])
    if record.is_http:
        record.parse_http(auto_decode=auto_decode, max_header_len=MAX_HTTP_HEAD_BYTES)
    return record


def open_payload(record: WarcRecord, raw: bytes, limit: int) -> Payload:
    """The payload of a response, resource or conversion record, as `open_record` gives it from `raw`.

    Raises BadRecordError where HTTP is broken, or a decoded body is longer than `limit`.
    """
    identified, _ = media_type(record.headers.get("WARC-Identified-Payload-Type"))
    if not record.is_http:
        content_type, charset = media_type(record.headers.get("Content-Type"))
        return Payload(record.reader.read(), (identified, content_type), charset, None)
    headers = record.http_headers
    if headers.status_code is None:
        raise BadRecordError("BrokenHttp: no status line")
    content_type, charset = media_type(headers.get("Content-Type"))
    body = record.reader.read()
    if headers.status_code == 200 and (headers.get("Content-Encoding") or headers.get("Transfer-Encoding")):
        body = _decoded(raw, body, limit)
        if len(body) > limit:
            raise BadRecordError(f"{too_long(len(body), limit)} (decoded, at least)")
    return Payload(body, (identified, content_type), charset, headers.status_code)


def _decoded(raw: bytes, body: bytes, limit: int) -> bytes:
    """The body without its encodings, at most `limit` + 1 bytes. Crawlers store bodies decoded and keep the header,
    or cut them off: then what is there is taken."""
    try:
        return open_record(raw, "all").reader.read(limit + 1)
    except OSError:
        body = _dechunked(body)
    if body.startswith(GZIP_MAGIC):
        return _inflated(body, 31, limit)
    if PAGE.match(body[:SNIFFED_BYTES]):
        return body
    return _inflated(body, -15, limit)  # "deflate" as many servers understand it, without the zlib header


def _inflated(body: bytes, wbits: int, limit: int) -> bytes:
    try:
        return zlib.decompressobj(wbits).decompress(body, limit + 1)
    except zlib.error:
        raise BadRecordError("BrokenHttp: the body cannot be decoded as its Content-Encoding says") from None


def _dechunked(body: bytes) -> bytes:
    """The chunks that are there (RFC 9112, section 7.1); the body itself where it does not begin with one."""
    chunks, at = [], 0
    while size := CHUNK_SIZE.match(body, at):
        length = int(size[1], 16)
        chunks.append(body[size.end() : size.end() + length])
        at = size.end() + length
    return b"".join(chunks) if chunks else body


def kind_of(payload: Payload) -> str | None:
    """ "html", "text", or None for what is no text.

    A page counts as one if either header says so, unless its bytes are of a known other kind: crawlers' detectors call
    pages scripts and XML, and servers call pages plain text. Where neither says anything, its bytes decide.
    """
    head = payload.body[:SNIFFED_BYTES].removeprefix(BOMS[0])
    types = {kind for kind in payload.types if kind not in UNTOLD}
    if NOT_TEXT.match(head):
        return None
    if types & HTML:
        return "html"
    if types & XML:
        return "html" if XHTML.search(payload.body[: 4 * SNIFFED_BYTES]) else None
    binary = CONTROL.search(head) and not payload.body.startswith(BOMS[1:])
    if types & PLAIN:
        return None if binary else "text"
    if types:
        return None
    if PAGE.match(head) or (head.lstrip().startswith(b"<") and XHTML.search(head)):
        return "html"
    return None if binary or not head else "text"


def media_type(header: str | None) -> tuple[str, str | None]:
    """("text/html", "gb2312") of a Content-Type header; ("", None) where there is none."""
    kind, *parameters = (header or "").split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip().strip("\"'") or None
    return kind.strip().lower(), None
