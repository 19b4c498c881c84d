"""The encoding that a page declares of itself, found as a browser finds it (HTML standard, section 13.2.3.2)."""

import re

from gristmill.pipelines.read.encodings.labels import encoding_of

SCANNED_BYTES = 4096
"""Of a page; the standard says at least 1,024."""
WIDE_XML = {b"<\0?\0x\0": "utf-16le", b"\0<\0?\0x": "utf-16be"}
"""How XML declarations in UTF-16 begin."""
WORDS = re.compile(rb"charset|encoding", re.IGNORECASE)
"""One of them is in every other declaration."""
MARKUP = re.compile(rb"<(?:(!--)|(meta)(?=[\t\n\f\r /])|/?[a-z][^\t\n\f\r >]*+|([!/?]))", re.IGNORECASE)
NAME = rb"[^\t\n\f\r />][^\t\n\f\r />=]*+"
BARE = rb"""[^\t\n\f\r >"'][^\t\n\f\r >]*+"""
ATTRIBUTE = rb"""[\t\n\f\r /]*+(%b%b)(?:
    [\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"(%b[^"]*+)"|'(%b[^']*+)'|(%b%b)(?!\Z)|(?=>))
    |(?![\t\n\f\r ]*+(?:=|\Z)))"""
"""A name, and its value in quotation marks, in apostrophes, in neither, or none."""
ATTRIBUTES = re.compile(ATTRIBUTE % (b"", NAME, b"", b"", b"", BARE), re.VERBOSE)
TAG = re.compile(rb"(?:%b|(?!))*+[\t\n\f\r /]*+>" % (ATTRIBUTE % (b"?:", NAME, b"?:", b"?:", b"?:", BARE)), re.VERBOSE)
"""What follows the name of a tag; nothing where the bytes end within it. Python's `re` fails at groups within `*+`."""
CHARSET = re.compile(
    rb"""charset[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"([^"]*)"|'([^']*)'|([^"'\t\n\f\r ;][^\t\n\f\r ;]*+)|)"""
)
"""In the attribute `content`, in lower case."""
XML_ENCODING = re.compile(rb"""encoding[\0-\x20]*+=[\0-\x20]*+(?:"([^"\0-\x20]*+)"|'([^'\0-\x20]*+)')""")


def declared_in(page: bytes) -> str | None:
    """The encoding of the page's first <meta> that names a known one, else that of its XML declaration; UTF-16 in them
    means UTF-8, for they were found by reading bytes. None where there is none."""
    if page[:6] in WIDE_XML:
        return WIDE_XML[page[:6]]
    head = page[:SCANNED_BYTES]
    if not WORDS.search(head):
        return None
    encoding = _in_meta(head) or _in_xml(head)
    return "utf-8" if encoding in ("utf-16le", "utf-16be") else encoding


def _in_meta(head: bytes) -> str | None:
    at = 0
    while found := MARKUP.search(head, at):
        comment, meta, other = found.groups()
        if comment or other:
            end = b"-->" if comment else b">"
            at = head.find(end, found.start() + (2 if comment else 1)) + len(end)
            if at < len(end):
                return None  # the bytes end within it
            continue
        tag = TAG.match(head, found.end())
        if not tag:
            return None
        if meta and (encoding := _of_meta(head, found.end(), tag.end())):
            return encoding
        at = tag.end()
    return None


def _of_meta(head: bytes, start: int, end: int) -> str | None:
    """What the attributes of a <meta> declare. `content` counts only beside http-equiv=content-type."""
    seen: dict[bytes, bytes] = {}
    for name, *values in ATTRIBUTES.findall(head, start, end):
        seen.setdefault(name.lower(), b"".join(values).lower())
    if b"charset" in seen:
        encoding = _encoding(seen[b"charset"])
    elif seen.get(b"http-equiv") == b"content-type":
        content = CHARSET.search(seen.get(b"content", b""))
        encoding = _encoding(b"".join(group or b"" for group in content.groups())) if content else None
    else:
        return None
    return "windows-1252" if encoding == "x-user-defined" else encoding


def _in_xml(head: bytes) -> str | None:
    end = head.find(b">")
    at = head.find(b"encoding", 0, end) if head.startswith(b"<?xml") and end > 0 else -1
    found = XML_ENCODING.match(head, at) if at > 0 else None
    return _encoding(found[1] or found[2] or b"") if found else None


def _encoding(label: bytes) -> str | None:
    return encoding_of(label.decode("latin-1"))
