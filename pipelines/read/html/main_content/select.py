"""From probabilities to blocks: those by which F1 is expected to be highest; lists and tables whole."""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.layout import ITEM_BLOCKS, PLACES, count_blocks, find_places
from gristmill.pipelines.read.html.main_content.listing import drop_line_numbers
from gristmill.pipelines.read.html.main_content.parts import (
    ADVERT,
    COMMENT,
    CONTROL,
    DL_TAG,
    END,
    H1_TAG,
    H6_TAG,
    HINTS,
    LI_TAG,
    LINKED,
    LISTING_BIT,
    NAV,
    NAV_TAG,
    NODE,
    OL_TAG,
    PARENT,
    PHRASE,
    POST,
    SHARE,
    START,
    TABLE_TAG,
    TAG,
    TR_TAG,
    UL_TAG,
    USER,
    VERBATIM,
    Segments,
)
from gristmill.pipelines.read.html.main_content.phrases import (
    ALSO_PHRASE,
    COPY_PHRASE,
    DATA_PHRASE,
    DATE_PHRASE,
    LINK_PHRASE,
    NO_PHRASE,
    NOTICE_PHRASE,
    POST_PHRASE,
)

LEAST = 0.1
"""A block that is less likely to be main content than this is never kept: some pages have none."""
LEVELS = 100
"""Probabilities are told apart by a per cent."""
BESIDE_CODE = 3
"""Blocks beside code of which one must be kept."""
ALIKE_CONTROLS = 3
"""Controls of posts by which one that is no link is told from text."""
NEAR = 4
"""Elements around a block or list that may say by their names what it is."""
COMMENT_BYTES = 12
"""Shorter texts in a comment section are names and counters."""

# Letters: B bytes, N blocks, E elements, P places, L levels of probability.


def select(segments: Segments, probability_N: np.ndarray, comments: bool = False) -> np.ndarray:
    """Which blocks are kept. `comments`: those of an article's readers, too."""
    keep_N = np.zeros(len(probability_N), np.bool_)
    if len(keep_N):
        _select(segments.text_B, segments.block_NK, segments.element_EC, probability_N, comments, keep_N)
    return keep_N


@inline
def _bound(block_NK, probability_N):
    """The least probability that is kept: that of the highest expected F1, where the blocks of a page stand or fall
    together. Main content is then all that is more likely than some level, any level being as likely as another; of
    two such sets one holds the other, so that their F1 is twice the smaller one by both."""
    size_L = np.zeros(LEVELS + 1, np.float64)
    for b in range(block_NK.shape[0]):
        size_L[int(probability_N[b] * LEVELS)] += block_NK[b, END] - block_NK[b, START]
    for level in range(LEVELS - 1, -1, -1):
        size_L[level] += size_L[level + 1]
    most, best = -1.0, LEVELS
    for kept in range(LEVELS, -1, -1):
        if kept < LEVELS and size_L[kept] == size_L[kept + 1]:
            continue
        f1 = 0.0
        for main in range(1, LEVELS + 1):
            f1 += min(size_L[kept], size_L[main]) / max(size_L[kept] + size_L[main], 1.0)
        if f1 > most:
            most, best = f1, kept
    return max(best / LEVELS, LEAST)


@inline
def _groups(block_NK, element_EC, place_EP, group_E):
    """The outermost list or table around an element, if its items are no layout; else -1."""
    count = element_EC.shape[0]
    blocks_E, data_E = np.zeros(count, np.int32), np.zeros(count, np.bool_)
    count_blocks(block_NK, element_EC, place_EP, blocks_E, data_E)
    layout_E, items_E = np.zeros(count, np.int32), np.zeros(count, np.int32)
    for e in range(count - 1, -1, -1):
        tag = element_EC[e, TAG]
        layout_E[e] += tag == LI_TAG and blocks_E[e] > ITEM_BLOCKS
        layout_E[e] += tag == TR_TAG and not data_E[e] and blocks_E[e] > 0
        if element_EC[e, PARENT] >= 0:
            layout_E[element_EC[e, PARENT]] += layout_E[e]
            items_E[element_EC[e, PARENT]] += tag == LI_TAG
    for e in range(count):
        up, tag = element_EC[e, PARENT], element_EC[e, TAG]
        group_E[e] = group_E[up] if up >= 0 else -1
        if group_E[e] >= 0 or layout_E[e]:
            continue
        if tag in (DL_TAG, TABLE_TAG) or (tag in (UL_TAG, OL_TAG) and items_E[e]):
            group_E[e] = e


@inline
def _is_held(e, element_EC, bits, steps):
    """Whether an element, or one of some around it, hints at one of these."""
    for _ in range(steps):
        if e < 0:
            return False
        if element_EC[e, HINTS] & bits:
            return True
        e = element_EC[e, PARENT]
    return False


