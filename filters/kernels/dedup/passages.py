"""Lines, paragraphs and sentences of a text, and the hash of what each says.

Letters in names: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points of Unicode, N passages of the
batch, E cuts.
"""

import numpy as np

from gristmill.filters.kernels.dedup.letters import SHINGLE_BASE
from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, fnv
from gristmill.filters.kernels.text.lines import NEWLINE, last_code_point, next_newline, stripped
from gristmill.filters.kernels.text.sentences import ENDS, ENDS_BEFORE_CAPITAL, begins_with_capital, sentence_end
from gristmill.filters.kernels.text.unicode import ALNUM, SPACE, UNSPACED, code_point, mix64

LINE, PARAGRAPH, SENTENCE = range(3)
CHECK_BASE = np.uint64(0xC2B2AE3D27D4EB4F)
"""xxHash's prime 2: a second polynomial over the same words."""


ELLIPSIS, PERIOD, WIDE_PERIOD = 0x2026, 0x2E, 0xFF0E


@inline
def _is_full_stop(c):
    """U+3002, U+FF01, U+FF1F, U+FF61: what ends a sentence wherever it stands."""
    return c == 0x3002 or c == 0xFF01 or c == 0xFF1F or c == 0xFF61


@inline
def _is_closer(c):
    """Quotation marks and brackets that belong to the sentence before them, and further marks in a row."""
    return (
        c == 0x22 or c == 0x27 or c == 0x29 or c == 0x5D or c == 0x7D or c == 0xBB or c == 0x2019 or c == 0x201D
        or (0x3009 <= c <= 0x3011 and c & 1) or (0x3015 <= c <= 0x301B and c & 1) or c == 0x301E or c == 0x301F
        or c == 0xFF02 or c == 0xFF09 or c == 0xFF3D or c == 0xFF5D or c == 0xFF63
        or c == 0x21 or c == 0x3F or c == 0x2E or c == 0xFF0E or c == 0x2026 or _is_full_stop(c)
    )  # fmt: skip


@kernel
def _is_unspaced(data_B, i, line_end, classes):
    """Whether a letter of a script without spaces stands at byte i, white space and opening marks aside."""
    while i < line_end:
        c, after = code_point(data_B, i)
        if classes[c] & (UNSPACED | ALNUM):
            return classes[c] & UNSPACED != 0
        i = after
    return False


@kernel
def _sentence_of(data_B, begin, line_end, classes):
    """Where the sentence that begins at `begin` ends, within its line."""
    i = word = begin
    trails, last = False, 0  # whether the word ends in an ellipsis; the character before
    while i < line_end:
        c, after = code_point(data_B, i)
        if classes[c] & SPACE:
            how = sentence_end(data_B, word, i) if i > word else 0
            word = after
            while word < line_end and classes[code_point(data_B, word)[0]] & SPACE:
                word = code_point(data_B, word)[1]
            if how == ENDS or (trails and _is_unspaced(data_B, word, line_end, classes)):
                return i
            if (how == ENDS_BEFORE_CAPITAL or trails) and begins_with_capital(data_B, word, line_end, classes):
                return i
            i, trails, last = word, False, c
            continue
        i, before, last = after, last, c
        trails = c == ELLIPSIS or (c == PERIOD and before == PERIOD)
        wide = c == WIDE_PERIOD and classes[before] & UNSPACED != 0
        if not (_is_full_stop(c) or c == 0x21 or c == 0x3F or trails or wide):
            continue
        full = _is_full_stop(c)
        while i < line_end:
            c, after = code_point(data_B, i)
            if not _is_closer(c):
                break
            full |= _is_full_stop(c)
            i, last = after, c
        # `!` and `?` of ASCII, an ellipsis, and U+FF0E end a sentence where a script without spaces goes on.
        if full or (i < line_end and classes[code_point(data_B, i)[0]] & UNSPACED):
            return i
    return line_end


