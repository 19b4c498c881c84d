"""Numbers about every block of a page that tell main content from the rest, in linear time.

Lengths are in bytes of UTF-8: a Chinese word of two characters then counts like an English one of six letters. Nothing
depends on a language but the words of `names`.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.measures import (
    BYTES,
    CUES,
    DIGITS,
    ENDS,
    LEGAL_CUES,
    MARKS,
    MEASURES,
    META_CUES,
    TITLE,
    UPPER,
    WORDS,
    measure_block,
)
from gristmill.pipelines.read.html.main_content.names import CUE_W2
from gristmill.pipelines.read.html.main_content.parts import (
    ALIKE,
    ARTICLE_TAG,
    BODY,
    BREAK,
    COMMENT,
    CONTENT,
    DEPTH,
    DIV_TAG,
    END,
    FIRST,
    FORMULAS,
    H1_TAG,
    H6_TAG,
    HINT_KINDS,
    INLINE,
    LAST,
    LI_TAG,
    LINKED,
    LINKS,
    NODE,
    P_TAG,
    PARENT,
    PHRASE,
    POST,
    PRE_TAG,
    START,
    TAG,
    TD_TAG,
    TH_TAG,
    VERBATIM,
    Segments,
)
from gristmill.pipelines.read.html.main_content.phrases import NO_PHRASE, NOTICE_PHRASE, POST_PHRASE
from gristmill.pipelines.read.html.main_content.tree import (
    FAR,
    INSIDE,
    count_repeats,
    find_best,
    find_core,
    find_title,
    look_around,
)

LEVELS = 4
"""Elements around a block that are looked at, each larger than the one before."""
MOST_BETWEEN = 30
"""Blocks from a control of posts to the next that are told apart."""
TITLE_BYTES = 400
"""Of the page's title, that blocks are compared with."""
FEATURES = " ".join(
    [
        "bytes link_share links marks mark_density ends digits upper cues legal_cues meta_cues words title",
        "verbatim formulas",
        "heading is_p is_li is_cell is_pre is_div set_off linked inline_hints",
        *(f"{side}_bytes {side}_links" for side in ("before", "after", "before2", "after2")),
        "alike_before alike_after",
        *(f"{window}_bytes {window}_links {window}_marks" for window in ("narrow", "wide")),
        "place place_bytes since_heading heading_level heading_cues since_h1 h1s",
        "page_bytes page_links page_blocks page_marks page_comment page_post page_articles page_items",
        *(f"level{k}_bytes level{k}_links level{k}_marks level{k}_blocks level{k}_share" for k in range(LEVELS)),
        "h1s_before articles_before",
        "repeats item_number item_bytes item_steps item_links item_linked group_share group_marks group_links",
        "in_core core_depth core_share core_links",
        *(f"hint_{k}" for k in range(HINT_KINDS)),
        "in_article in_main in_table in_aside in_nav in_header in_footer in_form depth",
        "since_title before_title title_steps title_share title_tag",
        "in_best best_steps best_share best_links best_away own_score near_score score_1 score_3",
        "phrase controls since_control to_control",
    ]
).split()

PHRASED = FEATURES.index("phrase")

# Letters: B bytes, W words of a table, N blocks, E elements, K and C their columns, M measures, F features, H hints.


def features(segments: Segments, title: bytes, more: int = 0) -> np.ndarray:
    """One row of FEATURES for every block; `title` is the page's, in UTF-8. `more`: columns left for what follows.

    Its columns lie in one piece each, as the forests read them (model.py).
    """
    count = len(segments.block_NK)
    feature_NF = np.zeros((len(FEATURES) + more, count), np.float32).T
    if count:
        title_B = np.frombuffer(title[:TITLE_BYTES], np.uint8)
        _features(segments.text_B, segments.block_NK, segments.element_EC, title_B, CUE_W2, feature_NF)
    return feature_NF


@inline
def _heading(element_EC, e):
    """1 to 6 for a heading, also around an element; else 0."""
    tag = element_EC[e, TAG]
    if not H1_TAG <= tag <= H6_TAG and element_EC[e, PARENT] >= 0:
        tag = element_EC[element_EC[e, PARENT], TAG]
    return tag - H1_TAG + 1 if H1_TAG <= tag <= H6_TAG else 0


