"""Bytes of plain texts -> their characters, and what is done about bytes that are none.

One policy for all formats: what an encoding has no character for becomes U+FFFD, where it is little (a stray byte, a
character that was cut); where it is much, the record is a dead letter.
"""

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.encodings.decoders import decode
from gristmill.pipelines.read.encodings.detected import decode_detected, detect, detect_escaped, detect_unicode
from gristmill.pipelines.read.marks import BOM, WIDE_BOMS

MAX_WRONG_SHARE = 0.01
"""Of the characters of a text, beside a single one. Of 3,085 pages three have any U+FFFD, 0.07 % at most."""
MOSTLY_WRONG = 0.5
"""U+FFFD among what is not ASCII, where an encoding is none of the text."""
STRAY_SHARE = 0.001
"""U+FFFD among the characters of a text of UTF-8 that has little else beyond ASCII: less than any Latin script has."""
REPLACED = "replaced_characters"
"""In `meta`: how many U+FFFD stand for bytes that were none of the encoding; absent where none does."""


def decode_text(data: bytes) -> tuple[str, str]:
    """(text, encoding) of a plain text: by its byte order mark, as UTF-8, else as its bytes look like. Bytes that the
    encoding does not have become U+FFFD, as in pages; `check_decoded` says when they are too many.

    Raises BadRecordError for what is neither UTF-8 nor an encoding that can be recognised.
    """
    if encoding := marked(data) or shown(data):
        return unmarked(decode(data, encoding)), encoding
    text = decode(data, "utf-8")
    if not broken(text):
        return unmarked(text), "utf-8"
    encoding = detect(data)
    if encoding is None:
        raise BadRecordError("UnicodeDecodeError: neither UTF-8 nor an encoding that could be recognised")
    return unmarked(decode_detected(data, encoding)), encoding


def decode_known(data: bytes, encoding: str = "utf-8") -> tuple[str, int]:
    """(text, how many U+FFFD stand in it for bytes that are none) of a record whose format or file says what it is
    written in, by the standard's name of that.

    Raises UnicodeDecodeError or BadRecordError for one that has more than stray bytes which are none of it: it may be
    written in another encoding.
    """
    error: ValueError | None = None
    try:
        if encoding == "utf-8":
            return data.decode(), 0
    except UnicodeDecodeError as raised:
        error = raised
    text = decode(data, encoding)
    wrong = text.count("\ufffd")
    if wrong > _most_wrong(text) or (broken(text) and wrong > STRAY_SHARE * len(text)):
        said = f"UnicodeDecodeError: {wrong:,} of {len(text):,} characters are none of {encoding}"
        raise error or BadRecordError(said)
    return text, wrong


def check_decoded(text: str, encoding: str) -> int:
    """How many U+FFFD stand in a text. Raises BadRecordError for one that could not be decoded: with more of them than
    damage by the way leaves."""
    if encoding == "replacement":
        raise BadRecordError("UndecodableText: it is written in ISO-2022-CN or the like, which nothing here reads")
    wrong = text.count("\ufffd")
    if wrong > _most_wrong(text):
        raise BadRecordError(
            f"UndecodableText: {wrong:,} of {len(text):,} characters are U+FFFD; read as {encoding}, which it is not"
        )
    return wrong


def _most_wrong(text: str) -> float:
    """Of a few characters a single wrong one is much."""
    return min(1 + MAX_WRONG_SHARE * len(text), len(text) / 4)


def marked(data: bytes) -> str | None:
    """The encoding of a byte order mark. UTF-16's could be the beginning of UTF-32's."""
    if data.startswith(BOM):
        return "utf-8"
    for mark, encoding in WIDE_BOMS.items():
        if data.startswith(mark) and (not encoding.startswith("utf-32") or "\ufffd" not in decode(data, encoding)):
            return encoding
    return None


def shown(data: bytes) -> str | None:
    """The encoding of bytes that may be valid UTF-8 and are none: they have NULs or escape sequences."""
    return (detect_unicode(data) if b"\0" in data else None) or detect_escaped(data)


def unmarked(text: str) -> str:
    """The text without the mark that it begins with, and those of files that were joined behind it."""
    return text.removeprefix("\ufeff").replace("\n\ufeff", "\n") if "\ufeff" in text else text


def broken(text: str) -> bool:
    """Whether much of what is not ASCII could not be decoded."""
    wrong = text.count("\ufffd")
    return wrong > 0 and wrong >= MOSTLY_WRONG * (len(text) - len(text.encode("ascii", "ignore")))
