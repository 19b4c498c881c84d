"""Bytes -> text in every encoding of the WHATWG Encoding standard, equal to its decoders in the mode "replacement".

Names are the standard's, in lower case. Beyond it: what browsers refuse to decode and old pages have (`REFUSED`).
"""

import codecs
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from gristmill.pipelines.read.encodings.kernels import ERROR, LEAD, MARK_SHIFT, decode_iso_2022_jp, decode_pairs

UNICODE = {"utf-8": "utf-8", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
"""Encodings that Python's codecs decode as the standard does."""
REFUSED = {
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "iso-2022-kr": "iso2022_kr",
    "hz-gb-2312": "hz",
    "johab": "johab",
}
"""Python's codecs of encodings that the standard has no decoder for."""
PYTHONS = {
    **UNICODE,
    **REFUSED,
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "windows-874": "cp874",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
}
"""Python's nearest codecs, where they have other names: for whoever encodes, or must not lose a byte."""
PAIRED = {"gbk", "gb18030", "big5", "euc-jp", "shift_jis", "euc-kr"}
BIG5_MARKED = {1133: (0xCA, 0x304), 1135: (0xCA, 0x30C), 1164: (0xEA, 0x304), 1166: (0xEA, 0x30C)}
"""Pointers of Big5 that stand for a letter and a mark (section 12.1.1)."""
PRIVATE_SHIFT_JIS = range(8836, 10716)
"""Pointers of Shift_JIS that are private use: Windows' user-defined characters (section 13.3.1)."""


def decode(data: bytes, encoding: str) -> str:
    """The text of bytes in an encoding, by its name in lower case; what is none of it becomes U+FFFD."""
    if codec := UNICODE.get(encoding) or REFUSED.get(encoding):
        return data.decode(codec, "replace")
    if encoding == "replacement":
        return "\ufffd" if data else ""
    if encoding in PAIRED:
        return _text(data, decode_pairs, *_pair_tables(encoding))
    if encoding == "iso-2022-jp":
        return _text(data, decode_iso_2022_jp, _index("jis0208"))
    return codecs.charmap_decode(data, "strict", _byte_table(encoding))[0]


def _text(data: bytes, loop: Callable[..., int], *tables: np.ndarray) -> str:
    code_C = np.empty(len(data) + 1, np.uint32)
    count = loop(np.frombuffer(data, np.uint8), *tables, code_C)
    return code_C[:count].tobytes().decode("utf-32-le")


@cache
def _indexes() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("indexes.npz")) as packed:
        return dict(packed)


@cache
def _index(name: str) -> np.ndarray:
    """Code points of two-byte pointers, 0 for none."""
    return np.cumsum(_indexes()[name], dtype=np.uint32)


@cache
def _byte_table(encoding: str) -> str:
    """The 256 characters of a single-byte encoding."""
    if encoding == "x-user-defined":
        return bytes(range(128)).decode("ascii") + "".join(map(chr, range(0xF780, 0xF800)))
    points = _indexes()[{"iso-8859-8-i": "iso-8859-8"}.get(encoding, encoding)]
    return "".join(map(chr, [*range(128), *np.where(points, points, ERROR)]))


@cache
def _pair_tables(encoding: str) -> tuple[np.ndarray, ...]:
    """What `decode_pairs` reads by: single bytes, pairs, pairs behind 0x8F, ranges of four bytes."""
    single = np.full(256, ERROR, np.uint32)
    single[:128] = np.arange(128)
    single[0x81:0xFF] = LEAD
    none = np.zeros(0, np.uint32)
    ranges = np.zeros((0, 2), np.int32)
    if encoding in ("gbk", "gb18030"):
        single[0x80] = 0x20AC
        low, high = np.arange(0x40, 0x7F), np.arange(0x80, 0xFF)
        return single, _pairs(_index("gb18030"), 0x81, np.concatenate((low, high))), none, _indexes()["gb18030-ranges"]
    if encoding == "euc-kr":
        return single, _pairs(_index("euc-kr"), 0x81, np.arange(0x41, 0xFF)), none, ranges
    if encoding == "big5":
        index = _index("big5").copy()
        for pointer, (letter, mark) in BIG5_MARKED.items():
            index[pointer] = letter | mark << MARK_SHIFT
        trails = np.concatenate((np.arange(0x40, 0x7F), np.arange(0xA1, 0xFF)))
        return single, _pairs(index, 0x81, trails), none, ranges
    if encoding == "shift_jis":
        single[0x80] = 0x80
        single[[0xFD, 0xFE]] = ERROR
        single[0xA0:0xE0] = [ERROR, *range(0xFF61, 0xFFA0)]
        index = _index("jis0208").copy()
        index[PRIVATE_SHIFT_JIS] = 0xE000 + np.arange(len(PRIVATE_SHIFT_JIS))
        trails = np.concatenate((np.arange(0x40, 0x7F), np.arange(0x80, 0xFD)))
        leads = np.concatenate((np.arange(0x81, 0xA0), np.arange(0xE0, 0xFD)))
        return single, _pairs(index, leads, trails), none, ranges
    single[0x81:0xA1] = ERROR
    single[[0x8E, 0x8F]] = LEAD
    trails = np.arange(0xA1, 0xFF)
    pairs = _pairs(_index("jis0208"), 0xA1, trails)
    pairs[0x8EA1:0x8EE0] = range(0xFF61, 0xFFA0)
    return single, pairs, _pairs(_index("jis0212"), 0xA1, trails), ranges


def _pairs(index: np.ndarray, leads: int | np.ndarray, trails: np.ndarray) -> np.ndarray:
    """Code points by pair, of an index whose pointers count the trails of one lead, then those of the next.

    `leads`: all of them, or the first of those that follow one another."""
    if isinstance(leads, int):
        leads = np.arange(leads, min(leads + -(-len(index) // len(trails)), 0xFF))
    pointers = np.arange(len(leads) * len(trails))
    pairs = np.zeros(1 << 16, np.uint32)
    places = (leads[:, None] << 8 | trails[None, :]).ravel()
    held = pointers < len(index)
    pairs[places[held]] = index[pointers[held]]
    return pairs