@inline
def _own(row, m, tag, heading, out):
    """The block itself."""
    size = m[BYTES]
    out[0], out[1], out[2], out[3], out[4] = size, row[LINKED] / size, row[LINKS], m[MARKS], m[MARKS] * 100 / size
    out[5], out[6], out[7] = m[ENDS], m[DIGITS] / size, m[UPPER] / size
    out[8], out[9], out[10], out[11], out[12] = m[CUES], m[LEGAL_CUES], m[META_CUES], m[WORDS], m[TITLE]
    out[13], out[14], out[15] = row[VERBATIM], row[FORMULAS], heading
    out[16], out[17], out[18], out[19] = tag == P_TAG, tag == LI_TAG, tag in (TD_TAG, TH_TAG), tag == PRE_TAG
    out[20], out[21], out[22] = tag == 0 or tag == DIV_TAG, row[BREAK], min(row[LINKED], 60)
    bits, hints = row[INLINE] & ~(1 << CONTENT | 1 << BODY), 0
    for h in range(HINT_KINDS):
        hints += bits >> h & 1
    out[23] = hints
    return 24


@inline
def _near(b, block_NK, element_EC, sum_N3, out, f):
    """The blocks before and after it."""
    n, e = block_NK.shape[0], block_NK[b, NODE]
    for step in (-1, 1, -2, 2):
        other = b + step
        out[f], out[f + 1] = 0, -1
        if 0 <= other < n:
            out[f] = block_NK[other, END] - block_NK[other, START]
            out[f + 1] = block_NK[other, LINKED] / out[f]
        f += 2
    for step in (-1, 1):
        other = b + step
        out[f] = 0 <= other < n and element_EC[block_NK[other, NODE], ALIKE] == element_EC[e, ALIKE]
        f += 1
    for width in (4, 12):
        f = _span(max(b - width, 0), min(b + width + 1, n), sum_N3, out, f)
    return f


@inline
def _span(first, last, sum_N3, out, f):
    """Bytes, share of links and density of marks of some blocks."""
    size = max(sum_N3[last, 0] - sum_N3[first, 0], 1.0)
    out[f] = size
    out[f + 1] = (sum_N3[last, 1] - sum_N3[first, 1]) / size
    out[f + 2] = (sum_N3[last, 2] - sum_N3[first, 2]) * 100 / size
    return f + 3


@inline
def _levels(e, element_EC, sum_N3, out, f):
    """The elements around it, each with more blocks than the one before."""
    total = sum_N3[sum_N3.shape[0] - 1, 0]
    for _ in range(LEVELS):
        first, last = element_EC[e, FIRST], max(element_EC[e, LAST], element_EC[e, FIRST] + 1)
        f = _span(first, last, sum_N3, out, f)
        out[f], out[f + 1] = last - first, out[f - 3] / total
        f += 2
        while element_EC[e, PARENT] >= 0:
            e = element_EC[e, PARENT]
            if element_EC[e, LAST] - element_EC[e, FIRST] > last - first:
                break
    return f


@inline
def _repeated(e, element_EC, repeat_E, number_E, sum_N3, link_N, out, f):
    """The nearest element around it that is one of several of its kind: posts, cards, items, rows."""
    steps, total = 0, sum_N3[sum_N3.shape[0] - 1, 0]
    while e >= 0 and repeat_E[e] < 3 and steps < FAR:
        e = element_EC[e, PARENT]
        steps += 1
    if e >= 0 and repeat_E[e] >= 3:
        first, last = element_EC[e, FIRST], max(element_EC[e, LAST], element_EC[e, FIRST] + 1)
        up = element_EC[e, PARENT]
        group_first, group_last = element_EC[up, FIRST], element_EC[up, LAST]
        size, group = sum_N3[last, 0] - sum_N3[first, 0], max(sum_N3[group_last, 0] - sum_N3[group_first, 0], 1.0)
        out[f], out[f + 1], out[f + 2], out[f + 3] = repeat_E[e], number_E[e], size, steps
        out[f + 4] = link_N[last] - link_N[first]
        out[f + 5] = (sum_N3[last, 1] - sum_N3[first, 1]) / size
        out[f + 6] = group / total
        out[f + 7] = (sum_N3[group_last, 2] - sum_N3[group_first, 2]) * 100 / group
        out[f + 8] = (link_N[group_last] - link_N[group_first]) / repeat_E[e]
    else:
        out[f + 3], out[f + 4], out[f + 5], out[f + 8] = FAR + 1, -1, -1, -1
    return f + 9


