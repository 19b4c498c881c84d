"""n-grams that a model lacks although it has longer ones that end with them, as SRILM prunes.

A look-up stops at the first order that has no n-gram, so they are put in with the probability that backing off gives
them, as KenLM does (lm/search_hashed.cc, AdjustLower).

Letters: G n-grams, N words of one, V words.
"""

import numpy as np

from gristmill.filters.language_models.hashing import gram_hashes

Order = tuple[np.ndarray, np.ndarray, np.ndarray]
"""uint32[G, N] words, float32[G] log10 of the probability, float32[G] of the backoff weight."""


def add_blanks(prob_V: np.ndarray, backoff_V: np.ndarray, orders: list[Order]) -> list[Order]:
    """The orders 2, 3, ... with every ending of every n-gram."""
    lacking: list[np.ndarray] = []
    endings = np.zeros((0, len(orders) + 1), np.uint32)
    for words, _, _ in reversed(orders):
        missing = _absent(np.unique(endings, axis=0), words)
        lacking.append(missing)
        endings = np.concatenate([words, missing])[:, 1:]
    made: list[Order] = []
    for (words, prob, backoff), missing in zip(orders, reversed(lacking), strict=True):
        if len(missing):
            shorter = _values(made[-1][0], made[-1][1], missing[:, 1:]) if made else prob_V[missing[:, 1]]
            weight = _values(made[-1][0], made[-1][2], missing[:, :-1]) if made else backoff_V[missing[:, 0]]
            words = np.concatenate([words, missing])
            prob = np.concatenate([prob, (shorter + weight).astype(np.float32)])
            backoff = np.concatenate([backoff, np.zeros(len(missing), np.float32)])
        made.append((words, prob, backoff))
    return made


def _absent(wanted: np.ndarray, words: np.ndarray) -> np.ndarray:
    if not len(wanted):
        return wanted
    return wanted[~np.isin(gram_hashes(wanted), gram_hashes(words))]


def _values(words: np.ndarray, value_G: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """What n-grams have; 0 where they are absent: a context that is not there has no weight."""
    key_G, key_W = gram_hashes(words), gram_hashes(wanted)
    order = np.argsort(key_G)
    at = np.minimum(np.searchsorted(key_G[order], key_W), max(0, len(key_G) - 1))
    if not len(key_G):
        return np.zeros(len(wanted), np.float32)
    return np.where(key_G[order][at] == key_W, value_G[order][at], 0.0)
