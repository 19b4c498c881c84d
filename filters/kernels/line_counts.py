"""What lines are made of, for rules on single lines: characters, capitals, digits, words, and what they may hold."""

# Letters: B bytes of the batch, I lines of the batch, K bytes of a phrase.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.unicode import ALNUM, DIGIT, SPACE, UPPER, code_point

MAY_COUNT, MAY_HOLD_PHRASE = 1, 2
"""Bits of may_I: the first letter or digit is a digit and the last an `s`; the beginning of a phrase occurs."""


WORD, RUN = 1, 2
"""Bits of a character: it stands in a word; in a run of letters and digits."""
ZERO = np.int64(0)


def packed_beginning(phrase: str) -> np.uint64:
    """The first five characters of a phrase in small ASCII letters, as count_lines compares them."""
    return np.uint64(int.from_bytes(phrase[:5].encode("ascii"), "big"))


@inline
def holds(data_B, begin, end, phrase):
    """Whether the five bytes in front of byte `end` are a packed beginning, capitals taken as small letters."""
    packed = np.uint64(0)
    for i in range(max(begin, end - 5), end):
        b = data_B[i]
        packed = packed << np.uint64(8) | np.uint64(b | 0x20 if 0x41 <= b <= 0x5A else b)
    return packed == phrase


@kernel
def count_lines(data_B, begin_I, end_I, classes, phrase_K, chars_I, upper_I, digits_I, words_I, letters_I, may_I):
    """Per line, int64: code points, capitals, digits (str.isdigit), words between white space, runs of letters and
    digits; and bits. phrase_K: packed_beginning of phrases, uint64."""
    ending_K = (phrase_K & np.uint64(0xFFFF)).astype(np.int64)
    for x in range(begin_I.size):
        chars, upper, digits, words, runs, may = 0, 0, 0, 0, 0, 0
        before, first, last, previous = ZERO, ZERO, ZERO, ZERO  # before: bits of the character before
        i, end = begin_I[x], end_I[x]
        while i < end:
            c, i = code_point(data_B, i)
            k = np.int64(classes[c])
            chars += 1
            upper += (k & UPPER) // UPPER
            digits += (k & DIGIT) // DIGIT
            bits = (k & ALNUM != 0) * RUN | (k & SPACE == 0) * WORD
            begun = bits & ~before
            words += begun & WORD
            runs += (begun & RUN) // RUN
            before = bits
            if bits & RUN:
                first = first or k
                last = c
            small = c | 0x20 if 0x41 <= c <= 0x5A else c
            pair = previous << 8 | (small & 0xFF)
            for p in range(ending_K.size):
                if pair == ending_K[p] and holds(data_B, begin_I[x], i, phrase_K[p]):
                    may |= MAY_HOLD_PHRASE
            previous = small & 0xFF
        if first & DIGIT and (last == 0x73 or last == 0x53):
            may |= MAY_COUNT
        chars_I[x], upper_I[x], digits_I[x], words_I[x], letters_I[x], may_I[x] = chars, upper, digits, words, runs, may
