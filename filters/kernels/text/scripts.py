"""How many words of each script a document holds, whether in capitals, and how much of it is words at all."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, S scripts, C code points of Unicode.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import ALNUM, ALPHA, SPACE, code_point

BLOCK = 64
"""Bytes that are looked at together, by vectors. Below 256: what begins in them is counted in a byte."""
BEHIND = 2
"""Bytes behind a block that its last character may reach; so many before it say what its first byte goes on with."""


@inline
def _within(byte, first, last):
    """uint8, 1 for first..last. numba widens what is not cast: vectors would have 8 numbers where 64 go."""
    return np.uint8(np.uint8(byte - np.uint8(first)) <= np.uint8(last - first))


@inline
def _both(a, b):
    return np.uint8(a & b)


@inline
def _either(a, b):
    return np.uint8(a | b)


@inline
def _no(a):
    return np.uint8(a ^ np.uint8(1))


@inline
def _is_latin(before, byte):
    """Whether a byte, and the one before it, lie in a letter of ASCII or of U+00C0 to U+027F."""
    small = np.uint8(byte | np.uint8(0x20))
    return _either(_within(small, 0x61, 0x7A), _either(_within(byte, 0xC3, 0xC9), _within(before, 0xC3, 0xC9)))


@inline
def _is_kana(a, b, c):
    """Whether bytes begin with one of U+3040 to U+30FF, the middle dot (U+30FB) aside."""
    dot = _both(_within(b, 0x83, 0x83), _within(c, 0xBB, 0xBB))
    return _both(_within(a, 0xE3, 0xE3), _both(_within(b, 0x81, 0x83), _no(dot)))


@inline
def _is_other(a, b, c):
    """Whether bytes begin with a character whose script is not what `_is_latin`, `_is_kana` and, for a Han character,
    its first byte (E4 to E9) say; it may be where they are right."""
    latin_sign = _both(_within(a, 0xC2, 0xC2), _within(np.uint8(b & np.uint8(0xEF)), 0xAA, 0xAA))  # ª, º
    product = _both(_within(a, 0xC3, 0xC3), _within(np.uint8(b & np.uint8(0xDF)), 0x97, 0x97))  # ×, ÷
    letters = _either(_within(a, 0xCA, 0xE1), _either(_within(a, 0xEA, 0xEE), _within(a, 0xF0, 0xFF)))
    sign = _both(_within(a, 0xE2, 0xE2), _within(b, 0xB0, 0xBF))  # from U+2C00 on
    ideographic = _both(_within(b, 0x80, 0x80), _either(_within(c, 0x85, 0x87), _within(c, 0xA1, 0xBF)))  # 々, 〇, 〡
    no_kana = _either(
        _both(_within(b, 0x81, 0x81), _within(c, 0x80, 0x80)), _both(_within(b, 0x82, 0x82), _within(c, 0x97, 0xA0))
    )
    japanese = _both(_within(a, 0xE3, 0xE3), _either(_within(b, 0x84, 0xBF), _either(ideographic, no_kana)))
    rare_han = _both(_within(a, 0xE4, 0xE4), _within(b, 0x80, 0xB7))  # before U+4E00
    punctuation = _both(_within(b, 0xBC, 0xBC), _within(c, 0x80, 0xA0))  # full-width, up to U+FF20
    wide = _both(_within(a, 0xEF, 0xEF), _no(punctuation))
    found = _either(_either(latin_sign, product), _either(letters, sign))
    return _either(found, _either(japanese, _either(rare_han, wide)))


@inline
def _words_of_block(data_B, i):
    """(whether the block at i has characters for which this is not enough, words in Latin letters, Han and kana
    characters that begin in it), uint8."""
    at = np.uint64(i)  # see unicode.code_point
    other, latin, hani, kana = np.uint8(0), np.uint8(0), np.uint8(0), np.uint8(0)
    for k in range(BLOCK):
        here = at + np.uint64(k)
        before, a = data_B[here - np.uint64(1)], data_B[here]
        b, c = data_B[here + np.uint64(1)], data_B[here + np.uint64(2)]
        begins = _both(_is_latin(before, a), _no(_is_latin(data_B[here - np.uint64(2)], before)))
        latin = np.uint8(latin + begins)
        hani = np.uint8(hani + _within(a, 0xE4, 0xE9))
        kana = np.uint8(kana + _is_kana(a, b, c))
        other = _either(other, _is_other(a, b, c))
    return other, latin, hani, kana


@inline
def _character_at(data_B, i):
    """Where the character begins that byte i lies in."""
    while data_B[i] & 0xC0 == 0x80:
        i -= 1
    return i


@kernel
def count_words_by_script(data_B, start_D1, script_of, is_unspaced_S, words_DS):
    """Words per document and script, int64; words_DS comes zeroed. script_of: SCRIPT of unicode.py.

    A word is a run of characters of one script, or one character where words are written without spaces between (Han
    and kana are). What is of no script (column 0) separates words.
    """
    nothing, latin, hani, kana = np.uint8(0), script_of[0x61], script_of[0x4E00], script_of[0x3042]
    for d in range(start_D1.size - 1):
        start, end = start_D1[d], start_D1[d + 1]
        i, stop, before = start, start + BEHIND, nothing
        while i < end:
            # Beyond `stop` until what a block takes the bytes before it for is what they are.
            while i < end and (i < stop or _is_latin(data_B[i - 2], data_B[i - 1]) != (before == latin)):
                c, i = code_point(data_B, i)
                script = script_of[c]
                words_DS[d, script] += script != before or is_unspaced_S[script]
                before = script
            stop = end
            while i + BLOCK + BEHIND <= end:
                other, latins, hanis, kanas = _words_of_block(data_B, i)
                if other:
                    stop = i + BLOCK
                    break
                words_DS[d, latin] += latins
                words_DS[d, hani] += hanis
                words_DS[d, kana] += kanas
                i += BLOCK
            if i < end:
                last = _character_at(data_B, i - 1)
                c, i = code_point(data_B, last)
                before = script_of[c]
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
