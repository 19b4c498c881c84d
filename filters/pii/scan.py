"""Where a recognizer could match at all. Everything else is never looked at twice.

A cue is an alphabet and a trigger. A recognizer may name a cue if each of its matches stays within one run of the
alphabet, holds the trigger, and depends on no more than REACH characters around the run. Then running it on those runs
with their surroundings gives exactly what running it on the whole text gives (tests/filters/pii/test_scan.py).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.pii import anchors as words
from gristmill.filters.kernels.pii import scan as kernels
from gristmill.filters.kernels.text.unicode import LIMIT
from gristmill.filters.pii import keys
from gristmill.filters.pii.fold import FOLDED, fold

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


Match = tuple[int, int, float]
"""(start, end, score) in characters of a text of windows."""


class Cue(IntEnum):
    """What makes a place worth a closer look. The value is the bit in the character table."""

    MAIL = kernels.MAIL
    """An at-sign, and a dot behind it, in a run of what addresses are made of."""
    NUMBER = kernels.NUMBER
    """Seven digits or more, written together or in groups."""
    ADDRESS = kernels.ADDRESS
    """Four numbers joined by dots, or a first group of a global IPv6 address."""
    CODE = kernels.CODE
    """Six digits in a word of letters and digits, or a word of 26 characters."""
    ACCOUNT = kernels.ACCOUNT
    """Two capitals and two digits in a run of capitals and digits of fifteen characters."""
    PLATE = kernels.PLATE
    """A province character followed by a capital, a mark or space between or not, and three digits."""
    HANDLE = kernels.HANDLE
    """A word of five characters shortly after WeChat or QQ was named."""
    SECRET = kernels.SECRET
    """What no space breaks: with :// and an at-sign behind it, with the beginning of a known kind of key, or behind a
    word such as `token` and `=`."""
    NAMED = kernels.NAMED
    """A word of six characters with two digits, shortly after a passport was named."""
    IDENTITY = kernels.IDENTITY
    """Three digits before a parenthesis, in a run of capitals, digits and parentheses."""
    BLOCK = kernels.BLOCK
    """From -----BEGIN to the line that ends it. Not a run of an alphabet."""


ALPHABETS: dict[Cue, str] = {
    Cue.MAIL: _LETTERS + _DIGITS + _ACCENTED + "@._%+-'",
    Cue.NUMBER: _DIGITS + " -.()/+xX转轉分机機內内线線#",
    Cue.ADDRESS: _LETTERS + _DIGITS + ":.%/",
    Cue.CODE: _LETTERS + _DIGITS,
    Cue.ACCOUNT: _UPPER + _DIGITS + " -",
    Cue.PLATE: PROVINCES + _UPPER + _DIGITS + "·•.- 挂学警港澳领",
    Cue.HANDLE: _LETTERS + _DIGITS + "_-",
    Cue.NAMED: _LETTERS + _DIGITS,
    Cue.IDENTITY: _UPPER + _DIGITS + "()",
}
"""Of all cues but SECRET, whose runs end at spaces and at what ENDS_SECRETS, and BLOCK."""

ENDS_SECRETS = '"<>`'

_PROPERTIES: dict[int, str] = {
    kernels.DIGIT: _DIGITS,
    kernels.UPPER: _UPPER,
    kernels.HEX: _DIGITS + "abcdefABCDEF",
    kernels.PROVINCE: PROVINCES,
    kernels.AT: "@",
    kernels.DOT: ".",
    kernels.COLON: ":",
    kernels.KEYWORD_END: "qQvV:：号群信微薇威扣抠球蔻鹅❤星照证證注券ト권码碼令钥鑰牌ド호",
}

_ASSIGNED = (
    "token password passwort passwd passphrase passcode pwd secret _key -key ikey skey tkey ekey nkey .key creds "
    "credential credentials _pass -pass dbpass pass= pass: pass' pass\" pw= pw:"
)

ANCHORS: dict[int, str] = {
    words.SHORT: "qq vx wx",
    words.LONG: "wechat weixin",
    words.EXACT: "wxid_",
    words.NAMED_CODE: "passport reisepass passeport pasaporte passaporto paspoort paszportu paszport passnummer "
    "pass-nr permit",
    words.URL: "://",
    words.PREFIX: " ".join(keys.signs(within=False) + keys.signs(within=True)),
    words.ASSIGNED: _ASSIGNED,
    words.BEARER: "bearer :_basic \"basic 'basic",
    words.BEGIN: "-----begin",
}
"""ASCII words by their kind, in small letters, capitals alike; `:_` is a colon and a space."""


@cache
def anchors() -> words.Anchors:
    """ANCHORS as the kernel reads them. A word that another one ends with is found by the other."""
    listed = [(word.replace(":_", ": "), kind) for kind, text in ANCHORS.items() for word in text.split()]
    first_P, next_W = np.full(1 << 14, -1, np.int16), np.full(len(listed), -1, np.int16)
    reversed_W = np.zeros((len(listed), max(len(word) for word, _ in listed)), np.uint8)
    for w, (word, _) in enumerate(listed):
        reversed_W[w, : len(word)] = np.frombuffer(word[::-1].encode(), np.uint8)
        pair = ord(word[-2]) << 7 | ord(word[-1])
        next_W[w], first_P[pair] = first_P[pair], w
    sizes = np.array([len(word) for word, _ in listed], np.int64)
    kinds = np.array([kind for _, kind in listed], np.int64)
    within = {*keys.signs(within=True)}
    apart = [word[0].isalnum() and kind in (words.SHORT, words.PREFIX) and word not in within for word, kind in listed]
    return words.Anchors(first_P, next_W, reversed_W, sizes, kinds, np.array(apart, np.bool_))


LONG_WINDOW = 1024
"""Characters from which a window's places are reckoned together: it may be full of them."""

