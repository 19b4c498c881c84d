r"""Writes classes.npz, the table of classes.py: `python -m gristmill.tokenizer.foreign.make_classes`.

\p{L}, \p{N} and \s are asked of the library `tokenizers` itself (Oniguruma), NFC of Python. The table is shipped, not
computed: another version of Unicode would give other ids.
"""

import unicodedata
from typing import Any

import numpy as np

from gristmill.tokenizer.foreign.classes import CHARACTERS, COMPOSES, FILE, LETTER, NEWLINE, NUMBER, SPACE

PATTERNS = {LETTER: r"\p{L}", NUMBER: r"\p{N}", SPACE: r"\s", NEWLINE: r"[\r\n]"}


def matching(pattern: str) -> np.ndarray:
    """bool[CHARACTERS]: which characters a pattern of one character matches, as `tokenizers` reads it."""
    from tokenizers import Regex, pre_tokenizers

    split: Any = pre_tokenizers.Split(Regex(pattern), "removed")
    points = [point for point in range(CHARACTERS) if not 0xD800 <= point < 0xE000]
    found = np.ones(CHARACTERS, bool)
    found[0xD800:0xE000] = False
    for begin in range(0, len(points), 1 << 14):
        part = points[begin : begin + (1 << 14)]
        for _, (start, stop) in split.pre_tokenize_str("".join(map(chr, part))):
            found[part[start:stop]] = False
    return found


def composing() -> np.ndarray:
    """bool[CHARACTERS]: marks, and characters that NFC changes or puts together with the one before."""
    found = np.zeros(CHARACTERS, bool)
    found[0x1161:0x1176] = found[0x11A8:0x11C3] = True  # Hangul vowels and final consonants
    for point in range(CHARACTERS):
        character = chr(point)
        if 0xD800 <= point < 0xE000:
            continue
        found[point] |= unicodedata.combining(character) != 0 or unicodedata.normalize("NFC", character) != character
        for part in unicodedata.normalize("NFD", character)[1:]:
            if not 0xAC00 <= point < 0xD7A4:
                found[ord(part)] = True
    return found


def main() -> None:
    """Ask for every class and write the table beside this file."""
    class_C = np.zeros(CHARACTERS, np.uint8)
    for number, pattern in PATTERNS.items():
        class_C[matching(pattern)] = number
    class_C[composing()] |= COMPOSES
    np.savez_compressed(FILE, class_C=class_C)


if __name__ == "__main__":
    main()
