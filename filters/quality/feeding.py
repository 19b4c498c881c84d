"""What a classifier is given of a text: one line of words for each. A model's card names the feeding it was trained on.

A change of what a feeding gives is a new name: models that know the old one would score other words.
"""

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.batch import text_buffers, text_column
from gristmill.filters.kernels.models import feeding
from gristmill.filters.kernels.text.unicode import DIGIT, FLAGS
from gristmill.filters.phrases import fold_table

WORDS, PLAIN = "words-1", "plain"


def feed_words(text: pa.Array) -> pa.Array:
    """Small-letter words, and single characters where a script has no spaces: with word n-grams of two, fastText sees
    words and their pairs, or characters and bigrams. Digits read 0; a mark is a word, a run of one mark too. Decomposed
    letters, as Macs write them, are words like their composed twins."""
    fed, apart_D = _feed(text)
    if not apart_D.any():
        return fed
    apart = pa.array(apart_D)
    composed = [unicodedata.normalize("NFC", one) for one in text.filter(apart).to_pylist()]
    again, _ = _feed(pa.array(composed, text.type))
    return pc.replace_with_mask(fed, apart, again)


def _feed(text: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Fed texts, and which of them may be decomposed."""
    data_B, start_D1 = text_buffers(text)
    out_B = np.empty(2 * int(start_D1[-1] - start_D1[0]) + 1, np.uint8)
    out_D1, apart_D = np.empty(len(start_D1), np.int64), np.zeros(len(text), bool)
    feeding.feed_words(data_B, start_D1, FLAGS, _fold(), out_B, out_D1, apart_D)
    return text_column(out_B[: out_D1[-1]], out_D1), apart_D


def feed_plain(text: pa.Array) -> pa.Array:
    """The text as it stands, on one line: how DCLM's and most published fastText classifiers are asked."""
    line = pc.replace_substring_regex(text, r"[\n\v\f\r\x1c-\x1e\x{85}\x{2028}\x{2029}]", " ")
    return pc.replace_substring(line, "</s>", " ")  # fastText's own mark for the end of a line: it would stop there


FEEDINGS: dict[str, Callable[[pa.Array], pa.Array]] = {WORDS: feed_words, PLAIN: feed_plain}
"""By name: a large_string column -> a line for each text."""


@cache
def _fold() -> np.ndarray:
    """int32 by code point: half-width small letters, every digit a 0."""
    fold_C = fold_table().copy()
    fold_C[np.flatnonzero(FLAGS & DIGIT)] = feeding.ZERO
    return fold_C
