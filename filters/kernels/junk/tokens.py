"""Lines as tokens and pieces, for what looks for phrases at their ends.

A token is a letter of a script without spaces, a word of another, or a number. A piece is what stands between ends of
sentences, brackets, bars and wide gaps.
"""

# Letters: B bytes of the batch, T tokens of a line, P pieces of it, C code points.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, fnv
from gristmill.filters.kernels.text.unicode import ALNUM, ALPHA, DIGIT, SPACE, UNSPACED, UPPER, code_point, mix64

NUMBER = 1
"""The symbol of a number; `1.2` and ten thousand after it are one."""
NO_MARK, SENTENCE, COLON, CODE = range(4)
"""How a line ends; or that it is code or a row of a table."""
NOTHING, OTHER, LABEL, SPACED_OFF, PATH = range(5)
"""What comes after a token: more of the line, some sign, a colon or the like, white space, the sign of a path."""
GLUED = 2
"""So many capitals behind small letters make names of one word."""
SIGNS = -1
"""Instead of a number of tokens: signs alone."""


@inline
def is_sentence_mark(c):
    """Full stop, exclamation and question marks of Chinese, and those of English that need no context."""
    return c == 0x3002 or c == 0xFF01 or c == 0xFF1F or c == 0x21 or c == 0x3F or c == 0xFF61


@inline
def is_opening(c):
    """( [ and their full-width forms, the lenticular bracket."""
    return c == 0x28 or c == 0x5B or c == 0xFF08 or c == 0x3010 or c == 0xFF3B


@inline
def is_closing(c):
    """What closes is_opening's."""
    return c == 0x29 or c == 0x5D or c == 0xFF09 or c == 0x3011 or c == 0xFF3D


@inline
def is_bar(c):
    """| and its full-width forms, a middle shade, an arrow of a path."""
    return c == 0x7C or c == 0xFF5C or c == 0x4E28 or c == 0x2502 or c == 0x3000 or c == 0x09


@inline
def is_quote(c):
    """Opening quotation marks."""
    return c == 0x201C or c == 0x300C or c == 0x300E or c == 0x22 or c == 0x2018


@inline
def ends_quote(c):
    """Closing quotation marks."""
    return c == 0x201D or c == 0x300D or c == 0x300F or c == 0x22 or c == 0x2019 or c == 0x27


@inline
def is_amount(c):
    """What may follow a number: k, m, w, ten thousand, a hundred million, + and %."""
    return (
        c == 0x4E07 or c == 0x842C or c == 0x4EBF or c == 0x5104 or c == 0x2B or c == 0x25
        or c == 0x6B or c == 0x6D or c == 0x77 or c == 0x4B or c == 0x4D or c == 0x57
    )  # fmt: skip


