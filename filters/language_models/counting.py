"""Counting n-grams: every word of a sentence, and its </s>, ends one of the highest order.

Letters: T words, L sentences, G n-grams, N words of one.
"""

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.language_models.estimate import BOS, EOS
from gristmill.filters.language_models.hashing import gram_hashes

_BOS, _EOS = int(BOS), int(EOS)


@kernel
def write_grams(word_T, begin_L, end_L, out_GN):
    """Write the n-grams that end at every word and at every </s>; those at a sentence's beginning are filled with
    <s>."""
    order = out_GN.shape[1]
    g = 0
    for sentence in range(begin_L.size):
        first, last = begin_L[sentence], end_L[sentence]
        for at in range(first, last + 1):
            for n in range(order):
                place = at - (order - 1 - n)
                if place < first:
                    out_GN[g, n] = _BOS
                elif place == last:
                    out_GN[g, n] = _EOS
                else:
                    out_GN[g, n] = word_T[place]
            g += 1


def grams(word_T: np.ndarray, begin_L: np.ndarray, end_L: np.ndarray, order: int) -> np.ndarray:
    """uint32[G, N]: the n-grams of sentences word_T[begin:end], in order, repeated ones too."""
    out_GN = np.empty((int((end_L - begin_L + 1).sum()), order), np.uint32)
    write_grams(word_T, begin_L, end_L, out_GN)
    return out_GN


def count_type(order: int) -> np.dtype:
    """An n-gram with its count, as shuffles carry it."""
    return np.dtype([("words", "<u4", (order,)), ("count", "<u8")])


def added_up(rows: np.ndarray) -> np.ndarray:
    """Rows of `count_type`, each n-gram once, sorted by hash."""
    if not len(rows):
        return rows
    words = rows["words"]
    keys = gram_hashes(words) if words.shape[1] > 1 else words[:, 0].astype(np.uint64)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    made = np.empty(len(first), rows.dtype)
    made["words"] = words[order[first]]
    made["count"] = np.add.reduceat(rows["count"][order], first)
    return made


def counted(words: np.ndarray) -> np.ndarray:
    """Rows of `count_type` of uint32[G, N]."""
    rows = np.empty(len(words), count_type(words.shape[1]))
    rows["words"], rows["count"] = words, 1
    return added_up(rows)
