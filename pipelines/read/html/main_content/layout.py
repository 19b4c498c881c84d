"""Where elements stand in lists, tables, quotations and code, and which lists and tables are no layout."""

import numpy as np

from gristmill.filters.kernels.jit import inline
from gristmill.pipelines.read.html.main_content.parts import (
    BLOCKQUOTE_TAG,
    END,
    FIRST,
    H1_TAG,
    H6_TAG,
    HINTS,
    LAST,
    LI_TAG,
    LISTING_BIT,
    NODE,
    OL_TAG,
    PARENT,
    PRE_TAG,
    START,
    TABLE_TAG,
    TAG,
    TD_TAG,
    TH_TAG,
    TR_TAG,
    UL_TAG,
    XMP_TAG,
)

ITEM_BLOCKS = 4
"""An item with more blocks of its own than this is a part of the page's layout, and gets no bullet."""
CELL_BYTES = 2000
"""A row with a longer cell, or more than two blocks a cell, is a part of the page's layout."""

ITEM, LISTS, ROW, CELL, QUOTES, HEADING, VERBATIM_IN, TABLE = range(8)
"""Of an element: list item, number of lists, row, cell, quotations, heading, <pre> and table around it (-1: none)."""
PLACES = 8

# Letters: N blocks, E elements, P places.


@inline
def find_places(element_EC, place_EP):
    """Fills in what is around every element."""
    for e in range(element_EC.shape[0]):
        up, tag = element_EC[e, PARENT], element_EC[e, TAG]
        for k in range(PLACES):
            place_EP[e, k] = place_EP[up, k] if up >= 0 else 0 if k in (LISTS, QUOTES) else -1
        if tag == LI_TAG:
            place_EP[e, ITEM] = e
        elif tag in (UL_TAG, OL_TAG):
            place_EP[e, LISTS] += 1
        elif tag == TABLE_TAG:
            place_EP[e, TABLE], place_EP[e, ROW], place_EP[e, CELL] = e, -1, -1
        elif tag == TR_TAG:
            place_EP[e, ROW], place_EP[e, CELL] = e, -1
        elif tag in (TD_TAG, TH_TAG):
            place_EP[e, CELL], place_EP[e, ITEM], place_EP[e, LISTS] = e, -1, 0
        elif tag == BLOCKQUOTE_TAG:
            place_EP[e, QUOTES] += 1
        elif tag in (PRE_TAG, XMP_TAG):
            place_EP[e, VERBATIM_IN] = e
        elif H1_TAG <= tag <= H6_TAG:
            place_EP[e, HEADING] = tag - H1_TAG + 1


@inline
def count_blocks(block_NK, element_EC, place_EP, blocks_E, data_E):
    """blocks_E: blocks of every item's and row's own; data_E: whether a row holds data, not layout."""
    cells_E, longest_E, last_cell_E = np.zeros_like(blocks_E), np.zeros_like(blocks_E), np.full_like(blocks_E, -1)
    lines_E = np.zeros_like(data_E)  # whether a cell of a row holds lines of code
    for b in range(block_NK.shape[0]):
        place = place_EP[block_NK[b, NODE]]
        if place[ITEM] >= 0:
            blocks_E[place[ITEM]] += 1 if place[HEADING] < 0 else ITEM_BLOCKS
        row = place[ROW]
        if row >= 0 and place[CELL] >= 0:
            blocks_E[row] += 1
            if last_cell_E[row] != place[CELL]:
                last_cell_E[row] = place[CELL]
                cells_E[row] += 1
                longest_E[place[CELL]] = 0
            elif element_EC[block_NK[b, NODE], HINTS] & LISTING_BIT:
                lines_E[row] = True
            longest_E[place[CELL]] += block_NK[b, END] - block_NK[b, START]
            longest_E[row] = max(longest_E[row], longest_E[place[CELL]])
    for e in range(element_EC.shape[0]):
        if element_EC[e, TAG] == TR_TAG:
            nested = element_EC[e, LAST] - element_EC[e, FIRST] > blocks_E[e]  # another table's blocks
            short = blocks_E[e] <= 2 * cells_E[e] + 1 and longest_E[e] <= CELL_BYTES
            data_E[e] = short and not nested and not lines_E[e]
