"""What hides a value from a pattern and from nobody who reads: entities, percent signs, escapes, unseen characters.

    zhang&#64;qq.com   zhang%40qq.com   zhang\\u0040qq.com   138<U+200B>1234<U+200B>5678   𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖

What stands around such signs gets a shadow in which they are what they stand for. Recognizers read the shadow beside
the text, and what they find there is brought back to the bytes of the text; the shadow is never written anywhere.
"""

import html.entities
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.edits import Edits, apply
from gristmill.filters.kernels.pii.obfuscation import OTHER_FORM, READ, UNSEEN, find_obfuscated
from gristmill.filters.kernels.text.unicode import LIMIT, SCRIPT, SCRIPTS
from gristmill.filters.pii.fold import FOLDED
from gristmill.filters.pii.scan import ALPHABETS, classes

ROUNDS = 4
"""Signs around signs are undone so many times: %252540, &amp;amp;#64;, an unseen character inside an entity."""

MARGIN, BORDER = 1024, 256
"""Bytes around a sign that belong to its piece, and of these the ones at its ends in which nothing counts: between them
the longest value (an address: about 600 characters) and the words before it fit."""

_UNSEEN = (
    (0xAD, 0xAD), (0x300, 0x36F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x20D0, 0x20FF),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Unicode's Default_Ignorable_Code_Point, and marks that combine with any letter: the é of a decomposed José is read as
e. Not the vowels of Arabic, Thai or Devanagari: no value is written with them."""

_FORMS = ((0x2024, 0x2024), (0xFE4D, 0xFE6F), (0x1D400, 0x1D7FF))
_MARKS = "@.-+_()/"
_READ_SCRIPTS = ("Latn", "Hani", "Kana", "Hang", "Cyrl")
"""In which the words that announce a value are written."""

_UNFINISHED = ("commat", "period", "lowbar", "hyphen", "dash", "plus", "nbsp", "amp", "num", "sol", "lpar", "rpar")
"""Names that are read without their semicolon, beside those that browsers read so."""


def _other_forms() -> dict[str, str]:
    """Mathematical letters and digits, small forms, ... -> ASCII. Not ² nor ①: these count and number things."""
    characters = [chr(code) for first, last in _FORMS for code in range(first, last + 1)]
    plain = {c: unicodedata.normalize("NFKC", c) for c in characters}
    return {c: p for c, p in plain.items() if len(p) == 1 and ((p.isascii() and p.isalnum()) or p in _MARKS)}


OTHER_FORMS = _other_forms()
"""Of ASCII characters that fold() does not know."""


@cache
def _classes() -> np.ndarray:
    """uint8[0x110000]: UNSEEN, OTHER_FORM and READ by code point."""
    class_C = np.where(classes() & sum(1 << cue for cue in ALPHABETS), READ, 0).astype(np.uint8)
    class_C[np.isin(SCRIPT, [SCRIPTS.index(name) for name in _READ_SCRIPTS])] |= READ
    class_C[[ord(c) for c in (*OTHER_FORMS, *FOLDED)]] |= READ
    class_C[ord("&")] |= READ  # of an entity with something unseen in it
    for first, last in _UNSEEN:
        class_C[first : last + 1] = UNSEEN
    class_C[[ord(c) for c in OTHER_FORMS]] |= OTHER_FORM
    return class_C


_NUMBER = (
    # What no semicolon ends may be followed by more digits: `zhang&#64163.com`, `zhang&#x40example.com`.
    r"#(?:0*(\d{1,7});|0*(4[03567]|64|95)|0*(\d{1,7}))"
    r"|#[xX](?:0*([\da-fA-F]{1,6});|0*(2[bBdDeEfF89]|40|5[fF])|0*([\da-fA-F]{1,6}))"
)
_TAIL = "%[89ABab][0-9A-Fa-f]"
_PERCENT = (
    f"%(?:[2-7][0-9A-Fa-f]|0[9AaDd]|[CcDd][0-9A-Fa-f]{_TAIL}|[Ee][0-9A-Fa-f](?:{_TAIL}){{2}}"
    f"|[Ff][0-7](?:{_TAIL}){{3}}|[89A-Fa-f][0-9A-Fa-f])"
)
_ESCAPE = re.compile(
    rf"&(?:{_NUMBER}|(?P<name>[A-Za-z][A-Za-z0-9]{{1,31}};?))|(?P<percent>{_PERCENT})"
    r"|\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))",
    re.ASCII,
)
_PLAIN = {**{chr(code): "" for first, last in _UNSEEN for code in range(first, last + 1)}, **OTHER_FORMS}
_VEIL = re.compile(rf"[&%\\{''.join(f'{chr(first)}-{chr(last)}' for first, last in (*_UNSEEN, *_FORMS))}]")
"""Where one may begin: ranges of characters are a hundred times as fast to look for as what they begin."""


@dataclass(frozen=True, eq=False)
class Shadow:
    """Pieces of a batch around such signs, without these. text: large_string, one value a piece; doc_P, from_P, to_P:
    the document, and the bytes of the batch, that each is of."""

    text: pa.Array
    doc_P: np.ndarray
    from_P: np.ndarray
    to_P: np.ndarray
    _start_D1: np.ndarray
    _edits: Edits

    def to_original(
        self, piece_R: np.ndarray, start_R: np.ndarray, end_R: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Ranges of pieces -> (document, [start, end) in its bytes, whether it counts), int64 and bool.

        Beside the end of a piece that is not its document's nothing counts: half a number may look like a whole one.
        """
        doc_R = self.doc_P[piece_R]
        low_R, high_R = self._start_D1[doc_R], self._start_D1[doc_R + 1]
        start_R, end_R = self._edits.to_original(piece_R, start_R, end_R)
        start_R, end_R = start_R + self.from_P[piece_R], end_R + self.from_P[piece_R]
        left_R, right_R = self.from_P[piece_R], self.to_P[piece_R]
        counts_R = (left_R == low_R) | (start_R - left_R >= BORDER)
        counts_R &= (right_R == high_R) | (right_R - end_R >= BORDER)
        return doc_R, start_R - low_R, end_R - low_R, counts_R


def shadow_of(text: pa.Array) -> Shadow | None:
    """The shadow of those parts of a batch (large_string) that need one, None where none does."""
    data_B, start_D1 = text_buffers(text)
    found_P3 = _pieces(data_B, start_D1)
    if not len(found_P3):
        return None
    doc_P, from_P, to_P = found_P3.T
    hidden = pa.array([str(data_B.data[a:b], "utf-8") for _, a, b in found_P3.tolist()], pa.large_string())
    edits = _lifting(hidden)
    if not len(edits):
        return None
    lifted = apply(hidden, edits)
    for _ in range(ROUNDS - 1):
        more = _lifting(lifted)
        if not len(more):
            break
        edits = edits.then(more)
        lifted = apply(hidden, edits)
    return Shadow(lifted, doc_P, from_P, to_P, start_D1, edits)


def suspects(text: pa.Array) -> np.ndarray:
    """The documents (numbers, in order) that may have a shadow."""
    return np.unique(_pieces(*text_buffers(text))[:, 0])


def _pieces(data_B: np.ndarray, start_D1: np.ndarray) -> np.ndarray:
    """find_obfuscated() with room for whatever it finds."""
    size = 64 + int(start_D1[-1] - start_D1[0]) // 8192
    while True:
        found_P3 = np.empty((size, 3), np.int64)
        found = find_obfuscated(data_B, start_D1, _classes(), MARGIN, found_P3)
        if found <= size:
            return found_P3[:found]
        size = found


def _lifting(text: pa.Array) -> Edits:
    """An edit for every hidden sign of the documents."""
    docs, starts, ends, texts = [], [], [], []
    for doc, original in enumerate(text.to_pylist()):
        characters, bytes_ = 0, 0
        for match in _VEIL.finditer(original):
            start = match.start()
            plain, end = _lifted(original, start)
            if plain is None or start < characters:
                continue
            bytes_ += len(original[characters:start].encode())
            docs.append(doc)
            starts.append(bytes_)
            bytes_ += len(original[start:end].encode())
            ends.append(bytes_)
            texts.append(plain)
            characters = end
    return Edits.of(len(text), docs, starts, ends, ["hidden"] * len(docs), texts)


def _lifted(text: str, start: int) -> tuple[str | None, int]:
    """(what the sign that begins at `start` stands for, where it ends); None where there is none."""
    if text[start] not in "&%\\":
        return _PLAIN.get(text[start]), start + 1
    match = _ESCAPE.match(text, start)
    if match is None:
        return None, start
    if match["percent"]:
        return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace"), match.end()
    if match["name"]:
        return _named(match["name"], match.start("name"))
    code = int(match[match.lastindex or 0], 10 if "&#0" <= match[0] < "&#:" else 16)
    return (chr(code) if 0 < code < LIMIT and not 0xD800 <= code < 0xE000 else None), match.end()


def _named(name: str, start: int) -> tuple[str | None, int]:
    """As _lifted(), of the entity whose name begins at `start`; without a semicolon, of its longest known beginning."""
    if name.endswith(";"):
        return html.entities.html5.get(name), start + len(name)
    for length in range(min(len(name), 8), 1, -1):
        known = name[:length]
        if known in html.entities.html5 or known in _UNFINISHED:
            return html.entities.html5[known + ";"], start + length
    return None, start