@inline
def _keep_code(block_NK, keep_N):
    """Keeps code that stands in the middle of what is kept."""
    n, b = block_NK.shape[0], 0
    while b < n:
        first, b = b, b + 1
        if not block_NK[first, VERBATIM]:
            continue
        while b < n and block_NK[b, VERBATIM]:
            b += 1
        before, after = False, False
        for step in range(BESIDE_CODE):
            before = before or (first - 1 - step >= 0 and keep_N[first - 1 - step])
            after = after or (b + step < n and keep_N[b + step])
        if before and after:
            keep_N[first:b] = True


@inline
def _keep_lists(block_NK, element_EC, group_E, keep_N):
    """Keeps lists and tables that stand between two blocks that are kept, unless they are named for something else."""
    n, b = block_NK.shape[0], 0
    while b < n:
        first, group = b, group_E[block_NK[b, NODE]]
        b += 1
        if group < 0:
            continue
        while b < n and group_E[block_NK[b, NODE]] == group:
            b += 1
        if first > 0 and b < n and keep_N[first - 1] and keep_N[b] and not keep_N[first]:
            named = _is_held(group, element_EC, 1 << SHARE | 1 << NAV | 1 << ADVERT, NEAR)
            if not named:
                keep_N[first:b] = True


@inline
def _drop_controls(block_NK, element_EC, group_E, keep_N):
    """Takes out what forums write around posts, where it is a link or stands with its like, buttons of code, lines that
    point to another text, data of scripts, and notices behind the text."""
    n, controls, kept, before = block_NK.shape[0], 0, 0, 0
    for b in range(n):
        controls += block_NK[b, PHRASE] == POST_PHRASE
        kept += keep_N[b] * (block_NK[b, END] - block_NK[b, START])
    for b in range(n):
        kind, e = block_NK[b, PHRASE], block_NK[b, NODE]
        if keep_N[b]:
            before += block_NK[b, END] - block_NK[b, START]
        if not keep_N[b] or kind in (NO_PHRASE, DATE_PHRASE) or H1_TAG <= element_EC[e, TAG] <= H6_TAG:
            continue
        linked = 2 * block_NK[b, LINKED] >= block_NK[b, END] - block_NK[b, START]
        linked = linked or _is_held(e, element_EC, 1 << CONTROL, 1)
        if kind == COPY_PHRASE:
            beside = _is_held(e, element_EC, LISTING_BIT, 1)
            for other in range(max(b - 2, 0), min(b + 3, n)):
                beside = beside or block_NK[other, VERBATIM] > 0
            keep_N[b] = not beside
        elif block_NK[b, VERBATIM]:
            continue
        elif kind == DATA_PHRASE:
            keep_N[b] = _is_held(e, element_EC, LISTING_BIT, 1)
        elif kind == ALSO_PHRASE:
            keep_N[b] = group_E[e] >= 0
        elif kind == NOTICE_PHRASE:
            keep_N[b] = 2 * before < kept
        elif kind == LINK_PHRASE:
            keep_N[b] = not linked
        else:
            named = _is_held(e, element_EC, 1 << POST | 1 << USER | 1 << COMMENT | 1 << CONTROL, NEAR)
            alone = controls < ALIKE_CONTROLS or (group_E[e] >= 0 and not named)
            keep_N[b] = not linked and alone


@kernel
def _select(text_B, block_NK, element_EC, probability_N, comments, keep_N):
    n, count, bound = block_NK.shape[0], element_EC.shape[0], _bound(block_NK, probability_N)
    group_E, main_E, bytes_E = np.empty(count, np.int32), np.zeros(count, np.float64), np.zeros(count, np.float64)
    place_EP = np.full((count, PLACES), -1, np.int32)
    find_places(element_EC, place_EP)
    _groups(block_NK, element_EC, place_EP, group_E)
    for b in range(n):
        group, size = group_E[block_NK[b, NODE]], block_NK[b, END] - block_NK[b, START]
        keep_N[b] = probability_N[b] >= bound
        if group >= 0 and block_NK[b, PHRASE] != DATA_PHRASE:
            main_E[group] += size * np.float64(probability_N[b])
            bytes_E[group] += size
    around_E, in_nav_E = np.zeros(count, np.int32), np.zeros(count, np.bool_)
    for e in range(count):
        up = element_EC[e, PARENT]
        around_E[e] = element_EC[e, HINTS] | (around_E[up] if up >= 0 else 0)
        in_nav_E[e] = element_EC[e, TAG] == NAV_TAG or (up >= 0 and in_nav_E[up])
    for b in range(n):
        e, size = block_NK[b, NODE], block_NK[b, END] - block_NK[b, START]
        if group_E[e] >= 0:
            keep_N[b] = main_E[group_E[e]] >= bound * bytes_E[group_E[e]]
        keep_N[b] &= not in_nav_E[e]  # the one element that says by itself what it is
        if comments and around_E[e] >> COMMENT & 1 and not around_E[e] >> CONTROL & 1:
            keep_N[b] |= size >= COMMENT_BYTES and 2 * block_NK[b, LINKED] < size
    _keep_code(block_NK, keep_N)
    _keep_lists(block_NK, element_EC, group_E, keep_N)
    _drop_controls(block_NK, element_EC, group_E, keep_N)
    drop_line_numbers(text_B, block_NK, element_EC, place_EP, keep_N)
