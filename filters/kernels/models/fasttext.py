"""fastText's models with hierarchical softmax: a text's words and their character n-grams -> the probability of every
label (Joulin et al., arXiv 1607.01759 and 1612.03651; file format and arithmetic as fastText 0.9.3 has them)."""

import numpy as np

# Letters: B bytes, D documents, D1 = D + 1 offsets, R rows of the input matrix, H its width, N inner nodes of the tree,
# L labels, K buckets of n-grams (of kept_K eight a byte), T slots of a hash table, W bytes of words.
from gristmill.filters.kernels.jit import inline, kernel

FNV_START, FNV_PRIME = np.uint32(2166136261), np.uint32(16777619)
BOW, EOW = np.uint8(60), np.uint8(62)
"""`<` and `>` stand around a word when its n-grams are taken."""


@inline
def fnv(hash_, byte):
    """FNV-1a, 32 bits, as fastText has it: bytes are signed."""
    return np.uint32((hash_ ^ np.uint32(np.int8(byte))) * FNV_PRIME)


@inline
def is_space(byte):
    """What separates words."""
    return byte == 32 or (9 <= byte <= 13) or byte == 0


@inline
def slot_of(key, size):
    """Where a hash table with so many slots, a power of two, begins to look for a hash."""
    return ((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & np.uint64(size - 1)


@inline
def word_row(data_B, start, end, hash_, slots_T, word_W, place_R1):
    """The row of a word of the dictionary; -1: it has none."""
    at = slot_of(hash_, slots_T.size)
    while slots_T[at] >= 0:
        row = slots_T[at]
        length = place_R1[row + 1] - place_R1[row]
        if length == end - start:
            same = True
            for i in range(length):
                if word_W[place_R1[row] + i] != data_B[start + i]:
                    same = False
                    break
            if same:
                return np.int64(row)
        at = (at + np.uint64(1)) & np.uint64(slots_T.size - 1)
    return np.int64(-1)


@inline
def ngram_row(bucket, kept_K, row_K):
    """The row of an n-gram's bucket; -1: it was pruned, as most were: a bit says so, in a table that caches hold."""
    if kept_K[bucket >> np.uint64(3)] >> np.uint8(bucket & np.uint64(7)) & 1:
        return np.int64(row_K[bucket])
    return np.int64(-1)


@inline
def add_row(hidden_H, input_RH, row):
    """Sums rows; the index is unsigned, so that none counts from the end."""
    for h in range(hidden_H.size):
        hidden_H[h] += input_RH[np.uint64(row), h]


@inline
def add_ngrams(hidden_H, input_RH, gram_W, size, kept_K, row_K, shortest, longest):
    """Adds the rows of the n-grams of `<word>`, which stands in gram_W; how many there are."""
    rows = 0
    for first in range(size):
        if gram_W[first] & 0xC0 == 0x80:
            continue
        gram = FNV_START
        at = first
        for length in range(1, longest + 1):
            if at >= size:
                break
            gram = fnv(gram, gram_W[at])
            at += 1
            while at < size and gram_W[at] & 0xC0 == 0x80:
                gram = fnv(gram, gram_W[at])
                at += 1
            if length >= shortest and not (length == 1 and (first == 0 or at == size)):
                row = ngram_row(np.uint64(gram % np.uint32(row_K.size)), kept_K, row_K)
                if row >= 0:
                    add_row(hidden_H, input_RH, row)
                    rows += 1
    return rows


@kernel
def label_probabilities(
    data_B, start_D1, input_RH, slots_T, word_W, place_R1, kept_K, row_K, shortest, longest, end_row,
    inner_NH, left_N, right_N, floor, score_DL,
):  # fmt: skip
    """Natural logarithms of the probabilities of all labels into score_DL, float32.

    Node n < L of the tree is label n, node L + i inner node i; the last one is the root. end_row: of the word that ends
    each line. What is below `floor` need not be right, but is below it: so much less of the tree is looked at.
    """
    labels = score_DL.shape[1]
    width = input_RH.shape[1]
    hidden_H = np.zeros(width, np.float32)
    node_score = np.zeros(labels + left_N.size, np.float32)
    gram_W = np.empty(256, np.uint8)
    for d in range(start_D1.size - 1):
        hidden_H[:] = 0
        rows = 0
        if end_row >= 0:
            add_row(hidden_H, input_RH, end_row)
            rows += 1
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            while i < end and is_space(data_B[i]):
                i += 1
            word = i
            hash_ = FNV_START
            while i < end and not is_space(data_B[i]):
                hash_ = fnv(hash_, data_B[i])
                i += 1
            if i == word:
                break
            row = word_row(data_B, word, i, hash_, slots_T, word_W, place_R1)
            if row == end_row and row >= 0:  # "</s>" in a text is no end of it
                continue
            if row >= 0:
                add_row(hidden_H, input_RH, row)
                rows += 1
            size = i - word + 2
            if size > gram_W.size:
                gram_W = np.empty(2 * size, np.uint8)
            gram_W[0] = BOW
            for j in range(word, i):
                gram_W[j - word + 1] = data_B[j]
            gram_W[size - 1] = EOW
            rows += add_ngrams(hidden_H, input_RH, gram_W, size, kept_K, row_K, shortest, longest)
        if rows:
            hidden_H *= np.float32(1.0 / rows)
        node_score[labels + left_N.size - 1] = 0
        for n in range(left_N.size - 1, -1, -1):
            above = node_score[labels + n]
            if above < floor:
                node_score[left_N[n]] = node_score[right_N[n]] = above
                continue
            dot = np.float32(0)
            for h in range(width):
                dot += inner_NH[n, h] * hidden_H[h]
            share = np.float32(1.0 / (1.0 + np.exp(-np.float64(dot))))
            node_score[left_N[n]] = above + np.float32(np.log(1.0 - np.float64(share) + 1e-5))
            node_score[right_N[n]] = above + np.float32(np.log(np.float64(share) + 1e-5))
        score_DL[d] = node_score[:labels]
