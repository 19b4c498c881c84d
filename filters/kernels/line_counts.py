"""What lines are made of, for rules on single lines: characters, capitals, digits, words, and what they may hold."""

# Letters: B bytes of the batch, I lines of the batch, K bytes of a phrase.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.eight import (
    EIGHT,
    HIGH,
    capitals_among,
    digits_of,
    eight_bytes,
    letters_of,
    marked_bytes,
    spaces_of,
)
from gristmill.filters.kernels.text.lines import last_code_point
from gristmill.filters.kernels.text.unicode import ALNUM, DIGIT, SPACE, UPPER, code_point

MAY_COUNT, MAY_HOLD_PHRASE = 1, 2
"""Bits of may_I: the first letter or digit is a digit and the last an `s`; the beginning of a phrase occurs."""
BEGINNING = np.uint64(0xFFFFFFFFFF)
"""Five bytes."""
LAST = np.uint64(63)


def packed_beginning(phrase: str) -> np.uint64:
    """The first five characters of a phrase in small ASCII letters, as count_lines compares them."""
    return np.uint64(int.from_bytes(phrase[:5].encode("ascii"), "big"))


@inline
def last_letter(data_B, begin, end, classes):
    """The last letter or digit of [begin, end), 0 where there is none."""
    while end > begin:
        c, end = last_code_point(data_B, begin, end)
        if classes[c] & ALNUM:
            return c
    return 0


@inline
def may_hold(data_B, begin, end, phrase_K):
    """Whether the beginning of a phrase occurs in [begin, end)."""
    packed = np.uint64(0)
    for i in range(begin, end):
        b = data_B[i]
        small = b | 0x20 if 0x41 <= b <= 0x5A else b
        packed = (packed << EIGHT | np.uint64(small)) & BEGINNING
        for p in range(phrase_K.size):
            if packed == phrase_K[p]:
                return True
    return False


@kernel
def count_lines(
    data_B, begin_I, end_I, classes, phrase_K, phrase_words, chars_I, upper_I, digits_I, words_I, letters_I, may_I
):
    """Per line, int64: code points, capitals, digits (str.isdigit), words between white space, runs of letters and
    digits; and bits. phrase_K: packed_beginning of phrases, uint64, looked for in lines of at most phrase_words."""
    for x in range(begin_I.size):
        chars, upper, digits, words, runs, may = 0, 0, 0, 0, 0, 0
        in_word, in_run, first = np.uint64(0), np.uint64(0), 0  # whether one goes on: 1 or 0
        i, end = begin_I[x], end_I[x]
        while i < end:
            if i + 8 <= end:
                eight = eight_bytes(data_B, np.uint64(i))
                if not eight & HIGH:
                    letters, digit = letters_of(eight), digits_of(eight)
                    run, word = letters | digit, ~spaces_of(eight) & HIGH
                    words += marked_bytes(word & ~(word << EIGHT | in_word << np.uint64(7)))
                    runs += marked_bytes(run & ~(run << EIGHT | in_run << np.uint64(7)))
                    in_word, in_run = word >> LAST, run >> LAST
                    upper += marked_bytes(capitals_among(letters, eight))
                    digits += marked_bytes(digit)
                    if first == 0 and run:
                        first = DIGIT if digit & (run & (~run + np.uint64(1))) else ALNUM
                    chars += 8
                    i += 8
                    continue
            c, i = code_point(data_B, i)
            k = classes[c]
            chars += 1
            upper += (k & UPPER) // UPPER
            digits += (k & DIGIT) // DIGIT
            word, run = np.uint64(k & SPACE == 0), np.uint64(k & ALNUM != 0)
            words += int(word > in_word)
            runs += int(run > in_run)
            in_word, in_run = word, run
            if first == 0 and run:
                first = DIGIT if k & DIGIT else ALNUM
        if first == DIGIT:
            last = last_letter(data_B, begin_I[x], end, classes)
            may |= MAY_COUNT * (last == 0x73 or last == 0x53)
        if words <= phrase_words:
            may |= MAY_HOLD_PHRASE * may_hold(data_B, begin_I[x], end, phrase_K)
        chars_I[x], upper_I[x], digits_I[x], words_I[x], letters_I[x], may_I[x] = chars, upper, digits, words, runs, may
