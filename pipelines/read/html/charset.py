"""Bytes of a page or a text -> its text: in the encoding that a browser would take, unless its bytes say otherwise."""

import re

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.encodings.declared import declared_in
from gristmill.pipelines.read.encodings.decoders import PAIRED, decode
from gristmill.pipelines.read.encodings.detected import detect, detect_escaped, detect_unicode, odd_share
from gristmill.pipelines.read.encodings.labels import encoding_of

MARKS = (
    (b"\xff\xfe\0\0", "utf-32le"),
    (b"\0\0\xfe\xff", "utf-32be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16le"),
    (b"\xfe\xff", "utf-16be"),
)
LATIN = {f"windows-{page}" for page in (1250, 1252, 1254, 1257, 1258)} | {"macintosh"}
LATIN |= {f"iso-8859-{part}" for part in (2, 3, 4, 10, 13, 14, 15, 16)}
BEYOND_ASCII = re.compile("[^\0-\x7f]+")
MAX_WRONG_SHARE = 0.01
"""Of the characters of a text, beside a single one. Of 3,085 pages three have any U+FFFD, 0.07 % at most."""
MOSTLY_WRONG = 0.25
"""U+FFFD among what is not ASCII, where an encoding is none of the page."""
LEAST_NARROW = 8
"""Two-byte characters of UTF-8 in a row that East Asian text is not by chance."""
MOST_ODD = 0.3
"""Rare characters among what is not ASCII in East Asian text. In another encoding of the region it is about half."""
LONG_RUN, MOST_LONG = 3, 0.4
"""Latin letters that are not ASCII seldom stand side by side; bytes of other scripts do: half of them in runs."""
CYRILLIC = {"windows-1251", "koi8-r", "koi8-u", "iso-8859-5", "ibm866", "x-mac-cyrillic"}
LETTERS, FREQUENT = re.compile("[а-яА-Я]"), re.compile("[оеаинтОЕАИНТ]")
LEAST_FREQUENT = 0.35
"""Six letters are 45 % of Russian, and as much of its neighbours; in KOI8-R read as windows-1251 they are 25 %."""
LEAST_SINGLE = 16
"""Characters beyond ASCII, below which shares of single-byte encodings mean nothing."""
LEAST_BEYOND = 4
"""The same for those of East Asia, whose characters say more."""


def decode_page(page: bytes, http_label: str | None) -> tuple[str, str]:
    """(text, encoding) of a page: its byte order mark, else the HTTP header's charset, else its own declaration, else
    UTF-8 if it is that, else what its bytes look like. Bytes that the encoding does not have become U+FFFD.

    Beyond browsers: a page whose text would make no sense so, and does in UTF-8, in what it declares beside the header
    or in what its bytes look like, is read in that. Encodings have the names of the WHATWG standard, in lower case.
    """
    if encoding := _marked(page) or _shown(page):
        return _unmarked(decode(page, encoding)), encoding
    named = encoding_of(http_label) or declared_in(page) or "utf-8"
    try:
        text = page.decode()
    except UnicodeDecodeError:
        pass
    else:
        if named == "utf-8" or _rather_utf8(page, text, named):
            return text, "utf-8"
    text = decode(page, named)
    broken = _broken(text)
    if not broken and not _doubtful(text, named):
        return text, named
    for encoding in (declared_in(page), detect(page)):
        if encoding and encoding != named and _may_replace(encoding, named, broken):
            other = decode(page, encoding)
            if not _broken(other) and (broken or not _doubtful(other, encoding)):
                return other, encoding
    return text, named


def decode_text(data: bytes) -> tuple[str, str]:
    """(text, encoding) of a plain-text file: byte order mark, UTF-8, else a detected multi-byte or single-byte
    encoding.

    Raises BadRecordError for a file that is UTF-8 but for some bytes, or that no detected encoding can read.
    """
    if encoding := _marked(data) or _shown(data):
        return _strict(data, encoding), encoding
    try:
        return _unmarked(data.decode()), "utf-8"
    except UnicodeDecodeError as error:
        if not _broken(decode(data, "utf-8")):
            raise BadRecordError(f"UnicodeDecodeError: {error.reason} at byte {error.start}, elsewhere UTF-8") from None
    encoding = detect(data)
    if encoding is None:
        raise BadRecordError("UnicodeDecodeError: neither UTF-8 nor an encoding that could be recognised")
    return _strict(data, encoding), encoding


