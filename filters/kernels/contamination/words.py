"""Words of a document as texts are compared for contamination, and where each stands.

Letters in names: B bytes of the batch, C code points of Unicode, M characters that fold to several, W words of one
document.
"""

from pathlib import Path

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, fnv
from gristmill.filters.kernels.text.unicode import ALNUM, HAN_FIRST, HAN_LAST, LIMIT, UNSPACED, code_point, mix64

TABLE_END = np.int64(LIMIT)
AMPERSAND, SEMICOLON, NUMBER_SIGN = 0x26, 0x3B, 0x23
ENTITY = 8
"""Most characters of an entity's name (`&thinsp;`, `&#x2019;`); all but the rarest have fewer."""


def load_fold() -> tuple[np.ndarray, np.ndarray]:
    """(int32[0x110000], int32[M, 3]): what each code point counts as (`make_fold.py`). 0: nothing; from 0x110000 on: a
    row of several, which ends with zeros."""
    with np.load(Path(__file__).with_name("fold.npz")) as tables:
        fold_C = np.repeat(tables["delta"], tables["delta_runs"]) + np.arange(LIMIT, dtype=np.int32)
        several_M3 = tables["several"]
    for table in (fold_C, several_M3):
        table.flags.writeable = False
    return fold_C, several_M3


@inline
def _close(word, words, begin, end, word_W, begin_W, end_W):
    word_W[words] = mix64(word)
    begin_W[words] = begin
    end_W[words] = end
    return words + 1


@inline
def _past_entity(data_B, start, end):
    """Where the HTML entity ends whose ampersand stands before `start`; `start` where none does. One letter is no name:
    AT&T; is none."""
    i = start
    if i < end and data_B[i] == NUMBER_SIGN:
        i += 1
    first = i
    while i < end and i - start < ENTITY:
        lower = data_B[i] | 0x20
        if not (0x61 <= lower <= 0x7A or 0x30 <= data_B[i] <= 0x39):
            break
        i += 1
    named = i > first and (first > start or i > first + 1)
    return i + 1 if named and i < end and data_B[i] == SEMICOLON else start


@kernel
def read_words(data_B, start, end, flags_C, fold_C, several_M3, word_W, begin_W, end_W):
    """Hashes (uint64) of the words of one document and their bytes [begin, end) of the batch (int64); returns how many.

    A word is a run of letters, digits and marks, folded; a character of a script without spaces is a word of its own.
    Marks that fold to nothing belong to the word before them; HTML entities are marks between words. Needs
    bytes // 2 + 1 places, as `letters.read_letters`.
    """
    words = 0
    word, begin, last = FNV_OFFSET, start, start
    in_word = False
    i = start
    while i < end:
        at = i
        if data_B[i] < 0x80:  # without what only others need: most of most texts
            first_byte = np.int64(fold_C[data_B[i]])
            if flags_C[first_byte] & ALNUM:
                if not in_word:
                    word, begin, in_word = FNV_OFFSET, at, True
                word = fnv(word, first_byte)
                i += 1
                last = i
                continue
        c, i = code_point(data_B, i)
        if HAN_FIRST <= c <= HAN_LAST:  # each folds to one: not looking up what else it is saves cache misses
            if in_word:
                words = _close(word, words, begin, last, word_W, begin_W, end_W)
                in_word = False
            words = _close(fnv(FNV_OFFSET, fold_C[c]), words, at, i, word_W, begin_W, end_W)
            continue
        f = np.int64(fold_C[c])
        if f == 0:
            if in_word:
                last = i
            elif words and end_W[words - 1] == at:
                end_W[words - 1] = i
            continue
        several = f >= TABLE_END
        first = np.int64(several_M3[f - TABLE_END, 0]) if several else f
        flag = flags_C[first]
        if flag & ALNUM and not flag & UNSPACED:
            if not in_word:
                word, begin, in_word = FNV_OFFSET, at, True
            word = fnv(word, first)
            if several:
                for place in range(1, several_M3.shape[1]):
                    further = several_M3[f - TABLE_END, place]
                    if further:
                        word = fnv(word, further)
            last = i
            continue
        if in_word:
            words = _close(word, words, begin, last, word_W, begin_W, end_W)
            in_word = False
        if flag & UNSPACED:
            word = fnv(FNV_OFFSET, first)
            if several:
                for place in range(1, several_M3.shape[1]):
                    word = fnv(word, several_M3[f - TABLE_END, place])
            words = _close(word, words, at, i, word_W, begin_W, end_W)
        elif c == AMPERSAND:
            i = _past_entity(data_B, i, end)
    if in_word:
        words = _close(word, words, begin, last, word_W, begin_W, end_W)
    return words
