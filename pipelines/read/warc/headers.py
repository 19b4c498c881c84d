"""Header lines of WARC records and of HTTP messages, as crawlers stored them: CRLF or LF, folded, in any case, cut."""

import re
from typing import NamedTuple

from gristmill.pipelines.errors import BadRecordError

Fields = list[tuple[str, str]]
"""Names as written, and values, in order."""

MAX_HTTP_HEAD_BYTES = 1 << 18
STATUS = re.compile(rb"\s*HTTP(?:/\d+(?:\.\d+)?)?[ \t]+(\d{3})\b[^\n]*(?:\n|\Z)", re.IGNORECASE)
"""White space before it, no reason phrase, HTTP/2 and HTTP/0.9 are all met with."""
LINE = re.compile(rb"[^\n]*(?:\n|\Z)")
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:")
FOLDED = re.compile(rb"[ \t]+[^\s]")
FIELDS = re.compile(r"^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.MULTILINE)
PLAIN_HEAD = re.compile(rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++[ \t]*+:[^\n]*+\n)*+)[ \t\r\f\v]*+\n")
"""Fields alone, a line each, and an empty line, as nearly all heads are."""


class Http(NamedTuple):
    """A response: its body is as stored."""

    status: int
    fields: Fields
    body: bytes


def value_of(fields: Fields, name: str) -> str | None:
    """The first value of a field; names have no case."""
    return next((value for key, value in fields if key.lower() == name), None)


def parse_fields(head: bytes) -> Fields:
    """Fields of header lines; a line that begins with white space goes on with the last one, others without a colon are
    passed over. Bytes are UTF-8, else Latin-1."""
    if not (head[:1].isspace() or b"\n " in head or b"\n\t" in head):  # no line goes on
        try:
            return [(name, value.strip()) for name, value in FIELDS.findall(head.decode())]
        except UnicodeDecodeError:
            pass
    fields: Fields = []
    for line in head.split(b"\n"):
        text = _text(line.rstrip())
        if FOLDED.match(line) and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {text.strip()}".strip())
        elif FIELD.match(line):
            name, _, value = text.partition(":")
            fields.append((name.strip(), value.strip()))
    return fields


def parse_http(block: bytes) -> Http:
    """A response as it was stored. Raises BadRecordError where there is no status line."""
    begun = STATUS.match(block)
    if not begun:
        raise BadRecordError("BrokenHttp: no status line")
    end, body = _head_end(block, begun.end())
    return Http(int(begun[1]), parse_fields(block[begun.end() : end]), block[body:])


def _head_end(block: bytes, at: int) -> tuple[int, int]:
    """(end of the header lines from `at` on, begin of the body). They end at an empty line or, where that is missing,
    at a line that is no field, with none behind it."""
    limit = at + MAX_HTTP_HEAD_BYTES
    if (plain := PLAIN_HEAD.match(block, at, limit)) is not None:
        return plain.end(1), plain.end()
    while at < min(len(block), limit):
        line = LINE.match(block, at)
        if line is None or not line[0].strip():
            return at, line.end() if line else at
        if not (FIELD.match(line[0]) or FOLDED.match(line[0])):
            following = LINE.match(block, line.end())
            behind = following[0] if following else b""
            if line[0].startswith(b"<") or (behind.strip() and not FIELD.match(behind)):
                return at, at
        at = line.end()
    return at, at


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
