"""What the text of one block shows by itself, counted in one pass over its bytes."""

import numpy as np

from gristmill.filters.kernels.jit import inline
from gristmill.pipelines.read.html.main_content.markup import look_up

BYTES, MARKS, ENDS, DIGITS, UPPER, CUES, LEGAL_CUES, META_CUES, WORDS, TITLE = range(10)
"""Measures: bytes, punctuation marks of sentences, whether it ends with one, digits, capitals, words of boilerplate by
kind, words, whether it is part of the page's title."""
MEASURES = 10
CUED_BYTES = 240
"""Boilerplate is short: words are not looked up in longer blocks."""
HAN_WORD = 0.6
"""Words that a Chinese character stands for, about."""

# Letters: B bytes, W words of a table, M measures.


@inline
def _count(value, cue_W2, measure_M):
    """Counts a word, or a pair of Chinese characters, that boilerplate uses."""
    kind = look_up(value, cue_W2)
    if kind >= 0:
        measure_M[CUES + kind] += 1


@inline
def _ends_sentence(text_B, start, end):
    """Whether a text ends with a mark of sentences, quotation marks and brackets aside."""
    k = end - 1
    while k > start and (text_B[k] == 34 or text_B[k] == 39 or text_B[k] == 41):
        k -= 1
    if k - start >= 3 and text_B[k - 2] == 0xE2 and text_B[k - 1] == 0x80 and (text_B[k] == 0x9D or text_B[k] == 0x99):
        k -= 3  # ” ’
    c = text_B[k]
    if c < 0x80 or k - start < 2:
        return c == 46 or c == 33 or c == 63 or c == 58  # . ! ? :
    a, b = text_B[k - 2], text_B[k - 1]
    full_stop = a == 0xE3 and b == 0x80 and c == 0x82
    return full_stop or (a == 0xEF and b == 0xBC and (c == 0x81 or c == 0x9F or c == 0x9A))  # ！ ？ ：


@inline
def _is_wide_mark(a, b, c):
    """Whether three bytes are one of 、。，！？；："""
    if a == 0xE3:
        return b == 0x80 and (c == 0x81 or c == 0x82)
    return a == 0xEF and b == 0xBC and (c == 0x8C or c == 0x81 or c == 0x9F or c == 0x9B or c == 0x9A)


@inline
def _occurs(text_B, start, end, title_B):
    """Whether a text of a heading's length is a part of the title."""
    size = end - start
    if size < 4 or size > 300:
        return False
    for at in range(title_B.size - size + 1):
        k = 0
        while k < size and title_B[at + k] == text_B[start + k]:
            k += 1
        if k == size:
            return True
    return False


@inline
def measure_block(text_B, start, end, title_B, cue_W2, measure_M):
    """Fills in the measures of text_B[start:end]."""
    word, han, i, short = np.int64(0), np.int64(0), start, end - start <= CUED_BYTES
    while i < end:
        c = np.int64(text_B[i])
        if 97 <= (c | 32) <= 122:
            word = (word * 257 + (c | 32)) & 0x7FFFFFFF
            measure_M[UPPER] += c < 97
            han = np.int64(0)
            i += 1
            continue
        if word:
            measure_M[WORDS] += 1
            if short:
                _count(word, cue_W2, measure_M)
            word = np.int64(0)
        if c < 0x80:
            han = np.int64(0)
            if 48 <= c <= 57:
                measure_M[DIGITS] += 1
            elif c == 44:
                measure_M[MARKS] += 1
            elif c == 46 or c == 33 or c == 63 or c == 59 or c == 58:  # at a word's end: not in 3.14
                measure_M[MARKS] += i + 1 >= end or text_B[i + 1] <= 34 or text_B[i + 1] >= 0x80
            i += 1
            continue
        size = 2 if c < 0xE0 else 3 if c < 0xF0 else 4
        before, han = han, np.int64(0)
        if size == 3 and i + 2 < end:
            if 0xE4 <= c <= 0xE9:
                han = ((c * 257 + text_B[i + 1]) * 257 + text_B[i + 2]) & 0x7FFFFFFF
                measure_M[WORDS] += HAN_WORD
                if short and before:
                    pair = (((before * 257 + c) * 257 + text_B[i + 1]) * 257 + text_B[i + 2]) & 0x7FFFFFFF
                    _count(pair, cue_W2, measure_M)
            else:
                measure_M[MARKS] += _is_wide_mark(c, text_B[i + 1], text_B[i + 2])
        i += size
    if word:
        measure_M[WORDS] += 1
        if short:
            _count(word, cue_W2, measure_M)
    measure_M[BYTES] = end - start
    measure_M[ENDS] = _ends_sentence(text_B, start, end)
    measure_M[TITLE] = _occurs(text_B, start, end, title_B)
