"""Bytes of a page -> its text: in the encoding that a browser would take, unless its bytes say otherwise."""

import re

from gristmill.pipelines.read.encodings.declared import declared_in
from gristmill.pipelines.read.encodings.decoders import PAIRED, decode
from gristmill.pipelines.read.encodings.detected import decode_detected, detect, odd_share
from gristmill.pipelines.read.encodings.labels import encoding_of
from gristmill.pipelines.read.encodings.texts import broken, marked, shown, unmarked

LATIN = {f"windows-{page}" for page in (1250, 1252, 1254, 1257, 1258)} | {"macintosh"}
LATIN |= {f"iso-8859-{part}" for part in (2, 3, 4, 10, 13, 14, 15, 16)}
BEYOND_ASCII = re.compile("[^\0-\x7f]+")
LEAST_NARROW = 8
"""Two-byte characters of UTF-8 in a row that East Asian text is not by chance."""
MOST_ODD = 0.3
"""Rare characters among what is not ASCII in East Asian text. In another encoding of the region it is about half."""
JAPANESE, HIRAGANA, LEAST_HIRAGANA = {"shift_jis", "euc-jp"}, re.compile("[ぁ-ん]"), 0.1
"""Pages for old telephones are half in half-width Katakana; text of another encoding, read as Japanese, has hardly a
Hiragana."""
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
    if encoding := marked(page) or shown(page):
        return unmarked(decode(page, encoding)), encoding
    named = encoding_of(http_label) or declared_in(page) or "utf-8"
    try:
        text = page.decode()
    except UnicodeDecodeError:
        pass
    else:
        if named == "utf-8" or _rather_utf8(page, text, named):
            return text, "utf-8"
    text = decode(page, named)
    is_broken = broken(text)
    if not is_broken and not _doubtful(text, named):
        return text, named
    for find, read in ((declared_in, decode), (detect, decode_detected)):
        encoding = find(page)
        if encoding and encoding != named and _may_replace(encoding, named, is_broken):
            other = read(page, encoding)
            if not broken(other) and (is_broken or not _doubtful(other, encoding)):
                return other, encoding
    return text, named


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


def _may_replace(encoding: str, named: str, is_broken: bool) -> bool:
    """Whether an encoding may be taken for one that was named. Latin ones differ in too little, and half-width Katakana
    in Shift_JIS look like anything whose characters are bytes."""
    if named in LATIN:
        return encoding not in LATIN
    if encoding == "johab" and named in PAIRED:  # no page is known that is in it and says another one
        return is_broken
    return is_broken or named != "shift_jis" or encoding in PAIRED


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
    odd = odd_share(text, encoding, beyond)
    return odd > MOST_ODD and not (encoding in JAPANESE and len(HIRAGANA.findall(text)) >= LEAST_HIRAGANA * beyond)
