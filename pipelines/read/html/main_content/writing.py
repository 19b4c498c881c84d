"""The text of a block, written as it is read: white space, references, line breaks, formulas."""

import numpy as np

from gristmill.filters.kernels.jit import inline
from gristmill.pipelines.read.html.main_content.markup import reference
from gristmill.pipelines.read.html.main_content.parts import (
    BREAK,
    END,
    FORMULAS,
    INLINE,
    LINKED,
    LINKS,
    NODE,
    START,
    VERBATIM,
)

# State of the block that is being read.
AT, VISIBLE, SOLID, LINE_AT, SPACE, BREAKS, SET_OFF, BYTES_LINKED, LINK_COUNT, BITS, LINK_DEPTH, FORMULA_COUNT = range(
    12
)
LAST_FORMULA, FORMULA_FROM, FORMULA_TO, INDENT, IN_CODE, AS_WRITTEN, RUN = 12, 13, 14, 15, 16, 17, 18
STATES = 19
TAB, UNKNOWN = 1 << 16, 1 << 40
"""INDENT is spaces and, times TAB, tabs at the beginning of a line of code; UNKNOWN where the markup has a line end.
AS_WRITTEN: whether a style says that spaces count; RUN is then how many stand side by side."""
LEAST_INDENT = 2
"""Spaces at the beginning of a line that are no accident of the markup."""

# Letters: B bytes, S state.


@inline
def _is_wide(lead, second):
    """Whether a character of three bytes is Han, kana or full-width, by its first two."""
    return 0xE3 <= lead <= 0xE9 or (lead == 0xEF and (second == 0xBC or second == 0xBD))


@inline
def _gap(data_B, i, text_B, state_S):
    """Writes the line break, the indentation or the space that stands before a visible character at i."""
    at = state_S[AT]
    if state_S[BREAKS]:
        if at > state_S[LINE_AT]:
            text_B[at] = 10
            at += 1
            state_S[LINE_AT] = at
    elif state_S[SPACE] and at > state_S[LINE_AT]:
        wide = (
            state_S[SPACE] == 2
            and at >= 3 + state_S[LINE_AT]
            and i + 1 < data_B.size
            and _is_wide(data_B[i], data_B[i + 1])
            and _is_wide(text_B[at - 3], text_B[at - 2])
        )
        if not wide:
            for _ in range(max(state_S[RUN], 1)):
                text_B[at] = 32
                at += 1
    if LEAST_INDENT <= state_S[INDENT] < UNKNOWN and at == state_S[LINE_AT]:
        tabs, spaces = state_S[INDENT] // TAB, state_S[INDENT] % TAB
        text_B[at : at + tabs] = 9
        text_B[at + tabs : at + tabs + spaces] = 32
        at += tabs + spaces
    state_S[BREAKS] = state_S[SPACE] = state_S[INDENT] = state_S[RUN] = 0
    state_S[AT] = at


@inline
def _is_plain(c):
    """Whether a byte is copied as it is: a visible ASCII character but "&", or one of a Han or Hangul character."""
    return (32 < c < 127 and c != 38) or 0xE4 <= c <= 0xED or 0x80 <= c < 0xC0


@inline
def copy_text(data_B, i, end, verbatim, raw, text_B, state_S):
    """Copies the text node data_B[i:end]."""
    from_at = state_S[AT]
    while i < end:
        c = np.int64(data_B[i])
        if _is_plain(c):
            if not verbatim and (state_S[SPACE] or state_S[BREAKS]):
                _gap(data_B, i, text_B, state_S)
            at = state_S[AT]
            while i < end and _is_plain(np.int64(data_B[i])):
                text_B[at] = data_B[i]
                at, i = at + 1, i + 1
            state_S[AT] = state_S[SOLID] = state_S[VISIBLE] = at
            continue
        if c <= 32 and (c == 32 or 9 <= c <= 13):
            if verbatim:
                text_B[state_S[AT]] = c
                state_S[AT] += 1
                i += 1
                continue
            if state_S[IN_CODE]:
                state_S[INDENT] = state_S[INDENT] + (TAB if c == 9 else 1) if c == 32 or c == 9 else UNKNOWN
            state_S[RUN] += state_S[AS_WRITTEN]
            if state_S[SPACE] != 2:
                state_S[SPACE] = 2 if c != 32 and c != 9 else max(state_S[SPACE], 1)
            i += 1
            continue
        size, visible = 1, True
        if c == 38 and not raw:
            code, size = reference(data_B, i)
            c = np.int64(code)
            visible = c != 160
        elif c >= 0xC2:
            size = 2 if c < 0xE0 else 3 if c < 0xF0 else 4
            second = data_B[i + 1] if i + 1 < end else 0
            third = data_B[i + 2] if i + 2 < end else 0
            if c == 0xC2:
                visible = second != 0xA0 and second != 0xAD
            elif c == 0xE2:
                visible = second != 0x80 or third > 0x8F
            elif c == 0xE3:
                visible = second != 0x80 or third != 0x80
            elif c == 0xEF:
                visible = second != 0xBB or third != 0xBF
        if not verbatim:
            _gap(data_B, i, text_B, state_S)
        at = state_S[AT]
        if c == 160:
            text_B[at], text_B[at + 1] = 0xC2, 0xA0
            at += 2
        elif c < 0x80:
            text_B[at] = c
            at += 1
        else:
            for k in range(min(size, end - i)):
                text_B[at + k] = data_B[i + k]
            at += min(size, end - i)
        i += size
        state_S[AT] = state_S[SOLID] = at
        if visible:
            state_S[VISIBLE] = at
    if state_S[LINK_DEPTH]:
        state_S[BYTES_LINKED] += state_S[AT] - from_at


