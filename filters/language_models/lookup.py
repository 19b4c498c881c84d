"""Log probabilities of sentences by backing off, in compiled code: one look-up an order.

A word has the probability of the longest n-gram that ends with it, times the backoff weights of the longer contexts
that the model knows (Katz 1987, equation 11; ARPA files mean this).

Letters: T numbers of words, L sentences, N orders, S slots, V words.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.language_models.hashing import UNKNOWN, combine
from gristmill.filters.language_models.table import FREE, HIGHEST_ORDER, Table

_FREE = int(FREE)


@inline
def find(slot_S, first, spread, key):
    """The slot of a key among those of its order, -1 if there is none."""
    at = first + np.int64((key >> np.uint64(32)) * spread >> np.uint64(32))
    while True:
        there = slot_S[2 * at]
        if there == key:
            return at
        if there == np.uint64(_FREE) or there > key:
            return np.int64(-1)
        at += 1


@kernel
def score_sentences(word_T, begin_L, end_L, begin_word, end_word, order, model, sum_L, unknown_L):
    """sum = log10 of the probability of each sentence, between <s> and </s>; unknown = how many words are <unk>.

    word_T[begin_L[l]:end_L[l]] are a sentence's words.
    """
    prob_V, backoff_V, slot_S, value_S, first_N, homes_N = model
    recent = np.zeros(HIGHEST_ORDER, np.uint32)  # the words before, the last one first
    weight = np.zeros(HIGHEST_ORDER + 1, np.float32)  # backoff of the contexts of 1, 2, ... of them
    next_weight = np.zeros(HIGHEST_ORDER + 1, np.float32)
    for sentence in range(sum_L.size):
        recent[0] = begin_word
        weight[1] = backoff_V[begin_word]
        known = min(1, order - 1)  # the longest context that the model has
        total, unknown = 0.0, 0
        last = end_L[sentence]
        for at in range(begin_L[sentence], last + 1):
            word = np.uint32(word_T[at]) if at < last else np.uint32(end_word)
            if word == UNKNOWN:
                unknown += 1
            prob = prob_V[word]
            next_weight[1] = backoff_V[word]
            length = 1
            node = np.uint64(word)
            while length <= known:
                node = combine(node, recent[length - 1])
                slot = find(slot_S, first_N[length + 1], homes_N[length + 1], node)
                if slot < 0:
                    break
                length += 1
                prob = value_S[4 * slot + 2]
                next_weight[length] = value_S[4 * slot + 3]
            for context in range(length, known + 1):
                prob += weight[context]
            total += prob
            known = min(length, order - 1)
            for i in range(known, 1, -1):
                recent[i - 1] = recent[i - 2]
            recent[0] = word
            for i in range(1, known + 1):
                weight[i] = next_weight[i]
        sum_L[sentence] = total
        unknown_L[sentence] = unknown


def score(
    table: Table, word_T: np.ndarray, begin_L: np.ndarray, end_L: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(log10 of the probability float64, words with </s> int64, <unk> among them int64) of every sentence.

    word_T: uint32 numbers of words; a sentence is word_T[begin:end], begin and end int64.
    """
    sum_L, unknown_L = np.empty(len(begin_L)), np.empty(len(begin_L), np.int64)
    model = (
        table.prob_V,
        table.backoff_V,
        table.slot_S,
        table.slot_S.view(np.float32),
        table.first_N,
        table.homes_N,
    )
    score_sentences(word_T, begin_L, end_L, table.begin, table.end, table.order, model, sum_L, unknown_L)
    return sum_L, end_L - begin_L + 1, unknown_L
