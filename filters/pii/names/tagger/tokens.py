"""A text as tokens: a word of Latin letters, a group of digits, one Han character, one mark, a line break.

Letters: B bytes, C code points, T tokens, H slots of the table of lists.
"""

from functools import cache

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.pii.scan import fold
from gristmill.filters.kernels.text.unicode import LIMIT, SCRIPT, SCRIPTS, code_point

BREAK, WORD, NUMBER, HAN, OTHER, MARK = range(6)
"""Kinds of token."""
LOWER, CAPITAL, UPPER, INITIAL, MIXED = range(5)
"""Shapes of a word: all small, capitalised, all capitals, one capital, capitals inside."""

_MARK, _LOWER, _UPPER, _DIGIT, _HAN, _OTHER, _SPACE, _BREAK = range(8)


@cache
def classes() -> np.ndarray:
    """uint8[0x110000]: what a character is to the tokens. Full-width forms are what they fold to."""
    class_C = np.zeros(LIMIT, np.uint8)
    class_C[SCRIPTS.index("Hani") == SCRIPT] = _HAN
    for name in ("Cyrl", "Kana", "Hang"):
        class_C[SCRIPTS.index(name) == SCRIPT] = _OTHER
    for c in (*range(0x41, 0x250), *range(0x1E00, 0x1F00)):
        if chr(c).isalpha():
            class_C[c] = _UPPER if chr(c).isupper() else _LOWER
    class_C[0x30:0x3A] = _DIGIT
    class_C[[0x20, 0x09, 0xA0, 0x2007, 0x202F, 0x3000, 0x200A, 0x2009]] = _SPACE
    class_C[[0x0A, 0x0D, 0x0B, 0x0C, 0x1E, 0x2028, 0x2029, 0x85]] = _BREAK
    class_C[0x3007] = _HAN  # 〇, a numeral
    class_C[0xFF01:0xFF5F] = class_C[0x21:0x7F]
    return class_C


@kernel
def lower(c):
    """A small Latin letter for a capital one: ASCII and Latin-1, which names are written with; others as they are."""
    if 0x41 <= c <= 0x5A or (0xC0 <= c <= 0xDE and c != 0xD7):
        return c + 0x20
    return c


@kernel
def mix(h, value):
    """One step of a 32-bit hash; int64 throughout, so that numba does not make a float of it."""
    h = ((h ^ value) * 0x45D9F3B1) & 0xFFFFFFFF
    return h ^ (h >> 15)


@kernel
def tokenise(data_B, low, high, class_C, start_T, end_T, kind_T, shape_T, gap_T, hash_T):
    """Tokens of bytes [low, high), which hold no more than there is room for: a token has a byte at least. Returns how
    many. gap_T: 0 nothing before it, 1 a space, 2 more. hash_T: of the word in small letters, the digits' number, the
    character."""
    count, i, gap = 0, low, 0
    while i < high:
        c, after = code_point(data_B, i)
        k = class_C[c]
        if k == _SPACE:
            gap, i = min(gap + 1, 2), after
            continue
        c = fold(c)
        start_T[count], gap_T[count] = i, gap
        kind, shape, h = MARK, 0, mix(7, c)
        if k == _BREAK:
            kind, shape, h = BREAK, 1, 11
            while after < high:  # empty lines are one break
                d, then = code_point(data_B, after)
                if class_C[d] == _BREAK:
                    shape += d == 0x0A
                elif class_C[d] != _SPACE:
                    break
                after = then
            shape = min(shape, 2)
        elif k == _HAN:
            kind, h = HAN, mix(3, c)
        elif k == _DIGIT:
            kind, shape = NUMBER, 1
            while after < high:
                d, then = code_point(data_B, after)
                if class_C[d] != _DIGIT:
                    break
                shape, after = shape + 1, then
            shape = min(shape, 12)
            h = mix(5, shape)
        elif k in (_LOWER, _UPPER, _OTHER):
            kind, length, capitals, h = (OTHER if k == _OTHER else WORD), 1, int(k == _UPPER), mix(1, lower(c))
            first = k == _UPPER
            while after < high:
                d, then = code_point(data_B, after)
                e = class_C[d]
                if not ((kind == WORD and (e in (_LOWER, _UPPER))) or (kind == OTHER and e == _OTHER)):
                    break
                length += 1
                capitals += e == _UPPER
                if length <= 24:
                    h = mix(h, lower(fold(d)))
                after = then
            if kind == OTHER:
                shape = 0
            elif capitals == 0:
                shape = LOWER
            elif length == 1:
                shape = INITIAL
            elif capitals == length:
                shape = UPPER
            elif first and capitals == 1:
                shape = CAPITAL
            else:
                shape = MIXED
        kind_T[count], shape_T[count], hash_T[count], end_T[count] = kind, shape, h, after
        count += 1
        gap, i = 0, after
    return count


@kernel
def look_up(key_H, value_H, h):
    """What the lists say of a hash: bits, 0 for what is in none."""
    size = key_H.size - 1
    slot = h & size
    while key_H[slot] != 0:
        if key_H[slot] == h:
            return np.int64(value_H[slot])
        slot = (slot + 1) & size
    return np.int64(0)


@kernel
def mark_lists(count, kind_T, hash_T, key_H, value_H, list_T):
    """What the lists say of each token: of words and Han characters in the low 16 bits, of a pair of Han characters in
    the next 16 of its first, of three in the ones above."""
    for i in range(count):
        bits = np.int64(0)
        if kind_T[i] == WORD or kind_T[i] == HAN:
            bits = look_up(key_H, value_H, hash_T[i])
        if kind_T[i] == HAN and i + 1 < count and kind_T[i + 1] == HAN:
            pair = mix(hash_T[i], hash_T[i + 1])
            bits |= look_up(key_H, value_H, pair) << 16
            if i + 2 < count and kind_T[i + 2] == HAN:
                bits |= look_up(key_H, value_H, mix(pair, hash_T[i + 2])) << 32
        list_T[i] = bits