@kernel
def split(data_B, start_D1, classes, unit, begin_N, end_N, passage_D1):
    """Passages that are not blank, [begin, end) without white space around; returns how many.

    unit: LINE, what stands between line feeds; PARAGRAPH, a run of lines without a blank one between; SENTENCE of a
    line, English by kernels.text.sentences, Chinese and Japanese by their marks. passage_D1: where each document's
    begin.
    """
    n = 0
    for d in range(start_D1.size - 1):
        passage_D1[d] = n
        i, stop = start_D1[d], start_D1[d + 1]
        goes_on = False
        while i < stop:
            line_end = next_newline(data_B, i, stop)
            begin, end = stripped(data_B, i, line_end, classes)
            if begin == end:
                goes_on = False
            elif goes_on:
                end_N[n - 1] = end
            else:
                goes_on = unit == PARAGRAPH
                while begin < end:
                    begin_N[n] = begin
                    end_N[n] = _sentence_of(data_B, begin, end, classes) if unit == SENTENCE else end
                    begin, _ = stripped(data_B, end_N[n], end, classes)
                    n += 1
            i = line_end + 1
    passage_D1[start_D1.size - 1] = n
    return n


@kernel
def hash_passages(data_B, begin_N, end_N, flags_C, lower_C, hash_N, check_N, letters_N, seen_N):
    """What each passage says, by its words as in the `letters` stream: case, marks and white space do not count.

    hash_N uint64, check_N uint32: two independent hashes; letters_N int64: letters, digits and marks, of scripts
    without spaces twice; seen_N uint8: the flags of all characters together.
    """
    for n in range(begin_N.size):
        total, check, word = np.uint64(0), np.uint64(0), FNV_OFFSET
        words, letters, seen, in_word = 0, 0, np.uint8(0), False
        i, end = begin_N[n], end_N[n]
        while i < end:
            c, i = code_point(data_B, i)
            flag = flags_C[c]
            seen |= flag
            spaced = flag & ALNUM and not flag & UNSPACED
            if in_word and not spaced:
                one = mix64(word)
                total, check, words = total * SHINGLE_BASE + one, check * CHECK_BASE + one, words + 1
                word, in_word = FNV_OFFSET, False
            if spaced:
                word = fnv(word, lower_C[c])
                in_word = True
                letters += 1
            elif flag & UNSPACED:
                one = mix64(fnv(FNV_OFFSET, c))
                total, check, words = total * SHINGLE_BASE + one, check * CHECK_BASE + one, words + 1
                letters += 2
        if in_word:
            one = mix64(word)
            total, check, words = total * SHINGLE_BASE + one, check * CHECK_BASE + one, words + 1
        hash_N[n] = mix64(total ^ np.uint64(words))
        check_N[n] = np.uint32(mix64(check ^ np.uint64(words)) >> np.uint64(32))
        letters_N[n] = letters
        seen_N[n] = seen


@kernel
def tidy_cuts(data_B, start_D1, classes, doc_E, begin_E, end_E):
    """Widen the cuts [begin, end) of a batch, in place, so that no empty line, gap or space is left of them.

    What goes with a cut: with whole lines their indentation and line feed, with whole paragraphs the blank lines behind
    them; with the rest of a line the space before; with a part of a line the space behind; at the end of a text all
    white space before.
    """
    for e in range(begin_E.size):
        first, stop = start_D1[doc_E[e]], start_D1[doc_E[e] + 1]
        begin, end = begin_E[e], end_E[e]
        line_begin = begin
        while line_begin > first:
            c, before = last_code_point(data_B, first, line_begin)
            if c == NEWLINE or not classes[c] & SPACE:
                break
            line_begin = before
        starts_line = line_begin == first or data_B[line_begin - 1] == NEWLINE
        after, _ = stripped(data_B, end, stop, classes)
        line_end = next_newline(data_B, end, after)
        if after == stop:
            end = stop
            while begin > first and classes[last_code_point(data_B, first, begin)[0]] & SPACE:
                begin = last_code_point(data_B, first, begin)[1]
        elif line_end == after:
            end = after
        elif not starts_line:
            begin, end = line_begin, line_end
        else:
            begin, end = line_begin, line_end + 1
            if begin == first or begin - 1 == first or data_B[begin - 2] == NEWLINE:
                while line_end < after:
                    end = line_end + 1
                    line_end = next_newline(data_B, end, after)
        begin_E[e], end_E[e] = begin, end
