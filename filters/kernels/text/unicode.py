"""Characters: what a code point is, its lower case, its script; and reading code points from UTF-8 bytes."""

from pathlib import Path

import numpy as np

from gristmill.filters.kernels.jit import inline

LIMIT = 0x110000

ALPHA = 1  # str.isalpha
ALNUM = 2  # categories L, N, M: what a word is made of
SPACE = 4  # str.isspace: what str.split() splits at
PUNCT = 8  # categories P, S
DIGIT = 16  # str.isdigit
UPPER = 32  # str.isupper
NFC_MAYBE = 128  # a mark, or NFC quick check (UAX #15) not Yes: a text without these is in canonical composition
UNSPACED = 64  # a letter of a script written without spaces: each is a word of its own in the `letters` stream

# Blocks, not the Script property, which the standard library lacks: letters of a block count as its script.
SCRIPT_RANGES: dict[str, list[tuple[int, int]]] = {
    "Latn": [(0x41, 0x5A), (0x61, 0x7A), (0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0x24F), (0x250, 0x2AF), (0x1D00, 0x1DBF),
             (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0xFF21, 0xFF3A),
             (0xFF41, 0xFF5A)],
    "Hani": [(0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
             (0xF900, 0xFAFF), (0x20000, 0x323AF)],
    "Kana": [(0x3041, 0x309F), (0x30A0, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F), (0x1AFF0, 0x1B16F)],
    "Bopo": [(0x3105, 0x312F), (0x31A0, 0x31BF)],
    "Hang": [(0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7FB), (0xFFA0, 0xFFDC)],
    "Cyrl": [(0x400, 0x52F), (0x1C80, 0x1C88), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)],
    "Grek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "Arab": [(0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)],
    "Hebr": [(0x591, 0x5F4), (0xFB1D, 0xFB4F)],
    "Deva": [(0x900, 0x97F), (0xA8E0, 0xA8FF)],
    "Beng": [(0x980, 0x9FF)],
    "Taml": [(0xB80, 0xBFF)],
    "Thai": [(0xE00, 0xE7F)],
    "Laoo": [(0xE80, 0xEFF)],
    "Tibt": [(0xF00, 0xFFF)],
    "Mymr": [(0x1000, 0x109F), (0xA9E0, 0xA9FE), (0xAA60, 0xAA7F)],
    "Khmr": [(0x1780, 0x17FF)],
    "Geor": [(0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2D)],
    "Armn": [(0x531, 0x58A)],
    "Ethi": [(0x1200, 0x139F)],
}  # fmt: skip
SCRIPTS: tuple[str, ...] = ("Zyyy", *SCRIPT_RANGES)
"""ISO 15924 codes; the index is the value in SCRIPT. Zyyy: no letter of a known script."""

UNSPACED_SCRIPTS = ("Hani", "Kana", "Bopo", "Thai", "Laoo", "Tibt", "Mymr", "Khmr")

HAN_FIRST, HAN_LAST = 0x4E00, 0x9FFF
"""The main block of Han: letters of a script without spaces, composed, in one case."""


TABLES = ("flags", "lower_delta", "script")
"""In unicode.npz: the values of runs of code points, and beside them how long these are; a hundred times as fast to
load as all values."""


def _load() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    file = Path(__file__).with_name("unicode.npz")
    if not file.exists():  # only while make_unicode.py writes the first one
        return np.zeros(LIMIT, np.uint8), np.zeros(LIMIT, np.int32), np.zeros(LIMIT, np.uint8)
    with np.load(file) as tables:
        flags, delta, script = (np.repeat(tables[name], tables[f"{name}_runs"]) for name in TABLES)
    return flags, delta + np.arange(LIMIT, dtype=np.int32), script


FLAGS, LOWER, SCRIPT = _load()
"""uint8, int32, uint8 of length 0x110000, by code point. Pass them to kernels as arguments: as globals they would be
copied into every compiled kernel."""


@inline
def code_point(data_B, i):
    """(code point, next i) at byte i of valid UTF-8 (RFC 3629); the caller keeps i below the document's end."""
    at = np.uint64(i)  # numba asks of a signed index whether it counts from the end
    b = np.int64(data_B[at])
    if b < 0x80:
        return b, i + 1
    second = np.int64(data_B[at + np.uint64(1)]) & 0x3F
    if b < 0xE0:
        return ((b & 0x1F) << 6) | second, i + 2
    third = np.int64(data_B[at + np.uint64(2)]) & 0x3F
    if b < 0xF0:
        return ((b & 0x0F) << 12) | (second << 6) | third, i + 3
    fourth = np.int64(data_B[at + np.uint64(3)]) & 0x3F
    return ((b & 0x07) << 18) | (second << 12) | (third << 6) | fourth, i + 4


@inline
def mix64(h):
    """MurmurHash3's 64-bit finaliser (public domain, Austin Appleby): every input bit reaches every output bit."""
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    h ^= h >> np.uint64(33)
    return h