@kernel
def read_line(
    data_B, begin, end, classes, fold_C, symbol_C, hash_T, begin_T, end_T, quoted_T, follow_T, piece_P2, from_P, to_P
):
    """(tokens, pieces, commas, sentences that end inside, how it ends) of a line; no piece: signs alone.

    hash_T: twice the symbol of a token of one character, or the hash of a word with its lowest bit set; quoted_T:
    whether a quotation mark stands before it; follow_T: what comes after it. piece_P2: the tokens of a piece; from_P,
    to_P its bytes.
    """
    t, p, i = 0, 0, begin
    first, piece_begin, last = 0, begin, begin  # of the piece: its first token, its first byte, the end of what counts
    ends, spaces, commas, bars, pending, quoted, mark = 0, 0, 0, 0, False, False, NO_MARK
    code, glued_to = False, begin
    while i < end:
        at = i
        c, i = code_point(data_B, i)
        k = classes[c]
        if k & SPACE or c == 0x200B or c == 0xFEFF:
            spaces += 1
            if is_bar(c) or spaces >= 3:
                pending = pending or t > first
            if t > 0 and follow_T[t - 1] == NOTHING:
                follow_T[t - 1] = SPACED_OFF
            quoted = False
            continue
        if pending and (ends_quote(c) or is_closing(c) or is_sentence_mark(c)) and spaces == 0:
            last = i
            continue
        if pending or (is_opening(c) and t > first):
            if t > first:
                piece_P2[p, 0], piece_P2[p, 1], from_P[p], to_P[p] = first, t, piece_begin, last
                p += 1
                first, piece_begin = t, at
            pending = False
        last = i
        if k & ALNUM or symbol_C[c]:
            mark = NO_MARK
            begin_T[t], quoted_T[t], follow_T[t] = at, quoted, NOTHING
            if k & UNSPACED or not k & ALNUM:
                hash_T[t] = np.uint64(symbol_C[c]) << np.uint64(1)
            else:
                hash_T[t], i, glued_to = word(data_B, at, end, classes, fold_C, glued_to)
            end_T[t] = i
            last = i
            t += 1
        else:
            commas += c == 0x2C or c == 0xFF0C or c == 0x3001
            bars += c == 0x7C
            code = code or c == 0x7B or c == 0x7D or c == 0x3D or c == 0x5C or c == 0x60 or (c == 0x3B and i >= end)
            if c == 0x3C and i < end and (0x61 <= data_B[i] | 0x20 <= 0x7A or data_B[i] == 0x2F):
                code = True  # a tag
            if t > 0 and (follow_T[t - 1] == NOTHING or follow_T[t - 1] == SPACED_OFF):
                follow_T[t - 1] = follower(c, hash_T[t - 1])
            if is_sentence_mark(c):
                pending, mark = True, SENTENCE
                ends += 1
            elif c == 0x2E:
                if (i >= end or data_B[i] == 0x20 or ends_quote(code_point(data_B, i)[0])) and t > first:
                    pending, mark = True, SENTENCE
                    ends += 1
            elif is_closing(c) or is_bar(c):
                pending = pending or t > first
            elif c == 0x3A or c == 0xFF1A:
                mark = COLON
            elif not ends_quote(c) and not is_quote(c):
                mark = NO_MARK
            if spaces and is_dash(c) and i < end and data_B[i] == 0x20:
                pending = pending or t > first
        quoted = is_quote(c)
        spaces = 0
    if t > first:
        piece_P2[p, 0], piece_P2[p, 1], from_P[p], to_P[p] = first, t, piece_begin, last
        p += 1
    elif t == 0 and last > begin:
        return SIGNS, 0, 0, 0, NO_MARK
    if code or (bars > 2 and data_B[begin] == 0x7C):
        mark = CODE
    return t, p, commas, ends - (mark == SENTENCE), mark


@inline
def word(data_B, at, end, classes, fold_C, glued_to):
    """(hash of the number or word that begins at byte `at`, where it ends, where it and what is glued to it ends).

    Three names and more with a capital each, written as one, are words of their own: `BlogCareersPricing`. glued_to:
    where names end that the word is one of.
    """
    c, i = code_point(data_B, at)
    h, digits = FNV_OFFSET, classes[c] & DIGIT != 0
    name, name_end = h, at  # the first of several
    capitals, small = 0, False  # behind small letters
    while True:
        h = fnv(h, fold_C[c])
        small = classes[c] & (ALPHA | UPPER) == ALPHA
        if i >= end:
            break
        c, after = code_point(data_B, i)
        k = classes[c]
        if (c == 0x27 or c == 0x2019 or (digits and (c == 0x2E or c == 0x2C or c == 0x3A))) and after < end:
            d, beyond = code_point(data_B, after)
            inside = classes[d] & DIGIT if digits else classes[d] & ALNUM and not classes[d] & UNSPACED
            if inside:
                c, after, k = d, beyond, classes[d]
        if digits and is_amount(c):
            if after >= end:
                return np.uint64(NUMBER << 1), after, after
            d = code_point(data_B, after)[0]
            if not classes[d] & ALNUM or classes[d] & UNSPACED:
                return np.uint64(NUMBER << 1), after, after
        if c != 0x5F and (not k & ALNUM or k & UNSPACED):
            break
        if small and k & UPPER:
            if at < glued_to:
                return mix64(h) | np.uint64(1), i, glued_to
            if capitals == 0:
                name, name_end = h, i
            capitals += 1
        digits = digits and k & DIGIT != 0
        i = after
    if capitals >= GLUED:
        return mix64(name) | np.uint64(1), name_end, i
    return np.uint64(NUMBER << 1) if digits else mix64(h) | np.uint64(1), i, i


@inline
def follower(c, before):
    """What a sign says of the token before it. A bracket says what a colon does after a character, not after a word."""
    if c == 0x3A or c == 0xFF1A or c == 0x4E28:
        return LABEL
    if not before & np.uint64(1) and (c == 0x2F or c == 0x7C or c == 0xFF5C or is_opening(c) or is_closing(c)):
        return LABEL
    if c == 0x3E or c == 0xBB or c == 0x203A:
        return PATH
    return OTHER


@inline
def is_dash(c):
    """Dashes and a middle dot."""
    return c == 0x2D or c == 0x2014 or c == 0x2013 or c == 0xB7
