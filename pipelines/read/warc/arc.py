"""Headers of ARC records, the format of the Internet Archive before WARC (versions 1 and 2), as those of WARC records.

A record is a line `URL IP-address date type [result checksum location offset filename] length`, that many bytes, and
a line end. The file, or each of those joined in it, begins with one whose URL is filedesc://.
"""

import re
from typing import NamedTuple

ARC_LINE = re.compile(
    rb"([a-z][a-z0-9+.-]{1,15}:[^\n]{1,8000}?) ([\d.]{7,15}|[\da-f:]*:[\da-f:.]+|-|no-ip) (\d{8,17}) "
    rb"([^ \n]*|[^\n]{1,200}?)(?: \d{1,3} [^ \n]+ [^ \n]+ \d{1,15} [^ \n]+)? (\d{1,15})\r?\n",
    re.IGNORECASE,
)
ARC_BEGINS = re.compile(rb"\n[a-z][a-z0-9+.-]{1,15}:", re.IGNORECASE)
"""Behind a line end, the line of a record may stand."""
FILEDESC = b"filedesc:"
MAX_LINE_BYTES = 1 << 13


class ArcHead(NamedTuple):
    """Bytes that the header takes in the file, those of the block behind it, and what they would say in WARC."""

    length: int
    block: int
    head: bytes


def arc_head(data: bytes) -> ArcHead | None:
    """The header at the start of `data`; None where there is none."""
    found = ARC_LINE.match(data)
    if not found:
        return None
    url, address, date, content_type, length = found.groups()
    kind = b"resource"
    if url.lower().startswith(FILEDESC):
        kind = b"warcinfo"
    elif url.lower().startswith((b"http:", b"https:")):
        kind, content_type = b"response", b"application/http"
    lines = [
        b"WARC-Type: " + kind,
        b"WARC-Target-URI: " + url,
        b"WARC-IP-Address: " + address,
        b"WARC-Date: " + _iso(date),
        b"Content-Type: " + content_type,
        b"Content-Length: " + length,
    ]
    return ArcHead(found.end(), int(length), b"\r\n".join(lines) + b"\r\n\r\n")


def _iso(date: bytes) -> bytes:
    """20010203040506 -> 2001-02-03T04:05:06Z; a date of another length as it is."""
    if len(date) != 14:
        return date
    parts = date[:4], date[4:6], date[6:8], date[8:10], date[10:12], date[12:]
    return b"%b-%b-%bT%b:%b:%bZ" % parts
