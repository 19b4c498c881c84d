"""How many words of each script a document holds, whether in capitals, and how much of it is words at all."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, S scripts, C code points of Unicode.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import ALNUM, ALPHA, SPACE, code_point

BLOCK = 32
"""Bytes that are looked at together where all are ASCII: a vector of most processors. Below 256, as they are counted in
a byte."""


@inline
def _is_letter(byte):
    """uint8, 1 for a letter of ASCII."""
    return np.uint8(np.uint8((byte | np.uint8(0x20)) - np.uint8(0x61)) < np.uint8(26))


@kernel
def count_words_by_script(data_B, start_D1, script_of, is_unspaced_S, words_DS):
    """Words per document and script, int64; words_DS comes zeroed. script_of: SCRIPT of unicode.py.

    A word is a run of characters of one script, or one character where words are written without spaces between.
    What is of no script (column 0) separates words.
    """
    nothing, latin = np.uint8(0), script_of[0x61]
    for d in range(start_D1.size - 1):
        i, end = start_D1[d], start_D1[d + 1]
        before, words, each = nothing, 0, False  # words of the script `before`, in a row; whether each character is one
        while i < end:
            stop = i + 1
            if i + BLOCK <= end and data_B[i] < 0x80:
                stop = i + BLOCK
                at = np.uint64(i)  # see unicode.code_point
                every = np.uint8(0)
                for k in range(BLOCK):
                    every = np.uint8(every | data_B[at + np.uint64(k)])
                if every < 0x80:
                    begun = np.uint8(0)
                    for k in range(1, BLOCK):
                        letter = _is_letter(data_B[at + np.uint64(k)])
                        begun += np.uint8(letter & ~_is_letter(data_B[at + np.uint64(k - 1)]))
                    words_DS[d, before] += words
                    words_DS[d, latin] += np.int64(begun) + (before != latin and _is_letter(data_B[i]) == 1)
                    before = latin if _is_letter(data_B[stop - 1]) else nothing
                    words, each = 0, False
                    i = stop
            while i < stop:
                c, i = code_point(data_B, i)
                script = script_of[c]
                if script != before:
                    words_DS[d, before] += words
                    before, words, each = script, 1, is_unspaced_S[script]
                else:
                    words += each
        words_DS[d, before] += words
        words_DS[d, 0] = 0


@kernel
def balance_of_case(data_B, start_D1, case_C, balance_D):
    """Sums case_C over the characters of each document, int64; balance_D comes zeroed."""
    for d in range(start_D1.size - 1):
        i = start_D1[d]
        while i < start_D1[d + 1]:
            c, i = code_point(data_B, i)
            balance_D[d] += case_C[c]


@kernel
def legibility(data_B, start_D1, flags_C, script_C, is_unspaced_S, long, visible_D, letters_D, endless_D):
    """Characters per document that are not white space, that are letters, and that stand in runs of at least `long`
    letters, digits and marks where words have spaces between, plus signs and slashes between them aside; int64,
    zeroed."""
    for d in range(start_D1.size - 1):
        i = start_D1[d]
        run = 0
        while i < start_D1[d + 1]:
            c, i = code_point(data_B, i)
            flags = flags_C[c]
            visible_D[d] += flags & SPACE == 0
            if flags & ALPHA:
                letters_D[d] += 1
            if flags & ALNUM and not is_unspaced_S[script_C[c]]:
                run += 1
                if run == long:
                    endless_D[d] += long
                elif run > long:
                    endless_D[d] += 1
            elif c != 43 and c != 47:  # "+" and "/" are digits of base64
                run = 0
