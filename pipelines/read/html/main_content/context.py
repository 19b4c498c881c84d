"""What the first opinion of every block says about its neighbours, elements and page, and where it begins and ends."""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.parts import (
    ALIKE,
    END,
    FIRST,
    H1_TAG,
    H6_TAG,
    LAST,
    NODE,
    PARENT,
    START,
    TAG,
    Segments,
)

KIND_LEVEL = 2
"""Elements around a block's that must be alike, too, for two blocks to be of one kind."""
LEVELS = 5
STEPS = 3
CONTEXT = (
    ["opinion"]
    + [f"opinion_{side}{k}" for k in range(1, STEPS + 1) for side in ("before", "after")]
    + [f"opinion_window_{k}" for k in (2, 5, 12)]
    + [f"opinion_{what}_{k}" for k in range(LEVELS) for what in ("in", "share")]
    + ["alike_opinion", "alike_count", "alike_bytes"]
    + [
        "opinion_page",
        "opinion_best",
        "mass_before",
        "mass_after",
        "from_first",
        "to_last",
        "opinion_heading",
        "opinion_next_heading",
        "gap_before",
        "gap_after",
    ]
    + ["sure_share", "kind_opinion", "kind_count", "kind_bytes"]
)

COLUMNS = len(CONTEXT)


def add_context(segments: Segments, opinion_N: np.ndarray, feature_NF: np.ndarray) -> None:
    """Fills in CONTEXT, the last columns of every block's row."""
    if len(opinion_N):
        _context(segments.block_NK, segments.element_EC, opinion_N, feature_NF)


@inline
def _groups(element_EC, block_NK, opinion_N, level, sum_S3, place_N):
    """Sums over blocks whose element (or the one `level` above) has one kind: opinion * bytes, bytes, blocks."""
    n = block_NK.shape[0]
    size = sum_S3.shape[0]
    key_S = np.full(size, -1, np.int64)
    for b in range(n):
        e = block_NK[b, NODE]
        key = element_EC[e, ALIKE]
        up = element_EC[e, PARENT]
        for _ in range(level):
            if up >= 0:
                key = key * 31 + element_EC[up, ALIKE]
                up = element_EC[up, PARENT]
        key &= 0x7FFFFFFFFFFF
        row = (key ^ (key >> 13)) & (size - 1)
        while key_S[row] >= 0 and key_S[row] != key:
            row = (row + 1) & (size - 1)
        key_S[row] = key
        place_N[b] = row
        bytes_ = block_NK[b, END] - block_NK[b, START]
        sum_S3[row, 0] += opinion_N[b] * bytes_
        sum_S3[row, 1] += bytes_
        sum_S3[row, 2] += 1


def agree(segments: Segments, opinion_N: np.ndarray) -> None:
    """Draws every block's opinion half the way to that of its kind: posts, or the paragraphs of a text, stand or fall
    together."""
    if len(opinion_N):
        _agree(segments.block_NK, segments.element_EC, opinion_N)


@kernel
def _agree(block_NK, element_EC, opinion_N):
    size = 8
    while size < 2 * opinion_N.size:
        size *= 2
    sum_S3, place_N = np.zeros((size, 3), np.float64), np.zeros(opinion_N.size, np.int32)
    _groups(element_EC, block_NK, opinion_N, KIND_LEVEL, sum_S3, place_N)
    for b in range(opinion_N.size):
        row = sum_S3[place_N[b]]
        opinion_N[b] = (opinion_N[b] + row[0] / row[1]) / 2


@kernel
def _context(block_NK, element_EC, opinion_N, feature_NF):
    n = block_NK.shape[0]
    mass_N, bytes_N = np.zeros(n + 1, np.float64), np.zeros(n + 1, np.float64)
    first, last, best, sure = n, -1, np.float32(0.0), 0.0
    for b in range(n):
        size = block_NK[b, END] - block_NK[b, START]
        mass_N[b + 1] = mass_N[b] + opinion_N[b] * size
        bytes_N[b + 1] = bytes_N[b] + size
        if opinion_N[b] >= 0.5:
            first = min(first, b)
            last = b
            sure += size
        best = max(best, opinion_N[b])
    size = 8
    while size < 2 * n:
        size *= 2
    sum_S3, place_N = np.zeros((size, 3), np.float64), np.zeros(n, np.int32)
    _groups(element_EC, block_NK, opinion_N, 0, sum_S3, place_N)
    sum2_S3, place2_N = np.zeros((size, 3), np.float64), np.zeros(n, np.int32)
    _groups(element_EC, block_NK, opinion_N, KIND_LEVEL, sum2_S3, place2_N)
    heading = np.float32(-1.0)
    gap = 100
    for b in range(n):
        e, out = block_NK[b, NODE], feature_NF[b, feature_NF.shape[1] - COLUMNS :]
        out[0] = opinion_N[b]
        f = 1
        for k in range(1, STEPS + 1):
            out[f] = opinion_N[b - k] if b - k >= 0 else -1
            out[f + 1] = opinion_N[b + k] if b + k < n else -1
            f += 2
        for k in (2, 5, 12):
            low, high = max(b - k, 0), min(b + k + 1, n)
            out[f] = (mass_N[high] - mass_N[low]) / (bytes_N[high] - bytes_N[low])
            f += 1
        above = e
        for _ in range(LEVELS):
            low, high = element_EC[above, FIRST], max(element_EC[above, LAST], element_EC[above, FIRST] + 1)
            out[f] = (mass_N[high] - mass_N[low]) / max(bytes_N[high] - bytes_N[low], 1.0)
            out[f + 1] = (mass_N[high] - mass_N[low]) / max(mass_N[n], 1.0)
            f += 2
            while element_EC[above, PARENT] >= 0:
                above = element_EC[above, PARENT]
                if element_EC[above, LAST] - element_EC[above, FIRST] > high - low:
                    break
        row = sum_S3[place_N[b]]
        out[f], out[f + 1], out[f + 2] = row[0] / row[1], row[2], row[1] / bytes_N[n]
        f += 3
        out[f] = mass_N[n] / bytes_N[n]
        out[f + 1] = best
        out[f + 2] = mass_N[b] / max(mass_N[n], 1.0)
        out[f + 3] = (mass_N[n] - mass_N[b + 1]) / max(mass_N[n], 1.0)
        out[f + 4] = b - first
        out[f + 5] = last - b
        tag = element_EC[e, TAG]
        if H1_TAG <= tag <= H6_TAG:
            heading = opinion_N[b]
        out[f + 6] = heading
        out[f + 8] = gap
        gap = 0 if opinion_N[b] >= 0.5 else gap + 1
        row = sum2_S3[place2_N[b]]
        out[f + 10] = sure / bytes_N[n]
        out[f + 11], out[f + 12], out[f + 13] = row[0] / row[1], row[2], row[1] / bytes_N[n]
    heading, gap = np.float32(-1.0), 100
    for b in range(n - 1, -1, -1):
        out = feature_NF[b, feature_NF.shape[1] - COLUMNS :]
        out[f + 7] = heading
        if H1_TAG <= element_EC[block_NK[b, NODE], TAG] <= H6_TAG:
            heading = opinion_N[b]
        out[f + 9] = gap
        gap = 0 if opinion_N[b] >= 0.5 else gap + 1
