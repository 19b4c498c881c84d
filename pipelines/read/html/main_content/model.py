"""Two forests of shallow trees: the first one gives an opinion of every block, the second one hears its neighbours'.

Fitted by tests/benchmarks/main_content/fit.py on labelled pages. Trees are complete, so that one is
gone through without a branch. Comparisons and sums in a fixed order: the same numbers on every machine.
"""

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.context import CONTEXT, add_context, agree
from gristmill.pipelines.read.html.main_content.features import features
from gristmill.pipelines.read.html.main_content.parts import Segments

WEIGHTS = Path(__file__).with_name("model.npz")
DEPTH = 4
INNER = 2**DEPTH - 1
LEAVES = 2**DEPTH
STEPS, REACH = 16, 8
SIGMOID = np.array([round(1 / (1 + math.exp(-k / STEPS)), 6) for k in range(-STEPS * REACH, STEPS * REACH + 1)])
"""The logistic function at steps of 1/16, rounded: libraries differ in the last digits of exp."""


class Forest(NamedTuple):
    """T complete trees of I inner nodes (a feature, a bound: greater goes right) and L leaves."""

    feature_TI: np.ndarray
    bound_TI: np.ndarray
    leaf_TL: np.ndarray


@cache
def forests() -> tuple[Forest, Forest]:
    """The fitted weights."""
    with np.load(WEIGHTS) as data:
        first, second = (Forest(*(data[f"{name}_{stage}"] for name in Forest._fields)) for stage in (1, 2))
    return first, second


def probabilities(segments: Segments, title: bytes, models: tuple[Forest, Forest] | None = None) -> np.ndarray:
    """How likely every block is main content."""
    first, second = models or forests()
    feature_NF = features(segments, title, len(CONTEXT))
    add_context(segments, apply(first, feature_NF), feature_NF)
    probability_N = apply(second, feature_NF)
    agree(segments, probability_N)
    return probability_N


def apply(forest: Forest, feature_NF: np.ndarray) -> np.ndarray:
    """Probabilities of rows of features, which had best lie in columns (`features`)."""
    probability_N = np.empty(len(feature_NF), np.float32)
    _apply(np.ascontiguousarray(feature_NF.T), *forest, SIGMOID, probability_N)
    return probability_N


# Letters: N blocks, F features, T trees, I inner nodes, L leaves, G steps of the logistic function.


@inline
def _add_tree(column_FN, f, bound, leaf, score_N):
    """Adds every block's leaf of one tree to its score. All inner nodes are asked of all blocks, from the leaves up:
    three times the comparisons of going down, and of eight blocks and more at once, because none depends on another."""
    a0, a1, a2, a3, a4 = column_FN[f[0]], column_FN[f[1]], column_FN[f[2]], column_FN[f[3]], column_FN[f[4]]
    a5, a6, a7, a8, a9 = column_FN[f[5]], column_FN[f[6]], column_FN[f[7]], column_FN[f[8]], column_FN[f[9]]
    a10, a11, a12, a13, a14 = column_FN[f[10]], column_FN[f[11]], column_FN[f[12]], column_FN[f[13]], column_FN[f[14]]
    b0, b1, b2, b3, b4, b5, b6, b7 = bound[0], bound[1], bound[2], bound[3], bound[4], bound[5], bound[6], bound[7]
    b8, b9, b10, b11, b12, b13, b14 = bound[8], bound[9], bound[10], bound[11], bound[12], bound[13], bound[14]
    l0, l1, l2, l3, l4, l5, l6, l7 = leaf[0], leaf[1], leaf[2], leaf[3], leaf[4], leaf[5], leaf[6], leaf[7]
    l8, l9, l10, l11, l12, l13, l14, l15 = leaf[8], leaf[9], leaf[10], leaf[11], leaf[12], leaf[13], leaf[14], leaf[15]
    for n in range(score_N.size):
        n7, n8 = l1 if a7[n] > b7 else l0, l3 if a8[n] > b8 else l2
        n9, n10 = l5 if a9[n] > b9 else l4, l7 if a10[n] > b10 else l6
        n11, n12 = l9 if a11[n] > b11 else l8, l11 if a12[n] > b12 else l10
        n13, n14 = l13 if a13[n] > b13 else l12, l15 if a14[n] > b14 else l14
        n3, n4 = n8 if a3[n] > b3 else n7, n10 if a4[n] > b4 else n9
        n5, n6 = n12 if a5[n] > b5 else n11, n14 if a6[n] > b6 else n13
        n1, n2 = n4 if a1[n] > b1 else n3, n6 if a2[n] > b2 else n5
        score_N[n] += n2 if a0[n] > b0 else n1


@kernel
def _apply(column_FN, feature_TI, bound_TI, leaf_TL, sigmoid_G, probability_N):
    middle, score_N = sigmoid_G.size // 2, np.zeros(probability_N.size, np.float64)
    for t in range(feature_TI.shape[0]):
        _add_tree(column_FN, feature_TI[t], bound_TI[t], leaf_TL[t], score_N)
    for n in range(score_N.size):
        place = min(max(score_N[n] * STEPS + middle, 0.0), sigmoid_G.size - 1.001)
        low = int(place)
        probability_N[n] = sigmoid_G[low] + (place - low) * (sigmoid_G[low + 1] - sigmoid_G[low])