LAST_BLANK = 0x3000
"""No code point behind it is white space: the ideographic space."""


@cache
def classes() -> np.ndarray:
    """uint32[0x110000]: cue bits and properties by code point. A full-width form is of the class it folds to."""
    class_C = np.full(LIMIT, 1 << Cue.SECRET, np.uint32)
    blank = [c for c in range(LAST_BLANK + 1) if chr(c).isspace() or c < 0x20]
    class_C[blank + [ord(c) for c in ENDS_SECRETS]] = 0
    for bit, characters in [*((1 << cue, text) for cue, text in ALPHABETS.items()), *_PROPERTIES.items()]:
        class_C[[ord(c) for c in characters]] |= bit
    for wide, narrow in FOLDED.items():
        class_C[ord(wide)] = class_C[ord(narrow)]
    return class_C


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of one cue in a batch, and one folded text of all of them, BREAK between. Runs near each other share
    a window.

    original_W: the windows' text as it stands; begin_W: where each starts in `text`; doc_W, from_W: its document, and
    the byte there. Of the runs: window_R, and [first_R, last_R) in characters of `text`.
    """

    text: str
    original_W: list[str]
    begin_W: list[int]
    doc_W: list[int]
    from_W: list[int]
    window_R: list[int]
    first_R: list[int]
    last_R: list[int]

    def located(self, matches: Iterable[Match]) -> Iterator[tuple[int, int, int, Match]]:
        """(document, start byte, end byte, match) of matches in `text`, which come in order of their starts, without
        those that are not within a run. One walk: a window may be long, and full of them."""
        w, at, byte = -1, 0, 0
        byte_C: np.ndarray | None = None
        for match in matches:
            start, end = match[:2]
            run = bisect_right(self.first_R, start) - 1
            if run < 0 or end > self.last_R[run]:
                continue
            if self.window_R[run] != w:
                w = self.window_R[run]
                at, byte = 0, self.from_W[w]
                byte_C = _byte_offsets(self.original_W[w]) if len(self.original_W[w]) > LONG_WINDOW else None
            original, begin = self.original_W[w], self.begin_W[w]
            if original.isascii():
                first = self.from_W[w] + start - begin
                yield self.doc_W[w], first, first + end - start, match
                continue
            if byte_C is not None:
                yield self.doc_W[w], byte + int(byte_C[start - begin]), byte + int(byte_C[end - begin]), match
                continue
            byte += len(original[at : start - begin].encode())
            at = start - begin
            yield self.doc_W[w], byte, byte + len(original[at : end - begin].encode()), match


def scan(text: pa.Array) -> dict[Cue, Windows]:
    """The windows of every cue that a batch of documents (large_string) has any of."""
    data_B, start_D1 = text_buffers(text)
    found_R6 = _runs(data_B, start_D1)
    return {
        cue: _windows(data_B, start_D1, found_R6[found_R6[:, 1] == cue]) for cue in Cue if (found_R6[:, 1] == cue).any()
    }


def suspects(text: pa.Array) -> np.ndarray:
    """The documents (numbers, in order) in which scan() finds a window."""
    return np.unique(_runs(*text_buffers(text))[:, 0])


def _runs(data_B: np.ndarray, start_D1: np.ndarray) -> np.ndarray:
    """find_runs() with room for whatever it finds; rows by document, then where they end."""
    size = 256 + int(start_D1[-1] - start_D1[0]) // 256
    while True:
        found_R6 = np.empty((size, 6), np.int64)
        found = kernels.find_runs(data_B, start_D1, classes(), anchors(), found_R6)
        if found <= size:
            return found_R6[:found]
        size = found


def _windows(data_B: np.ndarray, start_D1: np.ndarray, found_R6: np.ndarray) -> Windows:
    data = data_B.data
    windows = Windows("", [], [], [], [], [], [], [])
    position = 0
    doc_R, _, first_R, last_R, left_R, right_R = found_R6.T.tolist()  # by columns: no list for each of many runs
    for low, high in pairwise(_groups(found_R6)):
        left, right = left_R[low], right_R[high - 1]
        original = str(data[left:right], "utf-8")
        windows.window_R.extend([len(windows.begin_W)] * (high - low))
        for border_R, border_of_R in ((windows.first_R, first_R), (windows.last_R, last_R)):
            border_R.extend(_characters(data, original, left, border_of_R[low:high], position))
        windows.begin_W.append(position)
        windows.doc_W.append(doc_R[low])
        windows.from_W.append(left - int(start_D1[doc_R[low]]))
        windows.original_W.append(original)
        position += len(original) + len(BREAK)
    return replace(windows, text=fold(BREAK.join(windows.original_W)))


def _characters(data: memoryview, original: str, left: int, bytes_: list[int], position: int) -> Iterator[int]:
    """Places in bytes, in order, of a window that begins at byte `left` -> in characters, from `position` on."""
    if original.isascii():
        yield from (position + byte - left for byte in bytes_)
        return
    if len(original) > LONG_WINDOW:
        yield from (np.searchsorted(_byte_offsets(original), np.array(bytes_) - left) + position).tolist()
        return
    for byte in bytes_:
        position += len(str(data[left:byte], "utf-8"))
        left = byte
        yield position


def _byte_offsets(text: str) -> np.ndarray:
    """Where each character of a text begins in its UTF-8, and its end."""
    data_B = np.frombuffer(text.encode(), np.uint8)
    return np.append(np.flatnonzero((data_B & 0xC0) != 0x80), data_B.size)


def _groups(found_R6: np.ndarray) -> list[int]:
    """Where groups of runs of one cue begin whose surroundings overlap, and the end."""
    doc_R, left_R, right_R = found_R6[:, 0], found_R6[:, 4], found_R6[:, 5]
    apart = (doc_R[1:] != doc_R[:-1]) | (left_R[1:] >= right_R[:-1])
    return [0, *(np.flatnonzero(apart) + 1).tolist(), len(found_R6)]
