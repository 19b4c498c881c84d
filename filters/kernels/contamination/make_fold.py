"""Writes fold.npz, the table of words.py: `python -m gristmill.filters.kernels.contamination.make_fold`.

What a character counts as when texts are compared: without case, width, accents and other compatible forms (NFKD of
UAX #15 without what combines), traditional Chinese as simplified. So canonically equivalent texts fold to the same
characters, and so do full-width and ASCII forms. Shipped, not computed: another Python, with another version of Unicode
or of OpenCC (`pip install opencc`; nothing else needs it), finds the same.
"""

import sys
import unicodedata
from importlib.metadata import version
from pathlib import Path

import numpy as np
import opencc

from gristmill.filters.kernels.text.unicode import LIMIT

LONGEST = 3
"""Characters that one may fold to; what would be more stays as it is."""
NOTHING = 0
"""What a character folds to that does not count, and does not end a word."""
COMBINING = [(0x300, 0x36F), (0x591, 0x5BD), (0x5BF, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670),
             (0x6D6, 0x6DC), (0x6DF, 0x6E8), (0x6EA, 0x6ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF),
             (0x3099, 0x309A), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xE0100, 0xE01EF)]  # fmt: skip
"""Accents, points and vowel signs that a text may have or lack; not the vowels of Indic scripts, which tell words."""


SIMPLIFIED = ("t2s", "hk2s", "tw2s")
"""OpenCC's conversions: of its own form of traditional characters, Hong Kong's, Taiwan's."""
HAN = [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)]
"""Blocks of Han characters."""


def skipped(char: str) -> bool:
    """Whether a character does not count: what combines, and invisible ones such as a soft hyphen."""
    return unicodedata.category(char) == "Cf" or any(first <= ord(char) <= last for first, last in COMBINING)


def folded(char: str) -> str:
    """What a character counts as: "" for nothing."""
    if skipped(char):
        return ""
    inner = [c for c in unicodedata.normalize("NFKD", char) if not skipped(c)]
    if not inner:
        return ""
    lower = "".join(low if len(low := c.lower()) == 1 else c for c in inner)
    if len(lower) == 1:
        return lower
    whole = 1 < len(lower) <= LONGEST and all(unicodedata.category(c)[0] in "LNM" for c in lower)
    return lower if whole else (low if len(low := char.lower()) == 1 else char)


def simplified() -> dict[str, str]:
    """Of Han characters, each alone, what they are in simplified Chinese; those that stay as they are left out.

    Where one is several (乾: 乾, 干), all are the one that OpenCC names first: texts that are equal in a form stay so.
    """
    converters = [opencc.OpenCC(name) for name in SIMPLIFIED]

    def simple(char: str) -> str:
        return next((to for one in converters if len(to := one.convert(char)) == 1 and to != char), char)

    found = {}
    for first, last in HAN:
        for char in map(chr, range(first, last + 1)):
            to, further = char, simple(folded(char))
            while further not in (to, char):
                to, further = further, simple(further)
            if to != char:
                found[char] = to
    return found


def main() -> None:
    """Build the table and write it beside this file."""
    simple = simplified()
    fold = np.arange(LIMIT, dtype=np.int32)
    several: dict[str, int] = {}
    for c in range(1, LIMIT):
        if 0xD800 <= c < 0xE000:
            continue
        to = simple.get(chr(c)) or folded(chr(c))
        fold[c] = NOTHING if not to else ord(to) if len(to) == 1 else LIMIT + several.setdefault(to, len(several))
    delta = fold - np.arange(LIMIT, dtype=np.int32)
    first = np.flatnonzero(np.r_[True, delta[1:] != delta[:-1]])
    table = np.zeros((len(several), LONGEST), np.int32)
    for to, row in several.items():
        table[row, : len(to)] = [ord(char) for char in to]
    tables = {"delta": delta[first], "delta_runs": np.diff(np.r_[first, LIMIT]), "several": table}
    np.savez_compressed(Path(__file__).with_name("fold.npz"), **tables)
    said = f"Unicode {unicodedata.unidata_version}, OpenCC {version('opencc')}"
    sys.stdout.write(f"{said}: {len(several)} of several characters, {len(simple)} simplified\n")


if __name__ == "__main__":
    main()