def check_decoded(text: str, encoding: str) -> None:
    """Raises BadRecordError for a text that could not be decoded: with more U+FFFD than damage by the way leaves."""
    if encoding == "replacement":
        raise BadRecordError("UndecodableText: it is written in ISO-2022-CN or the like, which nothing here reads")
    wrong = text.count("\ufffd")
    if wrong > 1 + MAX_WRONG_SHARE * len(text):
        raise BadRecordError(
            f"UndecodableText: {wrong:,} of {len(text):,} characters are U+FFFD; read as {encoding}, which it is not"
        )


def _marked(data: bytes) -> str | None:
    """The encoding of a byte order mark. UTF-16's could be the beginning of UTF-32's."""
    for mark, encoding in MARKS:
        if data.startswith(mark) and (not encoding.startswith("utf-32") or "\ufffd" not in decode(data, encoding)):
            return encoding
    return None


def _shown(data: bytes) -> str | None:
    """The encoding of bytes that may be valid UTF-8 and are none: they have NULs or escape sequences."""
    return (detect_unicode(data) if b"\0" in data else None) or detect_escaped(data)


def _unmarked(text: str) -> str:
    """The text without the mark that it begins with, and those of files that were joined behind it."""
    return text.removeprefix("\ufeff").replace("\n\ufeff", "\n") if "\ufeff" in text else text


def _strict(data: bytes, encoding: str) -> str:
    text = decode(data, encoding)
    if "\ufffd" in text:
        wrong = text.count("\ufffd")
        raise BadRecordError(
            f"UnicodeDecodeError: not {encoding}: {wrong:,} of {len(text):,} characters are none of it"
        )
    return _unmarked(text)


def _rather_utf8(page: bytes, text: str, named: str) -> bool:
    """Whether a page that is valid UTF-8 is that, and not what was said: by chance only some few bytes are valid, and
    they then have no more than two bytes a character."""
    if named not in PAIRED:
        return named != "iso-2022-jp"
    return text.isascii() is False and (
        max(text) >= "\u0800"
        or len(text) - len(text.encode("ascii", "ignore")) >= LEAST_NARROW
        or "\ufffd" in decode(page, named)
    )


def _may_replace(encoding: str, named: str, broken: bool) -> bool:
    """Whether an encoding may be taken for one that was named. Latin ones differ in too little, and half-width Katakana
    in Shift_JIS look like anything whose characters are bytes."""
    if named in LATIN:
        return encoding not in LATIN
    return broken or named != "shift_jis" or encoding in PAIRED


def _broken(text: str) -> bool:
    """Whether much of what is not ASCII could not be decoded."""
    wrong = text.count("\ufffd")
    return wrong > 0 and wrong >= MOSTLY_WRONG * (len(text) - len(text.encode("ascii", "ignore")))


def _doubtful(text: str, encoding: str) -> bool:
    """Whether a text is unlike those that are written in the encoding that it was decoded by."""
    if encoding in CYRILLIC:
        letters = len(LETTERS.findall(text))
        return letters >= LEAST_SINGLE and len(FREQUENT.findall(text)) < LEAST_FREQUENT * letters
    if encoding not in LATIN and encoding not in PAIRED:
        return False
    runs = BEYOND_ASCII.findall(text)
    beyond = sum(map(len, runs))
    if beyond < (LEAST_SINGLE if encoding in LATIN else LEAST_BEYOND):
        return False
    if encoding in LATIN:
        return sum(len(run) for run in runs if len(run) >= LONG_RUN) > MOST_LONG * beyond
    return odd_share(text, encoding, beyond) > MOST_ODD
