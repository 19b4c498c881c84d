"""What lines are made of, for rules on single lines: characters, capitals, digits, words, and what they may hold."""

# Letters: B bytes of the batch, I lines of the batch, K bytes of a phrase.
import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text.unicode import ALNUM, DIGIT, SPACE, UPPER, code_point

MAY_COUNT, MAY_HOLD_PHRASE = 1, 2
"""Bits of may_I: the first letter or digit is a digit and the last an `s`; the beginning of a phrase occurs."""
BEGINNING = np.uint64(0xFFFFFFFFFF)
"""Five bytes."""


def packed_beginning(phrase: str) -> np.uint64:
    """The first five characters of a phrase in small ASCII letters, as count_lines compares them."""
    return np.uint64(int.from_bytes(phrase[:5].encode("ascii"), "big"))


@kernel
def count_lines(data_B, begin_I, end_I, classes, phrase_K, chars_I, upper_I, digits_I, words_I, letters_I, may_I):
    """Per line, int64: code points, capitals, digits (str.isdigit), words between white space, runs of letters and
    digits; and bits. phrase_K: packed_beginning of phrases, uint64."""
    for x in range(begin_I.size):
        chars, upper, digits, words, runs, may = 0, 0, 0, 0, 0, 0
        in_word, in_run, first, last, packed = False, False, np.int64(0), 0, np.uint64(0)
        i, end = begin_I[x], end_I[x]
        while i < end:
            c, i = code_point(data_B, i)
            k = classes[c]
            chars += 1
            upper += (k & UPPER) // UPPER
            digits += (k & DIGIT) // DIGIT
            space = k & SPACE != 0
            words += not space and not in_word
            in_word = not space
            run = k & ALNUM != 0
            if run:
                if not in_run:
                    runs += 1
                if first == 0:
                    first = np.int64(k)
                last = c
            in_run = run
            small = c | 0x20 if 0x41 <= c <= 0x5A else c
            packed = (packed << np.uint64(8) | np.uint64(small & 0xFF)) & BEGINNING
            for p in range(phrase_K.size):
                if packed == phrase_K[p]:
                    may |= MAY_HOLD_PHRASE
        if first & DIGIT and (last == 0x73 or last == 0x53):
            may |= MAY_COUNT
        chars_I[x], upper_I[x], digits_I[x], words_I[x], letters_I[x], may_I[x] = chars, upper, digits, words, runs, may
