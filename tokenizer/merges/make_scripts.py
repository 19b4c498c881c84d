"""Writes scripts.npz, the table of scripts.py: `python -m gristmill.tokenizer.merges.make_scripts HEADER`.

HEADER is SentencePiece's src/unicode_script_map.h. The table is shipped, not computed: another version of Unicode
would give other pieces.
"""

import re
import sys
from pathlib import Path

import numpy as np

from gristmill.tokenizer.merges.scripts import ANY, CHARACTERS, FILE

ONE = re.compile(r"^ *\(\*smap\)\[0x([0-9A-F]+)\] = U_(\w+);", re.MULTILINE)
RANGE = re.compile(r"c = 0x([0-9A-F]+); c <= 0x([0-9A-F]+); \+\+c\)\s+\(\*smap\)\[c\] = U_(\w+);")
KANA = {"Hiragana": "Han", "Katakana": "Han"}
LONG_VOWEL = 0x30FC


def main() -> None:
    """Read the header and write the table beside this file."""
    header = Path(sys.argv[1]).read_text(encoding="utf-8")
    ranges = [(int(a, 16), int(b, 16), name) for a, b, name in RANGE.findall(header)]
    ranges += [(int(a, 16), int(a, 16), name) for a, name in ONE.findall(header)]
    ranges.append((LONG_VOWEL, LONG_VOWEL, "Han"))
    names = sorted({KANA.get(name, name) for _, _, name in ranges} - {"Common", "Inherited"})
    codes = {"Inherited": ANY, **{name: code for code, name in enumerate(["Common", *names], ANY + 1)}}
    script = np.full(CHARACTERS, codes["Common"], np.uint8)
    for first, last, name in ranges:
        script[first : last + 1] = codes[KANA.get(name, name)]
    np.savez_compressed(FILE, script=script)


if __name__ == "__main__":
    main()
