"""The text of the blocks that are kept, in document order: plain, or as Markdown.

Items of lists have bullets or numbers, rows of tables are lines with their cells between tabs, code stands as it is
written, blank lines stand where a browser would leave room.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.layout import (
    CELL,
    HEADING,
    ITEM,
    ITEM_BLOCKS,
    LISTS,
    PLACES,
    QUOTES,
    ROW,
    TABLE,
    VERBATIM_IN,
    count_blocks,
    find_places,
)
from gristmill.pipelines.read.html.main_content.parts import (
    BREAK,
    END,
    HINTS,
    LISTING_BIT,
    NODE,
    NUMBER,
    OL_TAG,
    PARENT,
    START,
    TAG,
    VERBATIM,
    Segments,
)

MAX_INDENT = 8
"""Levels of lists and quotations that are shown."""
# Letters: B bytes, N blocks, E elements, P places.


def text_of(segments: Segments, keep_N: np.ndarray, markdown: bool) -> bytes:
    """The text of the blocks for which keep_N is true, in UTF-8; no white space around it."""
    bars = int(np.count_nonzero(segments.text_B == ord("|"))) if markdown else 0
    size = int(segments.text_B.size) + bars + 64 * len(segments.block_NK) + 4 * len(segments.element_EC) + 64
    out_B = np.empty(size, np.uint8)
    length = _assemble(segments.text_B, segments.block_NK, segments.element_EC, keep_N, markdown, out_B)
    return out_B[:length].tobytes().strip(b"\n")


@inline
def _put(out_B, at, byte, times):
    for _ in range(times):
        out_B[at] = byte
        at += 1
    return at


@inline
def _number(out_B, at, number):
    """Writes "12. "."""
    digits, scale = 1, 1
    while number // scale >= 10 and digits < 9:
        scale *= 10
        digits += 1
    for _ in range(digits):
        out_B[at] = 48 + number // scale % 10
        scale //= 10
        at += 1
    out_B[at], out_B[at + 1] = 46, 32
    return at + 2


@inline
def _bullet(out_B, at, item, depth, element_EC, markdown):
    """Writes the mark of a list item, indented."""
    at = _put(out_B, at, 32, 2 * min(max(depth - 1, 0), MAX_INDENT))
    up = element_EC[item, PARENT]
    if up >= 0 and element_EC[up, TAG] == OL_TAG:
        return _number(out_B, at, element_EC[item, NUMBER])
    if markdown:
        out_B[at], out_B[at + 1] = 45, 32
        return at + 2
    out_B[at], out_B[at + 1], out_B[at + 2], out_B[at + 3] = 0xE2, 0x80, 0xA2, 32
    return at + 4


@inline
def _rule(out_B, at, columns):
    """The line under a table's first row."""
    out_B[at] = 10
    at += 1
    for _ in range(columns):
        for byte in (124, 32, 45, 45, 45, 32):
            out_B[at] = byte
            at += 1
    out_B[at] = 124
    return at + 1


