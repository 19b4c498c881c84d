"""What stands beside code and is none: line numbers, and the buttons that copy it.

Line numbers are told by what they are, not only by what they are called: an element with a name for them that holds
nothing but numbers; elements at the beginnings of the lines of <pre> that count up; a column that counts the lines of
the code beside it.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline
from gristmill.pipelines.read.html.main_content.layout import ROW, VERBATIM_IN
from gristmill.pipelines.read.html.main_content.markup import GREATER, find_byte, reference, skip_comment
from gristmill.pipelines.read.html.main_content.parts import END, FIRST, LAST, NODE, PARENT, START, VERBATIM

FAR = 4000
"""Bytes of markup that are looked through for the next line number, or once something else was found."""
LABEL_BYTES = 40
"""The text of a button is shorter."""
INDENT = 8
"""Blanks before a line number, at most."""
DIGITS = 6
"""Of a line number, at most."""

# Letters: B bytes of the page, T of the text, N blocks, E elements, P places, K and C columns.


@inline
def _is_end(data_B, i, start, at):
    """Whether an element of the name data_B[start:at] ends at i."""
    if i + 2 + at - start >= data_B.size or data_B[i] != 60 or data_B[i + 1] != 47:
        return False
    for k in range(at - start):
        if data_B[i + 2 + k] != data_B[start + k]:
            return False
    return data_B[i + 2 + at - start] == 62


@inline
def text_end(data_B, i, start, at, most, size, numbers):
    """The byte after the end of the element that begins before i, if it has at most `size` visible bytes of text, with
    `numbers` nothing but digits and the signs after them; else minus the place where that fails. Reads `most` bytes."""
    stop, depth, seen = min(data_B.size, i + most), 1, 0
    while i < stop:
        c = np.int64(data_B[i])
        if c == 60:
            if _is_end(data_B, i, start, at):
                depth -= 1
                if depth == 0:
                    return i + at - start + 3
            elif data_B[i + 1] == 33:
                i = skip_comment(data_B, i)
                continue
            elif data_B[i + 1] == data_B[start]:
                k = 1
                while k < at - start and i + 1 + k < data_B.size and data_B[i + 1 + k] == data_B[start + k]:
                    k += 1
                after = data_B[i + 1 + k] if i + 1 + k < data_B.size else 0
                depth += k == at - start and (after == 62 or after <= 32)
            i = find_byte(data_B, i, GREATER) + 1
            continue
        step = 1
        if c == 38:
            code, step = reference(data_B, i)
            c = np.int64(code)
        if c > 32 and c != 160:
            seen += step
            sign = c == 46 or c == 58 or c == 124 or c == 41 or c == 45  # . : | ) -
            if seen > size or (numbers and not sign and not 48 <= c <= 57):
                return -i
        i += step
    return -i


@inline
def _number(data_B, i, start, at):
    """(number, byte after the end tag) of an element that holds one number and whose start tag ends before i; -1 for
    any other."""
    n = data_B.size
    while i < n and data_B[i] <= 32:
        i += 1
    value, first = np.int64(0), i
    while i < n and i - first < DIGITS and 48 <= data_B[i] <= 57:
        value = value * 10 + data_B[i] - 48
        i += 1
    if i == first:
        return np.int64(-1), i
    while i < n and (data_B[i] <= 32 or data_B[i] == 46 or data_B[i] == 58 or data_B[i] == 124):
        i += 1
    if not _is_end(data_B, i, start, at):
        return np.int64(-1), i
    return value, i + at - start + 3


@inline
def _is_break(data_B, i):
    """Whether the tag at i ends a line: of <br>, <div>, <p>, <li>, <tr>, <td>."""
    i += 2 if data_B[i + 1] == 47 else 1
    a, b = data_B[i], data_B[i + 1]
    c = data_B[i + 2]
    if a == 112:
        return b == 62 or b <= 32
    two = (a == 98 and b == 114) or (a == 108 and b == 105) or (a == 116 and (b == 114 or b == 100))
    return (two and (c == 62 or c <= 32)) or (a == 100 and b == 105 and c == 118)


@inline
def begins_line(text_T, first, at):
    """Whether nothing but some blanks was written since a line or block began."""
    stop = max(first, at - INDENT)
    while at > stop and (text_T[at - 1] == 32 or text_T[at - 1] == 9):
        at -= 1
    return at == first or text_T[at - 1] == 10


@inline
def line_number(data_B, i, start, at, last):
    """(number, byte after it) if the element whose start tag ends before i, at the beginning of a line of <pre>, holds
    the number after `last`, or the first of several that count up; else (-1, 0)."""
    value, behind = _number(data_B, i, start, at)
    if value < 0 or (last >= 0 and value == last + 1):
        return value, behind
    i, stop, text, fresh = behind, min(behind + FAR, data_B.size - at + start - 8), False, False
    while i < stop:
        c = data_B[i]
        if c != 60:
            fresh = c == 10 or (fresh and c <= 32)
            text = text or (c > 32 and not 48 <= c <= 57)
            i += 1
            continue
        if data_B[i + 1] == 47 and data_B[i + 2] == 112 and data_B[i + 3] == 114:  # </pre>
            break
        close, same = find_byte(data_B, i, GREATER), text and data_B[i + 1] != 47
        for k in range(at - start):
            same = same and data_B[i + 1 + k] == data_B[start + k]
        fresh = fresh or _is_break(data_B, i)
        same = same and (data_B[i + 1 + at - start] == 62 or data_B[i + 1 + at - start] <= 32)
        if fresh and same and _number(data_B, close + 1, start, at)[0] == value + 1:
            return value, behind
        i = close + 1
    return np.int64(-1), behind


@inline
def _counted(text_T, i, end):
    """(first, last) number of a text that is nothing but numbers that count up; (0, -1) for any other."""
    first, last = np.int64(0), np.int64(-1)
    while i < end:
        value, from_i = np.int64(0), i
        while i < end and 48 <= text_T[i] <= 57 and i - from_i < DIGITS:
            value = value * 10 + text_T[i] - 48
            i += 1
        if i == from_i or (last >= 0 and value != last + 1) or (i < end and text_T[i] > 32 and text_T[i] != 46):
            return np.int64(0), np.int64(-1)
        first = value if last < 0 else first
        last = value
        while i < end and (text_T[i] <= 32 or text_T[i] == 46):
            i += 1
    return first, last


@inline
def _lines(b, step, most, text_T, block_NK, place_EP):
    """(lines, the last block) of the code that begins at block b and goes on in steps of 1 or -1; counts to `most`."""
    n, lines, last = block_NK.shape[0], 0, b
    if not 0 <= b < n:
        return 0, b
    pre = place_EP[block_NK[b, NODE], VERBATIM_IN]
    while lines <= most and 0 <= b < n and block_NK[b, VERBATIM] and place_EP[block_NK[b, NODE], VERBATIM_IN] == pre:
        lines += 1
        for i in range(block_NK[b, START], block_NK[b, END]):
            lines += text_T[i] == 10
            if lines > most:
                break
        last = b
        b += step
    return lines, last


@inline
def _are_together(first, last, e, element_EC):
    """Whether hardly more than some blocks stands in the smallest element around them."""
    while e >= 0 and not (element_EC[e, FIRST] <= first and last < element_EC[e, LAST]):
        e = element_EC[e, PARENT]
    return e >= 0 and element_EC[e, LAST] - element_EC[e, FIRST] <= last - first + 3


@inline
def _drop_numbers_of_rows(text_T, block_NK, place_EP, keep_N):
    """Takes out numbers that count up from row to row of a table whose other cells hold a line of <pre> each."""
    n, b = block_NK.shape[0], 0
    while b < n:
        begin, rows, lines, last, row = b, 0, 0, np.int64(-1), -1
        while b < n:
            mine = place_EP[block_NK[b, NODE], ROW]
            if mine < 0 or mine == row:
                break
            first, value = _counted(text_T, block_NK[b, START], block_NK[b, END])
            if value < 0 or first != value or (last >= 0 and value != last + 1):
                break
            row, last = mine, value
            rows, b = rows + 1, b + 1
            if b < n and block_NK[b, VERBATIM] and place_EP[block_NK[b, NODE], ROW] == row:
                lines, b = lines + _is_line(text_T, block_NK, b), b + 1
        if rows >= 2 and 2 * lines >= rows:
            for k in range(begin, b):
                keep_N[k] = keep_N[k] and block_NK[k, VERBATIM] > 0
        b += b == begin


@inline
def _is_line(text_T, block_NK, b):
    for i in range(block_NK[b, START], block_NK[b, END]):
        if text_T[i] == 10:
            return 0
    return 1


@inline
def drop_line_numbers(text_T, block_NK, element_EC, place_EP, keep_N):
    """Takes out columns of numbers that count the lines of the code before or behind them, or in their rows."""
    _drop_numbers_of_rows(text_T, block_NK, place_EP, keep_N)
    n, b = block_NK.shape[0], 0
    while b < n:
        first, last = np.int64(0), np.int64(-1)
        if 48 <= text_T[block_NK[b, START]] <= 57:
            first, last = _counted(text_T, block_NK[b, START], block_NK[b, END])
        if last < 0 or first > 1:
            b += 1
            continue
        begin, b = b, b + 1
        while b < n:
            more, most = _counted(text_T, block_NK[b, START], block_NK[b, END])
            if most < 0 or more != last + 1:
                break
            last = most
            b += 1
        count = last - first + 1
        for step in (1, -1):
            code = b if step > 0 else begin - 1
            if count < 2:
                continue
            lines, far = _lines(code, step, 2 * count, text_T, block_NK, place_EP)
            low, high = min(begin, far), max(b - 1, far)
            if abs(lines - count) * 10 <= 10 + count and _are_together(low, high, block_NK[begin, NODE], element_EC):
                for k in range(begin, b):
                    keep_N[k] = False
