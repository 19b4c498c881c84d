"""fastText's classifiers of words and word n-grams with a softmax: a text -> the probability of every label (Joulin et
al., arXiv 1607.01759; arithmetic as fastText 0.9.3 has it: dictionary.cc, model.cc, loss.cc).

Letters: B bytes, D documents, D1 = D + 1 offsets, R rows of the input matrix, H its width, L labels, T slots of a hash
table, W bytes of words, X tokens of the longest text, Y rows of one text.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.models.fasttext import FNV_START, fnv, is_space

NGRAM_FACTOR = np.uint64(116049371)
ADDED = np.float32(1e-5)
"""fastText gives exp(log(p + 1e-5))."""
PREFIX = np.frombuffer(b"__label__", np.uint8)
"""Of words that are labels: they are no words of a text."""
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)


@inline
def place_of(hash_, size):
    """Where a table with so many slots, a power of two, begins to look for a hash."""
    return ((np.uint64(hash_) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & np.uint64(size - 1)


@inline
def row_of(data_B, begin, end, hash_, slot_T, word_W, place_R1):
    """The row of a word; -1: the dictionary lacks it. A slot is a hash and, below it, a row: most that are no match
    are told by the hash, without a look at their letters."""
    at = place_of(hash_, slot_T.size)
    while slot_T[at] != FREE:
        if np.uint32(slot_T[at] >> np.uint64(32)) == hash_:
            row = np.int64(slot_T[at] & np.uint64(0xFFFFFFFF))
            first = place_R1[row]
            same = place_R1[row + 1] - first == end - begin
            i = 0
            while same and i < end - begin:
                same = word_W[first + i] == data_B[begin + i]
                i += 1
            if same:
                return row
        at = (at + np.uint64(1)) & np.uint64(slot_T.size - 1)
    return np.int64(-1)


@kernel
def fill_slots(word_W, place_R1, slot_T):
    """The table of the words."""
    for row in range(place_R1.size - 1):
        hash_ = FNV_START
        for i in range(place_R1[row], place_R1[row + 1]):
            hash_ = fnv(hash_, word_W[i])
        at = place_of(hash_, slot_T.size)
        while slot_T[at] != FREE:
            at = (at + np.uint64(1)) & np.uint64(slot_T.size - 1)
        slot_T[at] = np.uint64(hash_) << np.uint64(32) | np.uint64(row)


@inline
def is_label(data_B, begin, end):
    """Whether a word is fastText's mark for a label."""
    if end - begin < PREFIX.size:
        return False
    same = True
    for i in range(PREFIX.size):
        same = same and data_B[begin + i] == PREFIX[i]
    return same


@inline
def softmax(hidden_H, output_LH, probability_L):
    """Of the labels, float32 as there."""
    most = np.float32(-np.inf)
    for label in range(output_LH.shape[0]):
        dot = np.float32(0)
        for h in range(hidden_H.size):
            dot += output_LH[label, h] * hidden_H[h]
        probability_L[label] = dot
        most = max(most, dot)
    total = np.float32(0)
    for label in range(output_LH.shape[0]):
        probability_L[label] = np.exp(probability_L[label] - most)
        total += np.float32(probability_L[label])
    for label in range(output_LH.shape[0]):
        probability_L[label] = np.float32(probability_L[label]) / total + ADDED


@kernel
def bag_probabilities(
    data_B, start_D1, input_RH, slot_T, word_W, place_R1, end_row, end_hash, buckets, longest, output_LH, hash_X, row_Y,
    value_DL,
):  # fmt: skip
    """Probabilities of all labels into value_DL, float64; 0 where a text has neither a known word nor an n-gram.

    Texts stand on one line each. end_row: of the word that ends each line, -1 for none; end_hash: its hash. All rows of
    a text are found before the first is added, so that the memory of several is on its way at once.
    """
    width = input_RH.shape[1]
    words = place_R1.size - 1
    hidden_H = np.zeros(width, np.float32)
    for d in range(start_D1.size - 1):
        tokens, rows = 0, 0
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            while i < end and is_space(data_B[i]):
                i += 1
            begin = i
            hash_ = FNV_START
            while i < end and not is_space(data_B[i]):
                hash_ = fnv(hash_, data_B[i])
                i += 1
            if i == begin:
                break
            row = row_of(data_B, begin, i, hash_, slot_T, word_W, place_R1)
            if row >= 0:
                row_Y[rows] = row
                rows += 1
            elif is_label(data_B, begin, i):
                continue
            hash_X[tokens] = np.uint64(np.int64(np.int32(hash_)))  # fastText keeps hashes signed
            tokens += 1
        if end_row >= 0:
            row_Y[rows] = end_row
            rows += 1
        hash_X[tokens] = np.uint64(np.int64(np.int32(end_hash)))
        tokens += 1
        if buckets > 0:
            for t in range(tokens):
                gram = hash_X[t]
                for after in range(t + 1, min(tokens, t + longest)):
                    gram = gram * NGRAM_FACTOR + hash_X[after]
                    row_Y[rows] = words + np.int64(gram % np.uint64(buckets))
                    rows += 1
        if rows == 0:
            value_DL[d] = 0
            continue
        hidden_H[:] = 0
        for y in range(rows):
            row = np.uint64(row_Y[y])
            for h in range(width):
                hidden_H[h] += input_RH[row, h]
        hidden_H *= np.float32(1.0 / rows)
        softmax(hidden_H, output_LH, value_DL[d])
