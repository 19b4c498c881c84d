"""The payload of a WARC record: decoded as HTTP says, and told apart: page, plain text, or no text."""

import re
from typing import NamedTuple

from gristmill.pipelines.read.marks import BOM
from gristmill.pipelines.read.warc.encodings import SNIFFED_BYTES, decoded, is_text, unsaid
from gristmill.pipelines.read.warc.headers import Fields, parse_http, value_of

XML_PAGES = {"application/xhtml+xml", "application/vnd.wap.xhtml+xml"}
HTML = XML_PAGES | {"text/html"}
XML = {"text/xml", "application/xml"}
PLAIN = {"text/plain", "text/markdown"}
UNTOLD = {"", "application/octet-stream", "unknown/unknown", "application/unknown", "*/*", "content/unknown"}
"""Types that say nothing (WHATWG MIME sniffing, section 7, and what servers send by default): the bytes decide."""
PAGE = re.compile(
    rb"(?:\s|<!--.*?-->|<\?[^>]*>)*<(?:!doctype\s+html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p)\b",
    re.IGNORECASE | re.DOTALL,
)
"""How pages begin (WHATWG MIME sniffing, section 7.1), after white space, comments and an XML declaration."""
XHTML = re.compile(rb"<!doctype\s+html|<html[\s>]|xmlns=[\"']http://www\.w3\.org/1999/xhtml", re.IGNORECASE)
WHOLE_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)
"""What no plain text begins with, whatever its server calls it."""
NOT_TEXT = re.compile(rb"%PDF-|\x89PNG|GIF8|\xff\xd8\xff|PK\x03\x04|\x1f\x8b\x08|RIFF|wOFF|wOF2|ID3|OggS|BM.{4}\x00")
"""Files whose server called them text (same, sections 6 and 7)."""


class Payload(NamedTuple):
    """Body without transfer and content encodings; types in the order of their authority; status None where not HTTP;
    `cut`: the body ends before its encoding does."""

    body: bytes
    types: tuple[str, ...]
    charset: str | None
    status: int | None = None
    http_content_type: str | None = None
    cut: bool = False


def open_payload(fields: Fields, block: bytes, limit: int) -> Payload:
    """The payload of a response, resource or conversion record, from its header fields and its block.

    Raises BadRecordError where HTTP is broken, or a decoded body is longer than `limit`.
    """
    identified, _ = media_type(value_of(fields, "warc-identified-payload-type"))
    content_type, charset = media_type(value_of(fields, "content-type"))
    if content_type != "application/http" and (content_type or not block.startswith(b"HTTP/")):
        return Payload(block, (identified, content_type), charset)
    http = parse_http(block)
    served = value_of(http.fields, "content-type")
    content_type, charset = media_type(served)
    body, cut = http.body, False
    if http.status == 200:
        transfer, content = (_all_values(http.fields, f"{kind}-encoding") for kind in ("transfer", "content"))
        body, cut = decoded(body, transfer, content, limit)
        if not cut and {identified, content_type} & (HTML | XML | PLAIN):
            body, cut = unsaid(body, limit)
    return Payload(body, (identified, content_type), charset, http.status, served, cut)


def _all_values(fields: Fields, name: str) -> str:
    return ",".join(value for key, value in fields if key.lower() == name)


def kind_of(payload: Payload) -> str | None:
    """ "html", "xhtml" (served as XML), "text", or None for what is no text.

    A page counts as one if either header says so, unless its bytes are of a known other kind: crawlers' detectors call
    pages scripts and XML, and servers call pages plain text. Where neither says anything, its bytes decide.
    """
    head = payload.body[:SNIFFED_BYTES].removeprefix(BOM)
    types = {kind for kind in payload.types if kind not in UNTOLD}
    if NOT_TEXT.match(head):
        return None
    if types & HTML:
        return "xhtml" if payload.types[-1] in XML_PAGES else "html"
    if types & XML:
        return "html" if XHTML.search(payload.body[: 4 * SNIFFED_BYTES]) else None
    binary = not is_text(head)
    if types & PLAIN:
        return None if binary else "html" if WHOLE_PAGE.match(head) else "text"
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
