"""Marks of a text, as MAP-NEO's Chinese rules and RedPajama's signals count them."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points, I lines, S endings, K their bytes.
import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text.eight import (
    EIGHT,
    HIGH,
    below_lowest,
    capitals_among,
    digits_of,
    eight_bytes,
    equal_bytes,
    letters_of,
    marked_bytes,
)
from gristmill.filters.kernels.text.lines import NEWLINE
from gristmill.filters.kernels.text.unicode import ALNUM, DIGIT, PUNCT, SPACE, UPPER, code_point

OPEN, CLOSE = 0x3010, 0x3011


@kernel
def count_marks(data_B, start_D1, classes, inside_D, hashes_D, ellipses_D, digits_D, written_D, marks_D, sentences_D):
    """Per document, int64: characters between U+3010 and U+3011 of one line; runs of `#`; runs of U+2026, and of two
    full stops or U+3002 or more; digits; letters, digits, `_` and white space; ASCII punctuation, its full-width forms,
    Chinese quotation marks, U+3002 and U+2026; pieces, not blank, between marks that end sentences or clauses."""
    for d in range(inside_D.size):
        inside, hashes, ellipses, digits, written, marks, sentences = 0, 0, 0, 0, 0, 0, 0
        opened, since, before, stops, filled = False, 0, 0, 0, False
        i = start_D1[d]
        while i < start_D1[d + 1]:
            c, i = code_point(data_B, i)
            k = classes[c]
            if c == CLOSE and opened:
                inside += since
                opened = False
            elif c == NEWLINE:
                opened = False
            elif c == OPEN and not opened:
                opened, since = True, -1
            since += 1
            small = c - 0xFEE0 if 0xFF01 <= c <= 0xFF5E else 0x2E if c == 0x3002 else c
            hashes += small == 0x23 and before != 0x23
            stops = stops + 1 if small == 0x2E else 0
            ellipses += stops == 2 or (c == 0x2026 and before != 0x2026)
            digits += (k & DIGIT) // DIGIT
            written += k & (ALNUM | SPACE) != 0 or c == 0x5F
            quote = 0x2018 <= c <= 0x201D
            marks += (small < 0x80 and k & PUNCT != 0) or small == 0x2E or c == 0x2026 or quote
            ends = small == 0x2E or small == 0x21 or small == 0x3F or small == 0x3B or small == 0x22 or c == 0x2026
            if ends or c == 0x201C or c == 0x201D:
                sentences += filled
                filled = False
            elif not k & SPACE:
                filled = True
            before = small
        inside_D[d], hashes_D[d], ellipses_D[d], digits_D[d] = inside, hashes, ellipses, digits
        written_D[d], marks_D[d], sentences_D[d] = written, marks, sentences + filled


@kernel
def count_endings(data_B, first_D1, begin_I, end_I, byte_K, start_S1, found_D):
    """Pieces per document, int64, that end with one of some byte strings."""
    for d in range(found_D.size):
        found = 0
        for x in range(first_D1[d], first_D1[d + 1]):
            for s in range(start_S1.size - 1):
                length = start_S1[s + 1] - start_S1[s]
                if length > end_I[x] - begin_I[x]:
                    continue
                k = 0
                while k < length and data_B[end_I[x] - length + k] == byte_K[start_S1[s] + k]:
                    k += 1
                if k == length:
                    found += 1
                    break
        found_D[d] = found


@kernel
def count_runs(data_B, start_D1, classes, small_C, words_D, latin_D, capital_D, sentences_D):
    """RedPajama's raw words per document, int64: runs of letters, digits and `_`, and runs of other marks.

    latin_D: those with a letter a-z; capital_D: those with a capital and no small letter; sentences_D: pieces that
    begin with a letter or digit and end before or with `.`, `!`, `?`. small_C: bool by code point: small letters.
    """
    for d in range(words_D.size):
        words, latins, capitals, sentences = 0, 0, 0, 0
        kind, latin, upper, lower, in_sentence = 0, False, False, False, False
        i, end = start_D1[d], start_D1[d + 1]
        while True:
            c, k, new = 0, 0, 0
            if i < end:
                c, i = code_point(data_B, i)
                k = classes[c]
                new = 0 if k & SPACE else 1 if k & ALNUM or c == 0x5F else 2
                at_end = False
            else:
                at_end = True
            if new != kind or at_end:
                if kind:
                    words += 1
                    latins += latin
                    capitals += upper and not lower
                latin, upper, lower = False, False, False
                kind = new
            if at_end:
                break
            latin |= 0x41 <= c <= 0x5A or 0x61 <= c <= 0x7A
            upper |= k & UPPER != 0
            lower |= small_C[c]
            if c == 0x2E or c == 0x21 or c == 0x3F:
                in_sentence = False
            elif new == 1:
                sentences += not in_sentence
                in_sentence = True
                u, stop = np.uint64(i), np.uint64(end)
                while u + EIGHT <= stop and data_B[u] < 0x80:  # the rest of most words
                    x = eight_bytes(data_B, u)
                    letters = letters_of(x)
                    others = ~(letters | digits_of(x)) & HIGH
                    within = below_lowest(others) if others else ~np.uint64(0)
                    letters &= within
                    large = capitals_among(letters, x)
                    latin |= letters != 0
                    upper |= large != 0
                    lower |= letters != large
                    u += np.uint64(marked_bytes(within & HIGH))
                    if others:
                        break
                i = np.int64(u)
        words_D[d], latin_D[d], capital_D[d], sentences_D[d] = words, latins, capitals, sentences


@kernel
def count_bytes(data_B, start_D1, first, second, found_D):
    """Bytes per document, int64, that are one of two ASCII characters."""
    for d in range(found_D.size):
        found = 0
        u, stop = np.uint64(start_D1[d]), np.uint64(start_D1[d + 1])
        while u + EIGHT <= stop:
            x = eight_bytes(data_B, u)
            found += marked_bytes(equal_bytes(x, np.uint64(first)) | equal_bytes(x, np.uint64(second)))
            u += EIGHT
        while u < stop:
            found += data_B[u] == first or data_B[u] == second
            u += np.uint64(1)
        found_D[d] = found