@inline
def break_line(text_B, state_S):
    """A <br>: the line's end, without white space; a line of nothing but that is dropped."""
    if state_S[VISIBLE] > state_S[LINE_AT]:
        state_S[AT] = state_S[SOLID]
    else:
        state_S[BREAKS] += state_S[AT] > state_S[LINE_AT] or state_S[LINE_AT] > state_S[VISIBLE]
        state_S[AT] = state_S[SOLID] = state_S[VISIBLE]
    state_S[BREAKS] += 1
    state_S[SPACE] = state_S[INDENT] = state_S[RUN] = 0


@inline
def commit(block, block_NK, node, element_EC, verbatim, text_B, state_S):
    """Ends the block that is being read, if it has text; gives the number of blocks."""
    start = block_NK[block, START]
    if state_S[VISIBLE] > start:
        end = state_S[VISIBLE] if verbatim else max(state_S[SOLID], state_S[VISIBLE])
        while text_B[end - 1] == 10:
            end -= 1
        if verbatim:  # lines of white space before the first one
            i = start
            while text_B[i] <= 32:
                i += 1
                if text_B[i - 1] == 10:
                    start = i
        row = block_NK[block]
        row[START], row[END], row[NODE], row[VERBATIM] = start, end, node, verbatim
        row[BREAK], row[LINKED], row[LINKS] = (
            state_S[SET_OFF],
            min(state_S[BYTES_LINKED], end - start),
            state_S[LINK_COUNT],
        )
        row[INLINE], row[FORMULAS] = state_S[BITS], state_S[FORMULA_COUNT]
        block += 1
        state_S[SET_OFF] = 0
        state_S[AT] = end
    else:
        state_S[AT] = start
    at = state_S[AT]
    state_S[VISIBLE] = state_S[SOLID] = state_S[LINE_AT] = at
    state_S[SPACE] = state_S[BREAKS] = state_S[BYTES_LINKED] = state_S[LINK_COUNT] = state_S[FORMULA_COUNT] = 0
    state_S[BITS] = state_S[INDENT] = state_S[RUN] = 0
    block_NK[block, START] = at
    return block


@inline
def write_formula(data_B, i, end, raw, text_B, state_S):
    """Writes TeX between dollars, unless it stands between such already, or is what was written last."""
    while i < end and data_B[i] <= 32:
        i += 1
    while end > i and data_B[end - 1] <= 32:
        end -= 1
    size = end - i
    if size == 0:
        return
    if state_S[LAST_FORMULA] == state_S[AT] and state_S[FORMULA_TO] - state_S[FORMULA_FROM] == size:
        same, k = True, 0
        while same and k < size:
            same = data_B[state_S[FORMULA_FROM] + k] == data_B[i + k]
            k += 1
        if same:
            return
    delimited = data_B[i] == 36 or (data_B[i] == 92 and size > 1 and (data_B[i + 1] == 40 or data_B[i + 1] == 91))
    _gap(data_B, i, text_B, state_S)
    if not delimited:
        text_B[state_S[AT]] = 36
        state_S[AT] += 1
    k = i
    while k < end:
        c = np.int64(data_B[k])
        step = 1
        if c == 38 and not raw:
            code, step = reference(data_B, k)
            c = np.int64(code)
        text_B[state_S[AT]] = 32 if c <= 32 or c == 160 else c
        state_S[AT] += 1
        k += step
    if not delimited:
        text_B[state_S[AT]] = 36
        state_S[AT] += 1
    state_S[VISIBLE] = state_S[SOLID] = state_S[LAST_FORMULA] = state_S[AT]
    state_S[FORMULA_FROM], state_S[FORMULA_TO] = i, end
    state_S[FORMULA_COUNT] += 1
