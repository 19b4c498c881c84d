"""The language of a document, by fastText's model for 176 languages, and the script that it is written in."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.scripts import balance_of_case, count_words_by_script
from gristmill.filters.kernels.unicode import FLAGS, LOWER, SCRIPT, SCRIPTS, UNSPACED_SCRIPTS, UPPER

MODEL = Path(__file__).with_name("lid.176.ftz")
"""Shipped unchanged; source, authors and licence stand in NOTICE."""

UNKNOWN = "und"
"""Language of a text without a letter (ISO 639-2 and -3: undetermined)."""

KANA_SHARE = 0.1
"""Han characters with at least this share of kana among them are Japanese. Measured on the pages of corpus/docs-00001
and -00003 with more than 20 such characters: 2,111 Japanese ones have 17 % or more, 4,981 Chinese ones 1 % or less."""


def identify(text: pa.Array, characters: int | None = 1000) -> tuple[pa.Array, np.ndarray]:
    """(language, score) of each text of a large_string column, from its first `characters` code points; None: all.

    language, string: ISO 639-1 where the language has such a code, else fastText's own (`yue`, `ceb`); `und` with score
    0 where there is no letter. score, float32: the model's probability, 0 to 1. A document's result does not depend on
    the others of its batch. On corpus/slice.parquet the language is the page's declared one for 93.57 % of the pages
    with the whole text, 93.15 % with 1,000 characters, 87.60 % with 200 (3 % are declared `mul`, so 97 % is the most).
    Raises ValueError if `characters` is not positive.
    """
    if characters is not None and characters < 1:
        raise ValueError(f"language identification needs at least one character, not {characters}")
    seen = text if characters is None else pc.utf8_slice_codeunits(text, 0, characters)
    has_letter = pc.match_substring_regex(seen, r"\pL").fill_null(False)
    languages = np.full(len(text), UNKNOWN, object)
    scores = np.zeros(len(text), np.float32)
    chosen = np.flatnonzero(has_letter.to_numpy(zero_copy_only=False))
    if len(chosen):
        # The model reads one line, and stops at a word "</s>", its own mark for the end of one.
        known = _in_small_letters(_composed(seen.take(chosen)))
        line = pc.replace_substring(pc.replace_substring(known, "\n", " "), "</s>", " ")
        labels, probabilities = load_model().predict(line.to_pylist())  # a list: a single str fails under numpy 2
        languages[chosen] = [label[0].removeprefix("__label__") for label in labels]
        scores[chosen] = [min(float(probability[0]), 1.0) for probability in probabilities]  # it gives 1.00003, too
    return pa.array(languages, pa.string()), scores


def _composed(text: pa.Array) -> pa.Array:
    """The texts, composed (NFC) where they hold marks or the letters that Hangul syllables are made of: the model knows
    composed letters only, and takes Korean from a Mac's file system for Chinese."""
    apart = pc.match_substring_regex(text, r"[\pM\x{1161}-\x{11FF}]")
    if not pc.any(apart).as_py():
        return text
    # Arrow's own utf8_normalize leaves the parts of Hangul syllables as they are (pyarrow 25).
    composed = [unicodedata.normalize("NFC", one) for one in text.filter(apart).to_pylist()]
    return pc.replace_with_mask(text, apart, pa.array(composed, text.type))


def _in_small_letters(text: pa.Array) -> pa.Array:
    """The texts, those in small letters that have more capitals than small ones: the model knows capitals as the first
    letters of names, and takes a French headline for German."""
    data_B, start_D1 = text_buffers(text)
    balance_D = np.zeros(len(text), np.int64)
    balance_of_case(data_B, start_D1, _case(), balance_D)
    shouted = balance_D > 0
    return pc.if_else(pa.array(shouted), pc.utf8_lower(text), text) if shouted.any() else text


@cache
def _case() -> np.ndarray:
    """int8 by code point: 1 for capitals, -1 for their small letters, else 0."""
    case_C = np.zeros(len(FLAGS), np.int8)
    capitals = np.flatnonzero(FLAGS & UPPER)
    case_C[LOWER[capitals]] = -1
    case_C[capitals] = 1
    return case_C


def script_of(text: pa.Array) -> pa.Array:
    """ISO 15924 code of the script that most words of each text are in, string; `Zyyy` where there is no letter.

    A Han, kana or Thai character counts as a word, so that names and code in Latin letters, which are longer, do not
    outweigh the Chinese around them: counted by letters, 22 % of the Chinese pages of corpus/slice.parquet are Latin.
    Han and kana are counted together: `Kana`, which is Japanese, from a share of KANA_SHARE on, else `Hani`.
    """
    data_B, start_D1 = text_buffers(text)
    words_DS = np.zeros((len(text), len(SCRIPTS)), np.int64)
    is_unspaced_S = np.array([script in UNSPACED_SCRIPTS for script in SCRIPTS])
    count_words_by_script(data_B, start_D1, SCRIPT, is_unspaced_S, words_DS)
    hani, kana = SCRIPTS.index("Hani"), SCRIPTS.index("Kana")
    kana_D = words_DS[:, kana].copy()
    words_DS[:, hani] += kana_D
    words_DS[:, kana] = 0
    script_D = words_DS.argmax(axis=1)
    is_japanese_D = (script_D == hani) & (kana_D > 0) & (kana_D >= KANA_SHARE * words_DS[:, hani])
    script_D[is_japanese_D] = kana
    return pa.array(SCRIPTS, pa.string()).take(pa.array(script_D))


@cache
def load_model() -> Any:
    """The fastText model, loaded once per process (0.9 MB, 20 ms); call it before a fork, and workers share it."""
    import fasttext  # here, so that a process that identifies nothing need not load it

    return fasttext.load_model(str(MODEL))
