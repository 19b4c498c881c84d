"""Short texts that resiliparse would take for icons, hidden from it during extraction.

Measured on 2.0.1: a text node whose three bytes of UTF-8 end in 0x80 to 0xBF (nearly every lone Han character, dash and
comma; also `où`, or a figure with a no-break space) is taken for the glyph of an icon font, because the bounds of the
private use area are compared in the wrong byte order; so is `¶`.
"""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from html import unescape

import numpy as np

from gristmill.filters.kernels.jit import kernel

SPACE = "\0\t\n\v\f\r "
"""What resiliparse strips, and NUL, which parsers drop."""
RAW_TEXT = re.compile(rb"<(?:xmp|plaintext|noembed|noframes)\b", re.IGNORECASE)
"""Elements that are shown and in which a reference stays as it is written."""
ICON_HOLDER = re.compile(rb"<(?:a|i|span)\b", re.IGNORECASE)
PERMALINK = re.compile(rb"<a\b", re.IGNORECASE)

MARKS = [*range(0x01, 0x09), *range(0x0E, 0x1C)]
"""Control characters: pages hardly have any, they are no white space, and take one byte in UTF-8."""
REFERENCED = re.compile(rb"&#(?:0*(\d{1,2})|[xX]0*([\da-fA-F]{1,2}))(?![\da-fA-F])")
DIGITS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "<>&")
PER_MARK = len(DIGITS) ** 2

MAX_WRITTEN = 64
"""Bytes of a text that takes three, when it is written with references."""
FOUND_AT_ONCE = 512


class Shield:
    """Stand-ins for short texts: a control character that the page does not have, and two digits. They are three bytes
    long, as what they stand for, because the rules for menus compare the lengths of texts."""

    def __init__(self, page: bytes):
        """`page`: in UTF-8."""
        self._page = page
        self._stand_ins: dict[str, str] = {}

    def hide(self) -> bytes:
        """The page with stand-ins."""
        pieces, done = [], 0
        for start, end in _short_texts(self._page):
            written = self._page[start:end]
            text = dropped_text(written)
            if text and (stand_in := self._stand_in(text, start, b"&" in written)):
                pieces += [self._page[done:start], stand_in.encode()]
                done = end
        return b"".join((*pieces, self._page[done:])) if done else self._page

    def restore(self, text: str) -> str:
        """The text with the characters themselves in the place of their stand-ins."""
        if not self._stand_ins:
            return text
        texts = {stand_in: text for text, stand_in in self._stand_ins.items()}
        return re.sub(f"[{self._marks}]..", lambda found: texts.get(found[0], found[0]), text)

    def _stand_in(self, text: str, start: int, by_reference: bool) -> str | None:
        """What hides a text that begins at `start`; None where it may be dropped, or cannot be hidden."""
        if by_reference and self._has_raw_text:
            return None
        holder = PERMALINK if text == "¶" else ICON_HOLDER if "\ue000" <= text <= "\uf8ff" else None
        if holder and holder.match(self._page, max(self._page.rfind(b"<", 0, start), 0)):
            return None
        if text not in self._stand_ins:
            place, number = divmod(len(self._stand_ins), PER_MARK)
            if place >= len(self._marks):
                return None  # a binary page, that uses the control characters up
            self._stand_ins[text] = self._marks[place] + DIGITS[number // len(DIGITS)] + DIGITS[number % len(DIGITS)]
        return self._stand_ins[text]

    @cached_property
    def _has_raw_text(self) -> bool:
        return RAW_TEXT.search(self._page) is not None

    @cached_property
    def _marks(self) -> str:
        """Control characters that the page holds neither as such nor by reference."""
        referenced = {int(ten or b"0") or int(six or b"0", 16) for ten, six in REFERENCED.findall(self._page)}
        return "".join(chr(code) for code in MARKS if code not in self._page and code not in referenced)


@lru_cache(1 << 12)
def dropped_text(written: bytes) -> str:
    """The text of a text node, without white space around it, if resiliparse takes it for an icon or a paragraph's link
    to itself; else ""."""
    text = unescape(written.decode()).strip(SPACE)
    data = text.encode()
    return text if text == "¶" or (len(data) == 3 and 0x8080EE <= int.from_bytes(data, "little") <= 0xBFA3EF) else ""


def _short_texts(page: bytes) -> Iterator[tuple[int, int]]:
    """Where texts between two tags lie that may be dropped, without the white space around them."""
    data_B, place_F2, at = np.frombuffer(page, np.uint8), np.empty((FOUND_AT_ONCE, 2), np.int64), -1
    while at < len(page):
        count, at = _find(data_B, at, place_F2)
        yield from place_F2[:count].tolist()


# Letters: B bytes of the page, F texts found at once.


@kernel
def _find(data_B, at, place_F2):
    """(number of texts found, the byte to go on at) from a ">" at or behind `at` on; -1: the page's beginning is one,
    too. A text is found if it has three bytes that end beyond ASCII, is a pilcrow, or begins with a reference."""
    count, n = 0, data_B.size
    while at < n and count < place_F2.shape[0]:
        if at >= 0 and data_B[at] != 62:
            at += 1
            continue
        start = at + 1
        while start < n and (data_B[start] == 32 or 9 <= data_B[start] <= 13 or data_B[start] == 0):
            start += 1
        at = end = start
        while at < n and at - start <= MAX_WRITTEN and data_B[at] != 60 and data_B[at] != 62:
            if data_B[at] > 32:
                end = at + 1
            at += 1
        if at < n and data_B[at] != 60:
            continue
        size = end - start
        if size < 2:
            continue
        short = size == 3 and data_B[end - 1] >= 128
        pilcrow = size == 2 and data_B[start] == 0xC2 and data_B[start + 1] == 0xB6
        if short or pilcrow or data_B[start] == 38 or data_B[start + 1] == 38:
            place_F2[count, 0], place_F2[count, 1] = start, end
            count += 1
    return count, at
