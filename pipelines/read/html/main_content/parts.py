"""What a page is cut into, and the numbers by which the compiled loops know columns, elements and hints.

Letters: B bytes of UTF-8, N blocks, K columns of a block, E elements, C columns of an element.
"""

from typing import NamedTuple

import numpy as np

START, END, NODE, BREAK, VERBATIM, LINKED, LINKS, INLINE, FORMULAS, PHRASE = range(10)
"""Columns of a block: its bytes of the text, the element around it, how it is set off (1 line, 2 paragraph), whether
it is verbatim, bytes within links, links, hints of inline elements, formulas, kind of phrase (phrases.py)."""
BLOCK_COLUMNS = 10
PARENT, NAME, TAG, HINTS, ALIKE, FIRST, LAST, NUMBER, COUNT, DEPTH = range(10)
"""Columns of an element: the one around it, hash of its name, tag, hints, hash of its name and class, its blocks,
number among items or cells, number of the last item or cell in it, depth."""
ELEMENT_COLUMNS = 10

# Elements that are told apart; every other one is 0.
(
    P_TAG, DIV_TAG, LI_TAG, TD_TAG, TH_TAG, TR_TAG, TABLE_TAG, UL_TAG, OL_TAG, DL_TAG, DT_TAG, DD_TAG, PRE_TAG,
    BLOCKQUOTE_TAG, FIGURE_TAG, FIGCAPTION_TAG, H1_TAG, H2_TAG, H3_TAG, H4_TAG, H5_TAG, H6_TAG, ARTICLE_TAG, MAIN_TAG,
    SECTION_TAG, ASIDE_TAG, NAV_TAG, HEADER_TAG, FOOTER_TAG, FORM_TAG, BUTTON_TAG, BODY_TAG, A_TAG, BR_TAG, HR_TAG,
    IMG_TAG, MATH_TAG, SCRIPT_TAG, SPAN_TAG, CODE_TAG, DETAILS_TAG, SUMMARY_TAG, LABEL_TAG, TBODY_TAG, CENTER_TAG,
    CAPTION_TAG, XMP_TAG, CUSTOM_TAG,
) = range(1, 49)  # fmt: skip

IS_NODE, IS_LINE, IS_PARAGRAPH, IS_VOID, IS_SKIPPED, IS_RAW, IS_VERBATIM = (1 << bit for bit in range(7))
"""How an element takes part in the text: it is kept as one of the E (others are inline); it begins and ends a line;
blank lines stand around it; it holds nothing; nothing in it is text of the page; its text has no references; white
space in it counts."""

(
    NAV, FOOTER, HEADER, SIDE, COMMENT, SHARE, RELATED, ADVERT, OVERLAY, META, CONTENT, POST, PICTURE, HIDDEN, CODE,
    CARD, BODY, USER, CONTROL,
) = range(19)  # fmt: skip
HINT_KINDS = 19
"""What the name of an element, or the words of its attributes, hint at; bits of HINTS."""
HIDDEN_BIT = 1 << HIDDEN
RENDERED_BIT = 1 << 30
"""A formula's glyphs, of which the source stands beside them."""
GUTTER_BIT = 1 << 29
"""Line numbers of code, if numbers are all that stands there."""
COPY_BIT = 1 << 28
"""Copies the code beside it."""
LISTING_BIT = 1 << 27
"""Of an element: it, or one around it, holds code."""
LINES_BIT, SPACES_BIT, FLOWS_BIT = 1 << 26, 1 << 25, 1 << 24
"""What a style says of white space: line breaks of the source are such in the text (`white-space: pre-line`); spaces
count, too (`pre`, `pre-wrap`, `break-spaces`); neither (`normal`, `nowrap`)."""


class Segments(NamedTuple):
    """A page's text and its parts."""

    text_B: np.ndarray
    block_NK: np.ndarray
    element_EC: np.ndarray