@inline
def _titled(b, e, title, block_NK, element_EC, sum_N3, out, f):
    """How far it stands from the page's title, in blocks and in elements."""
    out[f], out[f + 1], out[f + 2], out[f + 4] = -1, 1, -1, -1
    if title >= 0:
        steps = 0
        while e > 0 and not element_EC[e, FIRST] <= title < element_EC[e, LAST]:
            e = element_EC[e, PARENT]
            steps += 1
        out[f], out[f + 1], out[f + 2] = min(b - title, 200), b < title, steps
        out[f + 3] = (sum_N3[element_EC[e, LAST], 0] - sum_N3[element_EC[e, FIRST], 0]) / sum_N3[sum_N3.shape[0] - 1, 0]
        out[f + 4] = element_EC[block_NK[title, NODE], TAG]
    return f + 5


@inline
def _scored(b, e, best, element_EC, score_E, own_N, sum_N3, out, f):
    """Whether paragraphs speak for the elements around it."""
    first, last, most = element_EC[best, FIRST], element_EC[best, LAST], max(score_E[best], 1.0)
    out[f] = first <= b < last
    up, steps = e, 0
    while (
        up > 0
        and not (element_EC[up, FIRST] <= first and last <= element_EC[up, LAST])
        and not (up >= best and first <= element_EC[up, FIRST] and element_EC[up, LAST] <= last)
    ):
        up = element_EC[up, PARENT]
        steps += 1
    out[f + 1] = steps
    size = max(sum_N3[last, 0] - sum_N3[first, 0], 1.0)
    out[f + 2], out[f + 3] = size / sum_N3[sum_N3.shape[0] - 1, 0], (sum_N3[last, 1] - sum_N3[first, 1]) / size
    out[f + 4] = b - first if b < first else max(b - last + 1, 0)
    out[f + 5] = own_N[b]
    top = 0.0
    for k in range(6):
        if e < 0:
            break
        top = max(top, score_E[e])
        if k == 1 or k == 3:
            out[f + 7 + k // 2] = score_E[e] / most
        e = element_EC[e, PARENT]
    out[f + 6] = top / most
    return f + 9


@inline
def _between_controls(block_NK, feature_N4):
    """What kind of phrase it is, how many controls of posts the page has, and how far the next ones are."""
    n, controls, since = block_NK.shape[0], 0, MOST_BETWEEN
    for b in range(n):
        kind = block_NK[b, PHRASE]
        controls += kind == POST_PHRASE
        feature_N4[b, 0] = kind if kind != NOTICE_PHRASE else NO_PHRASE  # which the forests do not know
        feature_N4[b, 2] = since
        since = 0 if kind == POST_PHRASE else min(since + 1, MOST_BETWEEN)
    since = MOST_BETWEEN
    for b in range(n - 1, -1, -1):
        feature_N4[b, 1], feature_N4[b, 3] = min(controls, 50), since
        since = 0 if block_NK[b, PHRASE] == POST_PHRASE else min(since + 1, MOST_BETWEEN)


@kernel
def _features(text_B, block_NK, element_EC, title_B, cue_W2, feature_NF):
    n, count = block_NK.shape[0], element_EC.shape[0]
    measure_NM = np.zeros((n, MEASURES), np.float32)
    sum_N3, link_N = np.zeros((n + 1, 3), np.float64), np.zeros(n + 1, np.float64)
    for b in range(n):
        m, row = measure_NM[b], block_NK[b]
        measure_block(text_B, row[START], row[END], title_B, cue_W2, m)
        sum_N3[b + 1, 0], sum_N3[b + 1, 1] = sum_N3[b, 0] + m[BYTES], sum_N3[b, 1] + row[LINKED]
        sum_N3[b + 1, 2] = sum_N3[b, 2] + (m[MARKS] if 2 * row[LINKED] < m[BYTES] else 0)
        link_N[b + 1] = link_N[b] + row[LINKS]
    total = sum_N3[n, 0]
    distance_EH, inside_EI = np.full((count, HINT_KINDS), FAR, np.int8), np.zeros((count, INSIDE), np.int8)
    number_E, article_E = np.zeros(count, np.int32), np.zeros(count, np.int32)
    repeat_E, own_N, score_E = np.zeros(count, np.int32), np.zeros(n, np.float64), np.zeros(count, np.float64)
    look_around(element_EC, distance_EH, inside_EI)
    count_repeats(element_EC, repeat_E, number_E)
    core = find_core(element_EC, sum_N3)
    best = find_best(block_NK, element_EC, measure_NM, sum_N3, own_N, score_E)
    title = find_title(block_NK, element_EC, measure_NM)

    comments, posts, items, h1s, articles = 0.0, 0.0, 0.0, 0, 0
    for b in range(n):
        e, size = block_NK[b, NODE], measure_NM[b, BYTES]
        comments += size * (distance_EH[e, COMMENT] < 8)
        posts += size * (distance_EH[e, POST] < 8)
        items += size * (element_EC[e, TAG] == LI_TAG)
        h1s += element_EC[e, TAG] == H1_TAG
    for e in range(count):
        articles += element_EC[e, TAG] == ARTICLE_TAG
        article_E[e] = articles
    _between_controls(block_NK, feature_NF[:, PHRASED : PHRASED + 4])
    h1s_before = 0
    core_first, core_last = element_EC[core, FIRST], element_EC[core, LAST]
    core_bytes = max(sum_N3[core_last, 0] - sum_N3[core_first, 0], 1.0)
    since_heading, level, cues, since_h1 = 0, 0, np.float32(0), -1
    for b in range(n):
        e, m, out = block_NK[b, NODE], measure_NM[b], feature_NF[b]
        heading = _heading(element_EC, e)
        since_heading, since_h1 = since_heading + 1, since_h1 + (since_h1 >= 0)
        if heading:
            since_heading, level, cues = 0, heading, m[CUES]
        if heading == 1:
            since_h1 = 0
        f = _own(block_NK[b], m, element_EC[e, TAG], heading, out)
        f = _near(b, block_NK, element_EC, sum_N3, out, f)
        out[f], out[f + 1], out[f + 2], out[f + 3] = b / n, sum_N3[b, 0] / total, min(since_heading, 30), level
        out[f + 4], out[f + 5], out[f + 6] = cues, min(since_h1, 100), min(h1s, 5)
        f += 7
        out[f], out[f + 1], out[f + 2], out[f + 3] = total, sum_N3[n, 1] / total, n, sum_N3[n, 2] * 100 / total
        out[f + 4], out[f + 5], out[f + 6], out[f + 7] = (
            comments / total,
            posts / total,
            min(articles, 10),
            items / total,
        )
        f = _levels(e, element_EC, sum_N3, out, f + 8)
        out[f], out[f + 1] = min(h1s_before, 5), min(article_E[e], 20)
        h1s_before += heading == 1
        f += 2
        f = _repeated(e, element_EC, repeat_E, number_E, sum_N3, link_N, out, f)
        out[f] = core_first <= b < core_last
        away = core_first - b if b < core_first else b - core_last
        out[f + 1] = element_EC[e, DEPTH] - element_EC[core, DEPTH] if out[f] else -100 - min(away, 200)
        out[f + 2], out[f + 3] = core_bytes / total, (sum_N3[core_last, 1] - sum_N3[core_first, 1]) / core_bytes
        f += 4
        for h in range(HINT_KINDS):
            out[f + h] = distance_EH[e, h]
        f += HINT_KINDS
        for k in range(INSIDE):
            out[f + k] = inside_EI[e, k]
        out[f + INSIDE] = element_EC[e, DEPTH]
        f = _titled(b, e, title, block_NK, element_EC, sum_N3, out, f + INSIDE + 1)
        f = _scored(b, e, best, element_EC, score_E, own_N, sum_N3, out, f)
