"""The script of every character, as SentencePiece sees it: no piece holds two."""

from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("scripts.npz")
CHARACTERS = 0x110000
ANY = 0
"""Of combining marks, which have no script of their own and go with each. The least number."""


@cache
def scripts() -> np.ndarray:
    """uint8[CHARACTERS]: code point -> number of its script; kana count as Han (trainer_interface.cc,
    IsValidSentencePiece)."""
    with np.load(FILE) as file:
        return file["script"]
