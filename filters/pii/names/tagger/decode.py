"""The tagger: a linear chain over tokens, its weights those of an averaged perceptron.

Fitted by tests/benchmarks/names/fit.py. All integers, so that every machine finds the same. Letters: B bytes, C code
points, T tokens, F features, W slots of weights, L labels, R8 ranges found.
"""

from functools import cache
from pathlib import Path

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.features import FEATURES, features, line_context
from gristmill.filters.pii.names.tagger.places import (
    ADDRESS,
    ADDRESS_FROM,
    PERSON,
    PERSON_FROM,
    mark_addresses,
    mark_persons,
)
from gristmill.filters.pii.names.tagger.tokens import MARK, mark_lists, tokenise

WEIGHTS = Path(__file__).with_name("model.npz")

NOTHING, PERSON_BEGINS, PERSON_GOES_ON, ADDRESS_BEGINS, ADDRESS_GOES_ON = range(5)
LABELS = 5
_NEVER = -(1 << 40)


@kernel
def put_label(begins, first, last, label_T):
    """Labels tokens [first, last): the first with `begins`, the others with what goes on with it."""
    for i in range(first, last):
        label_T[i] = begins if i == first else begins + 1


@cache
def weights() -> tuple[np.ndarray, np.ndarray]:
    """(weight_WL int8, of which five columns are used; step_LL int32, from a label to the next)."""
    with np.load(WEIGHTS) as data:
        return data["weight_WL"], data["step_LL"]


@kernel
def read(data_B, low, high, class_C, key_H, value_H, token_8T, list_T, hash_3T):
    """Tokens of bytes [low, high) and all that stands around them; returns how many. token_8T (int32): start, end,
    kind, shape, gap, place in the line, what may stand there, mark; hash_3T (int64): word, line above, label."""
    start_T, end_T, kind_T, shape_T = token_8T[0], token_8T[1], token_8T[2], token_8T[3]
    gap_T, first_T, place_T, mark_T = token_8T[4], token_8T[5], token_8T[6], token_8T[7]
    hash_T = hash_3T[0]
    count = tokenise(data_B, low, high, class_C, start_T, end_T, kind_T, shape_T, gap_T, hash_T)
    for i in range(count):
        mark_T[i] = _mark(data_B, start_T[i], end_T[i]) if kind_T[i] == MARK else 0
    mark_lists(count, kind_T, hash_T, key_H, value_H, list_T)
    mark_persons(count, kind_T, shape_T, list_T, mark_T, place_T)
    mark_addresses(count, kind_T, shape_T, list_T, gap_T, mark_T, hash_T, place_T)
    line_context(count, kind_T, hash_T, first_T, hash_3T[1], hash_3T[2])
    return count


@kernel
def _mark(data_B, start, end):
    """The code point of a mark, a full-width one folded."""
    b = np.int64(data_B[start])
    if end - start == 1:
        return b
    if end - start == 2:
        return (b & 31) << 6 | data_B[start + 1] & 63
    if end - start == 3:
        c = (b & 15) << 12 | np.int64(data_B[start + 1] & 63) << 6 | data_B[start + 2] & 63
        return c - 0xFEE0 if 0xFF01 <= c <= 0xFF5E else c
    return np.int64(0)


@kernel
def allowed(place, label):
    """Whether a label may stand where `place` says what may."""
    if label == PERSON_BEGINS:
        return place & PERSON_FROM != 0
    if label == PERSON_GOES_ON:
        return place & PERSON != 0
    if label == ADDRESS_BEGINS:
        return place & ADDRESS_FROM != 0
    if label == ADDRESS_GOES_ON:
        return place & ADDRESS != 0
    return True


@kernel
def decode(
    data_B, count, token_8T, list_T, hash_3T, weight_WL, step_LL, everywhere, slot_F, score_TL, back_TL, label_T
):
    """The best labels of the tokens. Outside the places where something may stand there is one label, and nothing is
    computed unless `everywhere`: the labels are the same."""
    place_T = token_8T[6]
    i = 0
    while i < count:
        if place_T[i] == 0 and not everywhere:
            label_T[i] = NOTHING
            i += 1
            continue
        first = i
        while i < count and (place_T[i] != 0 or everywhere):
            score(data_B, count, i, token_8T, list_T, hash_3T, weight_WL, slot_F, score_TL[i])
            i += 1
        best_path(first, i, place_T, step_LL, score_TL, back_TL, label_T)


@kernel
def score(data_B, count, i, token_8T, list_T, hash_3T, weight_WL, slot_F, score_L):
    """The score of every label of token i by itself."""
    features(
        data_B, count, i, token_8T[0], token_8T[1], token_8T[2], token_8T[3], token_8T[4], hash_3T[0], list_T,
        token_8T[5], hash_3T[1], hash_3T[2], weight_WL.shape[0], slot_F,
    )  # fmt: skip
    for label in range(LABELS):
        score_L[label] = 0
    for f in range(FEATURES):
        for label in range(LABELS):
            score_L[label] += weight_WL[slot_F[f], label]


@kernel
def best_path(first, end, place_T, step_LL, score_TL, back_TL, label_T):
    """Viterbi over tokens [first, end), with nothing before and after; score_TL is overwritten. Of equals the first."""
    for i in range(first, end):
        for label in range(LABELS):
            best, best_from = np.int64(_NEVER), 0
            if allowed(place_T[i], label):
                for before in range(LABELS):
                    at = score_TL[i - 1, before] if i > first else (0 if before == NOTHING else np.int64(_NEVER))
                    value = at + step_LL[before, label]
                    goes_on = label in (PERSON_GOES_ON, ADDRESS_GOES_ON)
                    if goes_on and before != label and before != label - 1:
                        continue
                    if value > best:
                        best, best_from = value, before
                best += score_TL[i, label]
            back_TL[i, label] = best_from
            score_TL[i, label] = best
    label = 0
    best = np.int64(_NEVER)
    for last in range(LABELS):
        value = score_TL[end - 1, last] + step_LL[last, NOTHING]
        if value > best:
            best, label = value, last
    for i in range(end - 1, first - 1, -1):
        label_T[i] = label
        label = back_TL[i, label]
