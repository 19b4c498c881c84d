"""Splitting a text at line breaks, as different implementations do it, and what stands at the ends of the pieces."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, I items of the batch, M marks.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.eight import EIGHT, eight_bytes, equal_bytes, low_bytes
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, fnv, hash_span
from gristmill.filters.kernels.text.lines import NEWLINE, last_code_point, next_newline, stripped
from gristmill.filters.kernels.text.unicode import code_point, mix64

EACH, RUNS, BLANK, SPLITLINES = range(4)
"""What splits: text.split("\\n"); re.split("\\n+"), made of the first one's; re.split("\\n{2,}") of the stripped text;
text.splitlines()."""


_FIRST_B = np.zeros((2, 256), np.bool_)
"""What a break can begin with: line feeds alone, or what str.splitlines() takes (U+0085, U+2028 and U+2029 too)."""
_FIRST_B[0, NEWLINE] = True
_FIRST_B[1, [0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0xC2, 0xE2]] = True


@kernel
def line_break(data_B, i, end, how):
    """Where the break that begins at byte i ends, one that can begin a break; i where none does."""
    b = data_B[i]
    if b == NEWLINE:
        after = i + 1
        while how == BLANK and after < end and data_B[after] == NEWLINE:
            after += 1
        return i if how == BLANK and after - i < 2 else after
    if b < 0x80:
        return i + 2 if b == 0x0D and i + 1 < end and data_B[i + 1] == NEWLINE else i + 1
    if b == 0xC2:
        return i + 2 if data_B[i + 1] == 0x85 else i
    separator = data_B[i + 1] == 0x80 and (data_B[i + 2] == 0xA8 or data_B[i + 2] == 0xA9)
    return i + 3 if separator else i


@inline
def next_break(data_B, begin, end, how, first_B):
    """Where the next byte is in [begin, end) that a break can begin with, else `end`."""
    if how != SPLITLINES:
        return next_newline(data_B, begin, end)
    u, stop = np.uint64(begin), np.uint64(end)
    while True:
        while u + EIGHT <= stop:
            x = eight_bytes(data_B, u)
            if low_bytes(x) | equal_bytes(x, np.uint64(0xC2)) | equal_bytes(x, np.uint64(0xE2)):
                break
            u += EIGHT
        until = min(u + EIGHT, stop)
        while u < until and not first_B[data_B[u]]:
            u += np.uint64(1)
        if u < until or u == stop:
            return np.int64(u)


@kernel
def split_items(data_B, start_D1, classes, how, first_D1, begin_I, end_I):
    """The pieces of each document, empty ones included; returns their number, and beyond the arrays only counts.

    Document d has pieces first_D1[d] up to first_D1[d + 1], bytes [begin_I, end_I).
    """
    n, first_B = 0, _FIRST_B[1 if how == SPLITLINES else 0]
    for d in range(start_D1.size - 1):
        first_D1[d] = n
        begin, end = start_D1[d], start_D1[d + 1]
        if how == BLANK:
            begin, end = stripped(data_B, begin, end, classes)
        i, open_item = begin, how != SPLITLINES or begin < end
        while True:
            i = next_break(data_B, i, end, how, first_B)
            if i == end:
                break
            after = line_break(data_B, i, end, how)
            if after == i:
                i += 1
                continue
            if n < begin_I.size:
                begin_I[n], end_I[n] = begin, i
            n += 1
            i, begin = after, after
            open_item = how != SPLITLINES or begin < end
        if open_item:
            if n < begin_I.size:
                begin_I[n], end_I[n] = begin, end
            n += 1
    first_D1[start_D1.size - 1] = n
    return n


@kernel
def hash_strings(data_B, start_D1, hash_D):
    """FNV-1a of every text's bytes, mixed, uint64: what tables in files are written with."""
    for d in range(hash_D.size):
        h = FNV_OFFSET
        for i in range(start_D1[d], start_D1[d + 1]):
            h = fnv(h, data_B[i])
        hash_D[d] = mix64(h)


@kernel
def measure_items(data_B, begin_I, end_I, hash_I, chars_I):
    """Hash (uint64) and code points (int32) of every piece."""
    for x in range(begin_I.size):
        h, chars_I[x] = hash_span(data_B, begin_I[x], end_I[x], FNV_OFFSET)
        hash_I[x] = mix64(h)


@kernel
def count_edges(data_B, classes, first_D1, begin_I, end_I, strip, bullet_M, dots, bullet_D, ellipsis_D):
    """Pieces per document, int64, that begin with a character of bullet_M, and that end with U+2026 or, with `dots`,
    `...`; strip: without white space at that end."""
    for d in range(first_D1.size - 1):
        bullets, ellipses = 0, 0
        for x in range(first_D1[d], first_D1[d + 1]):
            begin, end = begin_I[x], end_I[x]
            if strip:
                begin, end = stripped(data_B, begin, end, classes)
            if begin == end:
                continue
            c = code_point(data_B, begin)[0]
            for mark in bullet_M:
                bullets += c == mark
            three = end - begin > 2 and data_B[end - 1] == 0x2E == data_B[end - 2] and data_B[end - 3] == 0x2E
            ellipses += last_code_point(data_B, begin, end)[0] == 0x2026 or (dots and three)
        bullet_D[d], ellipsis_D[d] = bullets, ellipses


@kernel
def sum_lengths(chars_I, first_D1, sum_D):
    """Code points of all items per document, int64."""
    for d in range(sum_D.size):
        chars = 0
        for x in range(first_D1[d], first_D1[d + 1]):
            chars += chars_I[x]
        sum_D[d] = chars


@kernel
def third_longest(chars_I, first_D1, third_D):
    """The third largest length per document, int64; 0 where there are fewer than three pieces."""
    for d in range(first_D1.size - 1):
        one, two, three = 0, 0, 0
        for x in range(first_D1[d], first_D1[d + 1]):
            chars = chars_I[x]
            if chars > one:
                one, two, three = chars, one, two
            elif chars > two:
                two, three = chars, two
            elif chars > three:
                three = chars
        third_D[d] = three
