r"""What pre-tokenizers ask of a character: is it \p{L}, \p{N}, \s; and whether NFC may change a text that holds it."""

from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("classes.npz")
CHARACTERS = 0x110000
OTHER, LETTER, NUMBER, SPACE, NEWLINE = range(5)
"""NEWLINE: a carriage return or line feed, which are spaces, too."""
CLASS = 0x0F
COMPOSES = 0x10
"""A flag beside the class: a text without such characters is in NFC as it is."""


@cache
def classes() -> np.ndarray:
    """uint8[CHARACTERS]: code point -> class, with the flag COMPOSES."""
    with np.load(FILE) as file:
        return file["class_C"]
