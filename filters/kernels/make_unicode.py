"""Writes unicode.npz, the character tables of unicode.py: `python -m filters.kernels.make_unicode`.

The table is shipped, not computed: a worker with another Python (another Unicode version) gives the same signals.
"""

import sys
import unicodedata
from pathlib import Path

import numpy as np

from filters.kernels.unicode import (
    ALNUM,
    ALPHA,
    DIGIT,
    LIMIT,
    PUNCT,
    SCRIPT_RANGES,
    SPACE,
    UNSPACED,
    UNSPACED_SCRIPTS,
    UPPER,
)


def flags_of(char: str) -> int:
    """The flags of one character, from Python's own tables."""
    category = unicodedata.category(char)
    return (
        ALPHA * char.isalpha()
        | ALNUM * (category[0] in "LNM")
        | SPACE * char.isspace()
        | PUNCT * (category[0] in "PS")
        | DIGIT * char.isdigit()
        | UPPER * char.isupper()
    )


def main() -> None:
    """Build both tables and write them beside this file."""
    flags = np.array([flags_of(chr(c)) for c in range(LIMIT)], np.uint8)
    lower = np.array([ord(low) if len(low := chr(c).lower()) == 1 else c for c in range(LIMIT)], np.int32)
    script = np.zeros(LIMIT, np.uint8)
    for code, ranges in enumerate(SCRIPT_RANGES.values(), 1):
        for first, last in ranges:
            script[first : last + 1] = code
    unspaced = np.isin(script, [list(SCRIPT_RANGES).index(name) + 1 for name in UNSPACED_SCRIPTS])
    flags |= np.where(unspaced & (flags & ALNUM > 0), UNSPACED, 0).astype(np.uint8)
    script[flags & ALNUM == 0] = 0
    delta = lower - np.arange(LIMIT, dtype=np.int32)
    np.savez_compressed(Path(__file__).with_name("unicode.npz"), flags=flags, lower_delta=delta, script=script)
    sys.stdout.write(f"Unicode {unicodedata.unidata_version}\n")


if __name__ == "__main__":
    main()
