"""Two forests of shallow trees: the first one gives an opinion of every block, the second one hears its neighbours'.

Fitted by tests/benchmarks/main_content/fit.py on labelled pages. Trees are complete, so that a block goes through one
without a branch. Comparisons and sums in a fixed order: the same numbers on every machine.
"""

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gristmill.filters.kernels.jit import kernel
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
    """Probabilities of rows of features."""
    probability_N = np.empty(len(feature_NF), np.float32)
    _apply(feature_NF, *forest, SIGMOID, probability_N)
    return probability_N


# Letters: N blocks, F features, T trees, I inner nodes, L leaves, G steps of the logistic function.


@kernel
def _apply(feature_NF, feature_TI, bound_TI, leaf_TL, sigmoid_G, probability_N):
    middle = sigmoid_G.size // 2
    for b in range(feature_NF.shape[0]):
        row_F, score = feature_NF[b], 0.0
        for t in range(feature_TI.shape[0]):
            feature_I, bound_I = feature_TI[t], bound_TI[t]
            i = 1 + (row_F[feature_I[0]] > bound_I[0])
            i = 2 * i + 1 + (row_F[feature_I[i]] > bound_I[i])
            i = 2 * i + 1 + (row_F[feature_I[i]] > bound_I[i])
            i = 2 * i + 1 + (row_F[feature_I[i]] > bound_I[i])
            score += leaf_TL[t, i - INNER]
        place = min(max(score * STEPS + middle, 0.0), sigmoid_G.size - 1.001)
        low = int(place)
        probability_N[b] = sigmoid_G[low] + (place - low) * (sigmoid_G[low + 1] - sigmoid_G[low])
