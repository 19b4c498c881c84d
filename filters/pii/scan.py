"""Where a recognizer could match at all. Everything else is never looked at twice.

A cue is an alphabet and a trigger. A recognizer may name a cue if each of its matches stays within one run of the
alphabet, holds the trigger, and depends on no more than REACH characters around the run. Then running it on those runs
with their surroundings gives exactly what running it on the whole text gives (tests/filters/pii/test_scan.py).
"""

from bisect import bisect_right
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
import pyarrow as pa

from filters.batch import text_buffers
from filters.kernels import pii as kernels
from filters.kernels.unicode import LIMIT
from filters.pii.fold import FOLDED, fold

REACH = kernels.REACH
"""Characters to either side of a run that a recognizer may look at: "电话：", "passport number", "version"."""

BREAK = "\x1e"
"""Stands between windows (ASCII record separator). Whoever looks for words around a match stops at it."""

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
"""First characters of Chinese number plates (GA 36-2018)."""

_DIGITS = "0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = _UPPER + _UPPER.lower()
_ACCENTED = "".join(map(chr, (*range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x250))))
"""Letters of mail addresses, too. Not Han, Kana or Hangul: they are written against an address."""


class Cue(IntEnum):
    """What makes a place worth a closer look. The value is the bit in the character table."""

    MAIL = kernels.MAIL
    """An at-sign in a run of what addresses are made of."""
    NUMBER = kernels.NUMBER
    """Seven digits or more, written together or in groups."""
    ADDRESS = kernels.ADDRESS
    """Four numbers joined by dots, or a first group of a global IPv6 address."""
    CODE = kernels.CODE
    """Six digits in a word of letters and digits, or a word of 26 characters."""
    ACCOUNT = kernels.ACCOUNT
    """Two capitals and two digits in a run of capitals and digits of fifteen characters."""
    PLATE = kernels.PLATE
    """A province character followed by a capital, and three digits."""
    HANDLE = kernels.HANDLE
    """A word of five characters shortly after WeChat or QQ was named."""


ALPHABETS: dict[Cue, str] = {
    Cue.MAIL: _LETTERS + _DIGITS + _ACCENTED + "@._%+-",
    Cue.NUMBER: _DIGITS + " -.()/+xX",
    Cue.ADDRESS: _LETTERS + _DIGITS + ":.%/",
    Cue.CODE: _LETTERS + _DIGITS,
    Cue.ACCOUNT: _UPPER + _DIGITS + " -",
    Cue.PLATE: PROVINCES + _UPPER + _DIGITS + "·•.- 挂学警港澳领",
    Cue.HANDLE: _LETTERS + _DIGITS + "_-",
}

_PROPERTIES: dict[int, str] = {
    kernels.DIGIT: _DIGITS,
    kernels.UPPER: _UPPER,
    kernels.HEX: _DIGITS + "abcdefABCDEF",
    kernels.PROVINCE: PROVINCES,
    kernels.AT: "@",
    kernels.DOT: ".",
    kernels.COLON: ":",
    kernels.KEYWORD_END: "qQxXtTnN信扣鹅",
}


@cache
def _classes() -> np.ndarray:
    """uint16[0x110000]: cue bits and properties by code point. A full-width form is of the class it folds to."""
    class_C = np.zeros(LIMIT, np.uint16)
    for bit, characters in [*((1 << cue, text) for cue, text in ALPHABETS.items()), *_PROPERTIES.items()]:
        class_C[[ord(c) for c in characters]] |= bit
    for wide, narrow in FOLDED.items():
        class_C[ord(wide)] = class_C[ord(narrow)]
    return class_C


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of one cue in a batch, and one folded text of all of them, BREAK between.

    doc_W, from_W (bytes of the document where the window starts, int64); original_W: their text as it stands;
    begin_W: where each starts in `text`; core_W: its run there, [first, last) in characters.
    """

    text: str
    doc_W: list[int]
    from_W: list[int]
    original_W: list[str]
    begin_W: list[int]
    core_W: list[tuple[int, int]]

    def locate(self, start: int, end: int) -> tuple[int, int, int] | None:
        """(document, start byte, end byte) of a match in `text`; None where it only lies in a window's surroundings."""
        w = bisect_right(self.begin_W, start) - 1
        first, last = self.core_W[w]
        if start < first or end > last:
            return None
        original, begin = self.original_W[w], self.begin_W[w]
        start_byte = self.from_W[w] + len(original[: start - begin].encode())
        return self.doc_W[w], start_byte, start_byte + len(original[start - begin : end - begin].encode())


def scan(text: pa.Array) -> dict[Cue, Windows]:
    """The windows of every cue that a batch of documents (large_string) has any of."""
    data_B, start_D1 = text_buffers(text)
    found_R6 = _runs(data_B, start_D1)
    return {
        cue: _windows(data_B, start_D1, found_R6[found_R6[:, 1] == cue]) for cue in Cue if (found_R6[:, 1] == cue).any()
    }


def _runs(data_B: np.ndarray, start_D1: np.ndarray) -> np.ndarray:
    """find_runs() with room for whatever it finds; rows by document, then where they end."""
    size = 256 + int(start_D1[-1] - start_D1[0]) // 256
    while True:
        found_R6 = np.empty((size, 6), np.int64)
        found = kernels.find_runs(data_B, start_D1, _classes(), found_R6)
        if found <= size:
            return found_R6[:found]
        size = found


def _windows(data_B: np.ndarray, start_D1: np.ndarray, found_R6: np.ndarray) -> Windows:
    data = data_B.data
    original_W, begin_W, core_W = [], [], []
    position = 0
    for _, _, begin, end, left, right in found_R6.tolist():
        before, core = str(data[left:begin], "utf-8"), str(data[begin:end], "utf-8")
        original = before + core + str(data[end:right], "utf-8")
        original_W.append(original)
        begin_W.append(position)
        core_W.append((position + len(before), position + len(before) + len(core)))
        position += len(original) + len(BREAK)
    doc_W = found_R6[:, 0]
    from_W = found_R6[:, 4] - start_D1[doc_W]
    return Windows(fold(BREAK.join(original_W)), doc_W.tolist(), from_W.tolist(), original_W, begin_W, core_W)
