"""Writes unicode.npz, the character tables of unicode.py: `python -m gristmill.filters.kernels.text.make_unicode`.

The table is shipped, not computed: a worker with another Python (another Unicode version) gives the same signals.
"""

import sys
import unicodedata
from pathlib import Path

import numpy as np

from gristmill.filters.kernels.text.unicode import (
    ALNUM,
    ALPHA,
    DIGIT,
    LIMIT,
    NFC_MAYBE,
    PUNCT,
    SCRIPT_RANGES,
    SPACE,
    TABLES,
    UNSPACED,
    UNSPACED_SCRIPTS,
    UPPER,
)


def second_halves() -> set[str]:
    """Characters that canonical composition may join to the one before them: NFC quick check Maybe."""
    found = {chr(c) for first, last in ((0x1161, 0x1175), (0x11A8, 0x11C2)) for c in range(first, last + 1)}  # Hangul
    for char in map(chr, range(LIMIT)):
        halves = unicodedata.decomposition(char).split()
        if len(halves) == 2 and not halves[0].startswith("<"):
            first, second = (chr(int(half, 16)) for half in halves)
            if unicodedata.normalize("NFC", first + second) == char:
                found.add(second)
    return found


def flags_of(char: str, joined: set[str]) -> int:
    """The flags of one character, from Python's own tables; `joined`: `second_halves`."""
    category = unicodedata.category(char)
    return (
        ALPHA * char.isalpha()
        | ALNUM * (category[0] in "LNM")
        | SPACE * char.isspace()
        | PUNCT * (category[0] in "PS")
        | DIGIT * char.isdigit()
        | UPPER * char.isupper()
        | NFC_MAYBE * (char in joined or unicodedata.combining(char) > 0 or not unicodedata.is_normalized("NFC", char))
    )


def main() -> None:
    """Build both tables and write them beside this file."""
    joined = second_halves()
    flags = np.array([flags_of(chr(c), joined) for c in range(LIMIT)], np.uint8)
    lower = np.array([ord(low) if len(low := chr(c).lower()) == 1 else c for c in range(LIMIT)], np.int32)
    script = np.zeros(LIMIT, np.uint8)
    for code, ranges in enumerate(SCRIPT_RANGES.values(), 1):
        for first, last in ranges:
            script[first : last + 1] = code
    unspaced = np.isin(script, [list(SCRIPT_RANGES).index(name) + 1 for name in UNSPACED_SCRIPTS])
    flags |= np.where(unspaced & (flags & ALNUM > 0), UNSPACED, 0).astype(np.uint8)
    script[flags & ALNUM == 0] = 0
    delta = lower - np.arange(LIMIT, dtype=np.int32)
    tables: dict[str, np.ndarray] = {}
    columns: list[np.ndarray] = [flags, delta, script]
    for name, values in zip(TABLES, columns, strict=True):
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        tables |= {name: values[starts], f"{name}_runs": np.diff(np.r_[starts, LIMIT])}
    np.savez_compressed(Path(__file__).with_name("unicode.npz"), **tables)  # type: ignore[arg-type]
    sys.stdout.write(f"Unicode {unicodedata.unidata_version}\n")


if __name__ == "__main__":
    main()