@kernel
def _assemble(text_B, block_NK, element_EC, keep_N, markdown, out_B):
    n, count = block_NK.shape[0], element_EC.shape[0]
    place_EP = np.full((count, PLACES), -1, np.int32)
    blocks_E, data_E, used_E = np.zeros(count, np.int32), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    find_places(element_EC, place_EP)
    count_blocks(block_NK, element_EC, place_EP, blocks_E, data_E)
    at, apart, last, ruled = 0, 0, -1, -1
    for b in range(n):
        apart = max(apart, block_NK[b, BREAK])
        if not keep_N[b]:
            continue
        place = place_EP[block_NK[b, NODE]]
        before = place_EP[block_NK[last, NODE]] if last >= 0 else place
        item, row, cell, pre = place[ITEM], place[ROW], place[CELL], place[VERBATIM_IN]
        in_data = row >= 0 and cell >= 0 and data_E[row] and pre < 0
        was_data = (
            last >= 0 and before[ROW] >= 0 and before[CELL] >= 0 and data_E[before[ROW]] and before[VERBATIM_IN] < 0
        )
        begins = item >= 0 and not used_E[item] and blocks_E[item] <= ITEM_BLOCKS
        is_code = begins and element_EC[item, HINTS] & LISTING_BIT != 0
        same_row = in_data and was_data and row == before[ROW]
        if markdown and last >= 0:
            if before[VERBATIM_IN] >= 0 and before[VERBATIM_IN] != pre:
                out_B[at] = 10
                at = _put(out_B, at + 1, 96, 3)
            if was_data and not same_row:
                out_B[at], out_B[at + 1] = 32, 124
                at += 2
                if ruled != before[TABLE]:
                    ruled = before[TABLE]
                    at = _rule(out_B, at, element_EC[before[CELL], NUMBER])
        if same_row:
            step = element_EC[cell, NUMBER] - element_EC[before[CELL], NUMBER] if cell != before[CELL] else 0
            if step > 0 and markdown:
                for _ in range(step):
                    out_B[at], out_B[at + 1] = 32, 124
                    at += 2
                out_B[at] = 32
                at += 1
            elif step > 0:
                at = _put(out_B, at, 9, step)
            else:
                out_B[at] = 32
                at += 1
        elif last >= 0:
            in_list = begins and before[ITEM] >= 0 and place[LISTS] > 0
            close = (
                (in_data and was_data and place[TABLE] == before[TABLE])
                or in_list
                or (pre >= 0 and pre == before[VERBATIM_IN])
            )
            at = _put(out_B, at, 10, 1 if close or apart < 2 else 2)
        if not same_row:
            if markdown:
                for _ in range(min(place[QUOTES], MAX_INDENT)):
                    out_B[at], out_B[at + 1] = 62, 32
                    at += 2
            if in_data and markdown:
                for _ in range(element_EC[cell, NUMBER]):
                    out_B[at], out_B[at + 1] = 124, 32
                    at += 2
            elif in_data:
                at = _put(out_B, at, 9, element_EC[cell, NUMBER] - 1)
            elif begins:
                used_E[item] = True
            if begins and not is_code and not in_data:
                at = _bullet(out_B, at, item, place[LISTS], element_EC, markdown)
            if markdown and place[HEADING] > 0 and not in_data:
                at = _put(out_B, at, 35, place[HEADING])
                out_B[at] = 32
                at += 1
            if markdown and pre >= 0 and (last < 0 or before[VERBATIM_IN] != pre):
                at = _put(out_B, at, 96, 3)
                out_B[at] = 10
                at += 1
        flat = in_data or (markdown and place[HEADING] > 0)
        start = block_NK[b, START]
        if in_data and b + 1 < n and keep_N[b + 1]:
            following = place_EP[block_NK[b + 1, NODE]]
            same_row |= following[ROW] == row and following[CELL] != cell
        while same_row and not block_NK[b, VERBATIM] and (text_B[start] == 32 or text_B[start] == 9):
            start += 1  # a line of code has one cell
        for i in range(start, block_NK[b, END]):
            byte = text_B[i]
            if byte == 10 and flat and not block_NK[b, VERBATIM]:
                byte = 32
            elif byte == 124 and in_data and markdown:  # a cell would end here (GitHub Flavored Markdown, 4.10)
                out_B[at] = 92
                at += 1
            out_B[at] = byte
            at += 1
        last, apart = b, 0
    if markdown and last >= 0:
        place = place_EP[block_NK[last, NODE]]
        if place[VERBATIM_IN] >= 0:
            out_B[at] = 10
            at = _put(out_B, at + 1, 96, 3)
        elif place[ROW] >= 0 and place[CELL] >= 0 and data_E[place[ROW]]:
            out_B[at], out_B[at + 1] = 32, 124
            at += 2
            if ruled != place[TABLE]:
                at = _rule(out_B, at, element_EC[place[CELL], NUMBER])
    return at
