"""Lines and paragraphs: their hashes and lengths, and what is counted at their ends.

A line is what stands between line feeds, if anything but white space does. Stripped, it is what the paper presets
compare; raw, what datatrove's do. A paragraph is a run of lines without a blank one between.
"""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, L lines, G paragraphs of the batch.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.eight import EIGHT, eight_bytes, equal_bytes
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, FNV_PRIME, hash_span
from gristmill.filters.kernels.text.unicode import SPACE, code_point, mix64

NEWLINE = 0x0A
TERMINAL = 128
"""The bit of `classes` that marks sentence-ending punctuation; in FLAGS of unicode.py it is NFC_MAYBE."""


@inline
def next_newline(data_B, begin, end):
    """Where the next line feed is in [begin, end), else `end`."""
    u, stop = np.uint64(begin), np.uint64(end)
    while u + EIGHT <= stop and not equal_bytes(eight_bytes(data_B, u), np.uint64(NEWLINE)):
        u += EIGHT
    while u < stop and data_B[u] != NEWLINE:
        u += np.uint64(1)
    return np.int64(u)


@kernel
def last_code_point(data_B, begin, end):
    """(code point that ends at byte `end`, where it begins) for begin < end."""
    i = end - 1
    while i > begin and data_B[i] & 0xC0 == 0x80:
        i -= 1
    return code_point(data_B, i)[0], i


@kernel
def stripped(data_B, begin, end, classes):
    """(begin, end) without white space on either side, as str.strip; begin == end if nothing is left."""
    while begin < end:
        c, after = code_point(data_B, begin)
        if not classes[c] & SPACE:
            break
        begin = after
    while begin < end:
        c, before = last_code_point(data_B, begin, end)
        if not classes[c] & SPACE:
            break
        end = before
    return begin, end


@kernel
def stripped_ends(data_B, start_D1, classes, begin_D, end_D):
    """`stripped` of every document; of one of white space alone both are its end."""
    for d in range(begin_D.size):
        begin_D[d], end_D[d] = stripped(data_B, start_D1[d], start_D1[d + 1], classes)


@kernel
def split_lines(
    data_B, start_D1, classes, line_D1, hash_L, chars_L, raw_hash_L, raw_chars_L,
    paragraph_D1, hash_G, chars_G, bullet_D, ellipsis_D, terminal_D, short_D, short_chars,
):  # fmt: skip
    """Lines and paragraphs of each document; returns their numbers. Room for newlines + D of each is enough.

    hash_L, chars_L: the stripped line; raw_hash_L, raw_chars_L: the whole line. hash_G, chars_G: the lines of a
    paragraph in order. Per document, lines: bullet_D stripped ones that begin with U+2022 or `-`; ellipsis_D that end
    with `...` or U+2026; terminal_D raw ones that end with sentence-ending punctuation; short_D raw ones of at most
    short_chars code points.
    """
    n_lines, n_paragraphs = 0, 0
    for d in range(start_D1.size - 1):
        line_D1[d], paragraph_D1[d] = n_lines, n_paragraphs
        bullet, ellipsis, terminal, short = 0, 0, 0, 0
        open_paragraph = False
        raw_end = start_D1[d] - 1
        while raw_end < start_D1[d + 1]:
            raw_begin = raw_end + 1
            raw_end = next_newline(data_B, raw_begin, start_D1[d + 1])
            begin, end = stripped(data_B, raw_begin, raw_end, classes)
            if begin == end:
                open_paragraph = False
                continue
            h, chars = hash_span(data_B, begin, end, FNV_OFFSET)
            hash_L[n_lines], chars_L[n_lines] = mix64(h), chars
            before, chars_before = hash_span(data_B, raw_begin, begin, h)
            after, chars_after = hash_span(data_B, end, raw_end, before + np.uint64(begin - raw_begin))
            raw_hash_L[n_lines], raw_chars_L[n_lines] = mix64(after), chars + chars_before + chars_after
            short += raw_chars_L[n_lines] <= short_chars
            terminal += (classes[last_code_point(data_B, raw_begin, raw_end)[0]] & TERMINAL) // TERMINAL
            c = code_point(data_B, begin)[0]
            bullet += c == 0x2022 or c == 0x2D
            c = last_code_point(data_B, begin, end)[0]
            dots = end - begin > 2 and data_B[end - 1] == 0x2E and data_B[end - 2] == 0x2E and data_B[end - 3] == 0x2E
            ellipsis += c == 0x2026 or dots
            if open_paragraph:
                hash_G[n_paragraphs - 1] = mix64(hash_G[n_paragraphs - 1] * FNV_PRIME + hash_L[n_lines])
                chars_G[n_paragraphs - 1] += chars
            else:
                hash_G[n_paragraphs], chars_G[n_paragraphs] = hash_L[n_lines], chars
                n_paragraphs += 1
                open_paragraph = True
            n_lines += 1
        bullet_D[d], ellipsis_D[d], terminal_D[d], short_D[d] = bullet, ellipsis, terminal, short
    line_D1[start_D1.size - 1], paragraph_D1[start_D1.size - 1] = n_lines, n_paragraphs
    return n_lines, n_paragraphs
