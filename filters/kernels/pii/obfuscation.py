"""Where a text holds signs that may hide personal data: entities, escapes, characters that are not seen.

Letters: B bytes of the batch, D documents, D1 documents + 1 offsets, C code points, P3 pieces found.
"""

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.lines import last_code_point
from gristmill.filters.kernels.text.unicode import code_point

UNSEEN = 1
"""Bit of a character that is not seen."""
OTHER_FORM = 2
"""Bit of a character that is another form of an ASCII one: 𝟏, ﹫."""
READ = 4
"""Bit of a character that recognizers look at, in a value or before it. What is not seen hides only between two."""

_ROW = 8  # of unseen characters in a row; a longer one counts as if letters stood on both sides


@inline
def _is_hex(b):
    return 0x30 <= b <= 0x39 or 0x41 <= b & 0xDF <= 0x46


@kernel
def _begins_escape(data_B, i, high):
    """Whether an entity, a percent sign with two digits or an escape with hexadecimal digits begins at byte i."""
    b = data_B[i]
    if b == 0x26:  # &
        after = data_B[i + 1] if i + 1 < high else 0
        return after == 0x23 or 0x41 <= after & 0xDF <= 0x5A
    if b == 0x25:  # %
        return i + 2 < high and _is_hex(data_B[i + 1]) and _is_hex(data_B[i + 2])
    if b == 0x5C and i + 3 < high and (data_B[i + 1] == 0x75 or data_B[i + 1] == 0x78):  # \u \x
        return _is_hex(data_B[i + 2]) and _is_hex(data_B[i + 3])
    return False


@kernel
def _is_read_around(data_B, class_C, low, begin, end, high):
    """Whether recognizers look at what stands before byte `begin` and at what stands after byte `end`, unseen
    characters left out."""
    c, steps = 0, 0
    while begin > low:
        c, begin = last_code_point(data_B, low, begin)
        steps += 1
        if not class_C[c] & UNSEEN or steps == _ROW:
            break
    if steps < _ROW and (steps == 0 or not class_C[c] & READ):
        return False
    c, steps = 0, 0
    while end < high:
        c, end = code_point(data_B, end)
        steps += 1
        if not class_C[c] & UNSEEN or steps == _ROW:
            break
    return steps == _ROW or (steps > 0 and class_C[c] & READ != 0)


@kernel
def find_obfuscated(data_B, start_D1, class_C, margin, found_P3):
    """Where escapes, other forms of ASCII characters and unseen characters between two that are read stand, with
    `margin` bytes to either side; a row of found_P3 (int64): document, bytes of the batch [from, to) at borders of
    characters. class_C: uint8 by code point (filters/pii/obfuscation.py). Returns how many there are; found_P3 takes as
    many as it has rows, so that a caller who gave too few can allocate and call again."""
    found, begin, end = 0, 0, -1  # the piece that grows
    for d in range(start_D1.size - 1):
        low, high = start_D1[d], start_D1[d + 1]
        i = low
        while i < high:
            b = data_B[i]
            if b < 0x80:
                hides = (b == 0x26 or b == 0x25 or b == 0x5C) and _begins_escape(data_B, i, high)
                after = i + 1
            else:
                c, after = code_point(data_B, i)
                m = class_C[c]
                hides = m & OTHER_FORM or (m & UNSEEN and _is_read_around(data_B, class_C, low, i, after, high))
            if hides:
                if end < 0 or i - margin > end:
                    if end >= 0:
                        found = _put(data_B, found_P3, found, d, low, high, begin, end)
                    begin = i - margin
                end = after + margin
            i = after
        if end >= 0:
            found = _put(data_B, found_P3, found, d, low, high, begin, end)
        end = -1
    return found


find_obfuscated.without_numba(most=1 << 14)(find_obfuscated.interpreted)


@kernel
def _put(data_B, found_P3, found, d, low, high, begin, end):
    """Writes one piece where there is room; returns found + 1."""
    if found < found_P3.shape[0]:
        begin, end = max(begin, low), min(end, high)
        while begin > low and data_B[begin] & 0xC0 == 0x80:
            begin -= 1
        while end < high and data_B[end] & 0xC0 == 0x80:
            end += 1
        found_P3[found, 0], found_P3[found, 1], found_P3[found, 2] = d, begin, end
    return found + 1
