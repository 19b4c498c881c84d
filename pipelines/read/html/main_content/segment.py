"""One pass over a page that the parser has put in order: its text, the blocks that it falls into, the elements around
them.

The parser's serialisation is well-formed: elements nest, attributes are quoted, "<" and ">" occur in no attribute, five
references are left. So the loop needs no stack but the elements' own links to what is around them.

A block is a run of text that no element, and no empty line, breaks. White space is collapsed as browsers do (CSS Text
3, 4.1.1: a line break between two Chinese or Japanese characters goes); no-break and ideographic spaces stay, but make
no block by themselves.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.listing import FAR, LABEL_BYTES, begins_line, line_number, text_end
from gristmill.pipelines.read.html.main_content.markup import (
    A_ALIKE,
    A_ALT,
    A_ALT_END,
    A_BITS,
    A_START,
    A_TEX,
    GREATER,
    I_H,
    LESS,
    MEMO_COLUMNS,
    MEMO_ROWS,
    ONE,
    TEMPLATE_H,
    ZERO,
    annotation,
    find_byte,
    is_shadow_root,
    is_sign,
    look_up,
    read_attributes,
    skip_comment,
    skip_element,
    tex_follows,
)
from gristmill.pipelines.read.html.main_content.names import ELEMENT_W2, UNSCRIPTED_W2, WORD_W2
from gristmill.pipelines.read.html.main_content.parts import (
    A_TAG,
    ALIKE,
    BLOCK_COLUMNS,
    BR_TAG,
    BUTTON_TAG,
    CODE,
    COPY_BIT,
    COUNT,
    CUSTOM_TAG,
    DEPTH,
    ELEMENT_COLUMNS,
    END,
    FIRST,
    FLOWS_BIT,
    GUTTER_BIT,
    HINTS,
    HR_TAG,
    IMG_TAG,
    IS_LINE,
    IS_NODE,
    IS_PARAGRAPH,
    IS_RAW,
    IS_SKIPPED,
    IS_VERBATIM,
    IS_VOID,
    LAST,
    LI_TAG,
    LINES_BIT,
    LISTING_BIT,
    MATH_TAG,
    NAME,
    NUMBER,
    OL_TAG,
    P_TAG,
    PARENT,
    RENDERED_BIT,
    SCRIPT_TAG,
    SPACES_BIT,
    SPAN_TAG,
    START,
    TAG,
    TD_TAG,
    TH_TAG,
    Segments,
)
from gristmill.pipelines.read.html.main_content.phrases import BEGIN_W2, KNOWN_W2, PHRASE_W2, find_phrases
from gristmill.pipelines.read.html.main_content.writing import (
    AS_WRITTEN,
    AT,
    BITS,
    BREAKS,
    IN_CODE,
    LAST_FORMULA,
    LINK_COUNT,
    LINK_DEPTH,
    SET_OFF,
    STATES,
    VISIBLE,
    break_line,
    commit,
    copy_text,
    write_formula,
)

# Letters: B bytes, W words of a table, N blocks, K columns of a block, E elements, C columns of an element.


LINE = np.int64(ord("\n"))
STYLE_BITS = LINES_BIT | SPACES_BIT | FLOWS_BIT
SHELL = 3
"""A page that has so many times more text without scripts is nothing but a shell for them."""


def segment(page: bytes, everything: bool = False) -> Segments:
    """The segments of a <body> as the parser writes it, in UTF-8. `everything`: with the line numbers of code, too.

    Of a page that scripts would fill (many forums), what it shows without them.
    """
    found = _cut(page, everything, ELEMENT_W2)
    unscripted = _unscripted_bytes(page)
    if unscripted and unscripted > SHELL * _text_bytes(found):
        shown = _cut(page, everything, UNSCRIPTED_W2)
        if _text_bytes(shown) > SHELL * _text_bytes(found):
            return shown
    return found


def _unscripted_bytes(page: bytes) -> int:
    """Bytes of markup in <noscript>."""
    size, start = 0, page.find(b"<noscript")
    while start >= 0:
        end = page.find(b"</noscript", start)
        if end < 0:
            break
        size, start = size + end - start, page.find(b"<noscript", end)
    return size


def _text_bytes(found: Segments) -> int:
    return int((found.block_NK[:, END] - found.block_NK[:, START]).sum())


def _cut(page: bytes, everything: bool, element_W2: np.ndarray) -> Segments:
    data_B = np.frombuffer(page, np.uint8)
    tags = np.count_nonzero(data_B == ord("<")) + 2  # bytes.count takes three times as long for what is so frequent
    text_B = np.empty(data_B.size + 16, np.uint8)
    block_NK = np.empty((tags, BLOCK_COLUMNS), np.int32)
    element_EC = np.empty((tags, ELEMENT_COLUMNS), np.int32)
    blocks, elements = _segment(data_B, everything, element_W2, WORD_W2, text_B, block_NK, element_EC)
    find_phrases(text_B, block_NK[:blocks], KNOWN_W2, PHRASE_W2, BEGIN_W2)
    return Segments(text_B, block_NK[:blocks], element_EC[:elements])


@inline
def _open_node(node, nodes, name, tag, bits, alike, start, block, block_NK, element_EC):
    """Adds an element inside another one."""
    row = element_EC[nodes]
    row[PARENT], row[NAME], row[TAG], row[HINTS], row[ALIKE] = node, name, tag, bits, alike
    row[FIRST], row[LAST], row[NUMBER], row[COUNT], row[DEPTH] = block, block, 0, 0, 0
    if node >= 0:
        row[DEPTH] = element_EC[node, DEPTH] + 1
        if tag in (LI_TAG, TD_TAG, TH_TAG):
            element_EC[node, COUNT] = start if tag == LI_TAG and start >= 0 else element_EC[node, COUNT] + 1
            row[NUMBER] = element_EC[node, COUNT]
        elif tag == OL_TAG and start >= 0:
            row[COUNT] = start - 1


@inline
def _break(block, block_NK, node, element_EC, text_B, state_S):
    """Ends a line; behind an empty one, a block, too. Gives the number of blocks."""
    break_line(text_B, state_S)
    if state_S[BREAKS] >= 2:
        block = commit(block, block_NK, node, element_EC, ZERO, text_B, state_S)
        state_S[SET_OFF] = 2
    return block


@kernel
def _segment(data_B, everything, element_W2, word_W2, text_B, block_NK, element_EC):
    n, i, node, nodes, block = data_B.size, ZERO, -ONE, ZERO, ZERO
    verbatims, math_end, shown_end, other_at, last_number = ZERO, ZERO, ZERO, ZERO, -ONE
    span_name, span_style, span_depth = ZERO, ZERO, ZERO  # of an inline element with a style of white space
    state_S, attribute_6 = np.zeros(STATES, np.int64), np.zeros(6, np.int64)
    memo_RV = np.zeros((MEMO_ROWS, MEMO_COLUMNS), np.int64)
    state_S[LAST_FORMULA] = -1
    block_NK[0, START] = 0
    while i < n:
        if data_B[i] != 60:
            end = find_byte(data_B, i, LESS)
            style = span_style if span_depth else element_EC[node, HINTS] if node >= 0 else ZERO
            state_S[AS_WRITTEN] = style & SPACES_BIT != 0
            listing = node >= 0 and element_EC[node, HINTS] & LISTING_BIT != 0
            state_S[IN_CODE] = (listing or state_S[AS_WRITTEN]) and element_EC[node, TAG] != P_TAG
            while style & LINES_BIT and not verbatims:
                line_end = find_byte(data_B, i, LINE)
                if line_end >= end:
                    break
                copy_text(data_B, i, line_end, verbatims, ZERO, text_B, state_S)
                block = _break(block, block_NK, node, element_EC, text_B, state_S)
                i = line_end + 1
            copy_text(data_B, i, end, verbatims, ZERO, text_B, state_S)
            i = end
            continue
        closing = i + 1 < n and data_B[i + 1] == 47
        if not closing and i + 1 < n and (data_B[i + 1] == 33 or data_B[i + 1] == 63):
            i = skip_comment(data_B, i)
            continue
        start = i + 1 + int(closing)
        at, name, custom = start, ZERO, False
        while at < n and data_B[at] > 32 and data_B[at] != 62 and data_B[at] != 47:
            name = (name * 257 + data_B[at]) & 0x7FFFFFFF
            custom = custom or data_B[at] == 45
            at += 1
        end = find_byte(data_B, at, GREATER)
        flags = look_up(name, element_W2)
        if flags < 0:
            flags = IS_NODE | CUSTOM_TAG << 8 if custom else 0
        tag = (flags >> 8) & 255
        i = end + 1
        if closing:
            if tag == A_TAG and state_S[LINK_DEPTH] > 0:
                state_S[LINK_DEPTH] -= 1
            if span_depth and name == span_name:
                span_depth -= 1
            if flags & IS_NODE and node > 0 and element_EC[node, NAME] == name:
                if flags & (IS_LINE | IS_PARAGRAPH):
                    block = commit(block, block_NK, node, element_EC, verbatims, text_B, state_S)
                    state_S[SET_OFF] = max(state_S[SET_OFF], 2 if flags & IS_PARAGRAPH else 1)
                element_EC[node, LAST] = block + (state_S[VISIBLE] > block_NK[block, START])
                node = element_EC[node, PARENT]
                if flags & IS_VERBATIM:
                    verbatims -= 1
                    last_number = -ONE
            continue
        if name == TEMPLATE_H and is_shadow_root(data_B, at, end):
            continue  # a browser shows what is in it
        if flags & IS_SKIPPED:
            if not flags & IS_VOID:
                i = skip_element(data_B, i, start, at, flags & IS_RAW)
            continue
        attribute_6[A_BITS] = 0
        if end > at and tag != A_TAG:
            read_attributes(data_B, at, end, word_W2, memo_RV, attribute_6)
        else:
            attribute_6[A_ALIKE], attribute_6[A_START], attribute_6[A_TEX] = 0, -1, 0
            attribute_6[A_ALT] = attribute_6[A_ALT_END] = 0
        bits = attribute_6[A_BITS]
        in_listing = verbatims > 0 or (node >= 0 and element_EC[node, HINTS] & LISTING_BIT != 0)
        if not everything and not flags & IS_VOID:
            if bits & GUTTER_BIT:
                behind = text_end(data_B, i, start, at, FAR if i < other_at else data_B.size, data_B.size, True)
                if behind > 0:
                    i = behind
                    continue
                other_at = -behind
            if verbatims and i < n and data_B[i] <= 57 and begins_line(text_B, block_NK[block, START], state_S[AT]):
                number, behind = line_number(data_B, i, start, at, last_number)
                if number >= 0:
                    last_number, i = number, behind
                    continue
            if in_listing and (tag == BUTTON_TAG or bits & COPY_BIT):
                behind = text_end(data_B, i, start, at, FAR, LABEL_BYTES, False)
                if behind > 0:
                    i = behind
                    continue
        if bits & RENDERED_BIT and i > shown_end:
            behind = skip_element(data_B, i, start, at, ZERO)
            if state_S[LAST_FORMULA] == state_S[AT] or tex_follows(data_B, behind):
                i = behind
                continue
            shown_end = behind
        if not everything and (tag in (A_TAG, SPAN_TAG) or name == I_H) and is_sign(data_B, i, tag == A_TAG):
            i = find_byte(data_B, i + 1, GREATER) + 1
            continue
        if tag == BR_TAG:
            if verbatims:
                text_B[state_S[AT]] = 10
                state_S[AT] += 1
                continue
            block = _break(block, block_NK, node, element_EC, text_B, state_S)
        elif tag == HR_TAG:
            block = commit(block, block_NK, node, element_EC, verbatims, text_B, state_S)
            state_S[SET_OFF] = 2
        elif tag == IMG_TAG:
            if attribute_6[A_TEX]:
                write_formula(data_B, attribute_6[A_ALT], attribute_6[A_ALT_END], ZERO, text_B, state_S)
        elif tag == SCRIPT_TAG:
            close = skip_element(data_B, i, start, at, ONE)
            if attribute_6[A_TEX]:
                write_formula(data_B, i, close - 9, ONE, text_B, state_S)
            i = close
        elif tag == MATH_TAG and i > math_end:
            math_end = skip_element(data_B, i, start, at, ZERO)
            alt, alt_end = attribute_6[A_ALT], attribute_6[A_ALT_END]
            first, last = annotation(data_B, i, math_end, word_W2, memo_RV, attribute_6)
            if last == first:
                first, last = alt, alt_end
            if last > first:
                write_formula(data_B, first, last, ZERO, text_B, state_S)
                i = math_end
        elif flags & IS_VOID:
            continue
        elif tag == A_TAG:
            state_S[LINK_DEPTH] += 1
            state_S[LINK_COUNT] += 1
            state_S[BITS] |= bits
        elif flags & IS_NODE:
            if flags & (IS_LINE | IS_PARAGRAPH):
                block = commit(block, block_NK, node, element_EC, verbatims, text_B, state_S)
                state_S[SET_OFF] = max(state_S[SET_OFF], 2 if flags & IS_PARAGRAPH else 1)
            hint = flags >> 16
            if hint:
                bits |= 1 << (hint - 1)
            alike = (attribute_6[A_ALIKE] * 257 + name) & 0x7FFFFFFF
            if node >= 0 and not bits & STYLE_BITS:
                bits |= element_EC[node, HINTS] & STYLE_BITS
            if in_listing or bits >> CODE & 1 or flags & IS_VERBATIM or (tag == OL_TAG and bits & GUTTER_BIT):
                bits |= LISTING_BIT
            _open_node(node, nodes, name, tag, bits, alike, attribute_6[A_START], block, block_NK, element_EC)
            node = nodes
            nodes += 1
            if flags & IS_VERBATIM:
                verbatims += 1
            if flags & IS_RAW:
                end = skip_element(data_B, i, start, at, ONE) - (at - start) - 3
                copy_text(data_B, i, end, ONE, ONE, text_B, state_S)
                i = end
        else:
            state_S[BITS] |= bits & ~STYLE_BITS
            if span_depth == 0 and bits & STYLE_BITS:
                span_name, span_style, span_depth = name, bits, ONE
            elif span_depth and name == span_name:
                span_depth += 1
    block = commit(block, block_NK, node, element_EC, verbatims, text_B, state_S)
    while node >= 0:
        element_EC[node, LAST] = block
        node = element_EC[node, PARENT]
    return block, nodes
