"""Numbers about the elements of a page: what is hinted at around them, what repeats, which one holds the text."""

import numpy as np

from gristmill.filters.kernels.jit import inline
from gristmill.pipelines.read.html.main_content.measures import BYTES, MARKS, TITLE
from gristmill.pipelines.read.html.main_content.parts import (
    ALIKE,
    ARTICLE_TAG,
    ASIDE_TAG,
    BODY_TAG,
    DEPTH,
    FIRST,
    FOOTER_TAG,
    FORM_TAG,
    H1_TAG,
    H6_TAG,
    HEADER_TAG,
    HINT_KINDS,
    HINTS,
    LAST,
    LINKED,
    MAIN_TAG,
    NAV_TAG,
    NODE,
    P_TAG,
    PARENT,
    PRE_TAG,
    TABLE_TAG,
    TAG,
)

FAR = 15
"""A hint that nothing around a block gives."""
INSIDE = 8
"""Kinds of elements that it matters to be inside of."""
CORE_SHARE = 0.6
"""Of the page's sentences, that the smallest element with most of them holds."""
SPOKEN_BYTES = 50
"""A paragraph of this length speaks for the element around it."""

# Letters: N blocks, E elements, H hints, I kinds of elements, S slots, M measures.


@inline
def count_repeats(element_EC, repeat_E, number_E):
    """How many elements of the same name and class stand beside each one, itself included, and which of them it is."""
    count, size = element_EC.shape[0], 8
    while size < 2 * count:
        size *= 2
    slot_S, place_E = np.full(size, -1, np.int32), np.empty(count, np.int32)
    for e in range(count):
        key = ((element_EC[e, PARENT] + 1) * 1000003 + element_EC[e, ALIKE] * 7919) & 0x7FFFFFFFFFFF
        row = (key ^ (key >> 15)) & (size - 1)
        while slot_S[row] >= 0 and (
            element_EC[slot_S[row], PARENT] != element_EC[e, PARENT]
            or element_EC[slot_S[row], ALIKE] != element_EC[e, ALIKE]
        ):
            row = (row + 1) & (size - 1)
        if slot_S[row] < 0:
            slot_S[row] = e
        place_E[e] = slot_S[row]
        number_E[e] = repeat_E[slot_S[row]]
        repeat_E[slot_S[row]] += 1
    for e in range(count):
        repeat_E[e] = repeat_E[place_E[e]]


@inline
def look_around(element_EC, distance_EH, inside_EI):
    """Steps up from every element to the nearest one with each hint, and what it is inside of."""
    for e in range(element_EC.shape[0]):
        up, bits, tag = element_EC[e, PARENT], element_EC[e, HINTS], element_EC[e, TAG]
        if up >= 0:
            for h in range(HINT_KINDS):
                distance_EH[e, h] = min(distance_EH[up, h] + 1, FAR)
            for k in range(INSIDE):  # not row by row: numba compiles messages of arrays that do not fit for two seconds
                inside_EI[e, k] = inside_EI[up, k]
        if tag != BODY_TAG:
            for h in range(HINT_KINDS):
                if bits >> h & 1:
                    distance_EH[e, h] = 0
        inside_EI[e, 0] |= tag == ARTICLE_TAG
        inside_EI[e, 1] |= tag == MAIN_TAG
        inside_EI[e, 2] |= tag == TABLE_TAG
        inside_EI[e, 3] |= tag == ASIDE_TAG
        inside_EI[e, 4] |= tag == NAV_TAG
        inside_EI[e, 5] |= tag == HEADER_TAG
        inside_EI[e, 6] |= tag == FOOTER_TAG
        inside_EI[e, 7] |= tag == FORM_TAG


@inline
def find_core(element_EC, sum_N3):
    """The innermost element with most of the page's sentences."""
    core, total = 0, sum_N3[sum_N3.shape[0] - 1, 2]
    for e in range(element_EC.shape[0]):
        marks = sum_N3[element_EC[e, LAST], 2] - sum_N3[element_EC[e, FIRST], 2]
        if marks >= CORE_SHARE * total and element_EC[e, DEPTH] >= element_EC[core, DEPTH]:
            core = e
    return core


@inline
def find_best(block_NK, element_EC, measure_NM, sum_N3, own_N, score_E):
    """The element that its paragraphs speak for most, as Readability scores them; own_N is what each block says,
    score_E what is said for each element."""
    for b in range(block_NK.shape[0]):
        size = measure_NM[b, BYTES]
        if size < SPOKEN_BYTES or 2 * block_NK[b, LINKED] >= size:
            continue
        own_N[b] = 1 + measure_NM[b, MARKS] + min(size / 100, 3.0)
        e, share = block_NK[b, NODE], 1.0
        if element_EC[e, TAG] == P_TAG or element_EC[e, TAG] == PRE_TAG:
            e = max(element_EC[e, PARENT], 0)
        for _ in range(3):
            score_E[e] += own_N[b] * share
            share *= 0.5
            e = element_EC[e, PARENT]
            if e < 0:
                break
    best = 0
    for e in range(element_EC.shape[0]):
        first, last = element_EC[e, FIRST], element_EC[e, LAST]
        size = sum_N3[last, 0] - sum_N3[first, 0]
        if size > 0:
            score_E[e] *= 1 - (sum_N3[last, 1] - sum_N3[first, 1]) / size
        if score_E[e] > score_E[best]:
            best = e
    return best


@inline
def find_title(block_NK, element_EC, measure_NM):
    """The block that is the page's title, else its first <h1>; -1 if there is neither."""
    found, most = -1, 0.0
    for b in range(block_NK.shape[0]):
        tag, size = element_EC[block_NK[b, NODE], TAG], measure_NM[b, BYTES]
        if measure_NM[b, TITLE] and size >= 8:
            weight = 4.0 if tag == H1_TAG else 2.0 if H1_TAG < tag <= H6_TAG else 1.0
            weight *= 0.3 if block_NK[b, LINKED] else 1.0
            if size * weight > most:
                found, most = b, size * weight
    if found < 0:
        for b in range(block_NK.shape[0]):
            if element_EC[block_NK[b, NODE], TAG] == H1_TAG:
                return b
    return found
