"""Evaluation items in a batch of documents: seeds, clusters of them on near diagonals, alignment, answer near by.

Letters in names: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points, M characters that fold to
several, I items, T words of items, G seeds, P places of seeds, S slots, Q words of the sieve, N sizes of seeds,
W words of one document, H hits, K items with hits, X words of bits, R rows that are found, A words of one item.
"""

import numpy as np

from gristmill.filters.kernels.contamination.align import PAD, agreeing, align, share_within
from gristmill.filters.kernels.contamination.seeds import count_hits, find_seeds, hits_by_item
from gristmill.filters.kernels.contamination.words import read_words
from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import code_point

WORDS = 512
"""Of an item's question that are compared; the rest of a longer one is left out."""
SUPPORT_WORDS = 256
"""Of its answer, its choices and its passage."""
NEAR = 48
"""Words around the question in which its answer or its choices are looked for, beside their own length, twice."""
SLACK = 8
"""Words that may be inserted or left out between seeds that belong together, beside an eighth of the item's."""
WIDEST = 2 * SLACK + WORDS // 2 + 2 * PAD + 2
"""Diagonals of the widest band."""
REACH = 2 * NEAR + 12 * SUPPORT_WORDS + 3 * WORDS
"""Words of the widest window."""
HALF = 500
"""Thousandths of the item's words, or of their weight, from which on a match is kept: less is never contamination."""


@inline
def _ends_with(c):
    """Marks that belong to what stands before them: of ASCII, and the same of East Asia."""
    return (
        c == 0x21 or c == 0x22 or c == 0x27 or c == 0x29 or c == 0x2C or c == 0x2E or c == 0x3A or c == 0x3B
        or c == 0x3F or c == 0x5D or c == 0x7D or c == 0x2019 or c == 0x201D or c == 0x2026 or c == 0x3001
        or c == 0x3002 or c == 0x3009 or c == 0x300B or c == 0x300D or c == 0x300F or c == 0x3011 or c == 0xFF01
        or c == 0xFF09 or c == 0xFF0C or c == 0xFF0E or c == 0xFF1A or c == 0xFF1B or c == 0xFF1F
    )  # fmt: skip


@inline
def _with_marks(data_B, end, stop):
    """Where the marks behind a word end."""
    while end < stop:
        c, after = code_point(data_B, end)
        if not _ends_with(c):
            break
        end = after
    return end


@inline
def _covered(word_H, diagonal_H, a, b, size, taken_A, words_A):
    """How many words of the item the seeds of a cluster cover."""
    for at in range(words_A):
        taken_A[at] = 0
    covered = 0
    for h in range(a, b):
        place = word_H[h] - diagonal_H[h]
        for at in range(place, place + size):
            covered += 1 - taken_A[at]
            taken_A[at] = 1
    return covered


@inline
def _weight_of(found_A, weight_A):
    """(words of an item that are marked, their weight)"""
    words, weight = 0, 0
    for at in range(weight_A.size):
        words += found_A[at]
        weight += weight_A[at] * found_A[at]
    return words, weight


@inline
def _without_beaten(before, rows, doc_R, item_R, begin_R, end_R, share_R, found_R8, support_R3):
    """Leave out, of the rows of one document, what is better told by another item: of two that share at least half of
    the bytes of one, this one, if less of it agrees. So a question of the same form is not taken for the one that
    stands there. Returns how many rows are left."""
    order_N = before + np.argsort(begin_R[before:rows])
    beaten_N = np.zeros(rows - before, np.bool_)
    for n in range(order_N.size):
        i = order_N[n]
        for m in range(n + 1, order_N.size):
            j = order_N[m]
            if begin_R[j] >= end_R[i]:
                break
            shared = 2 * (min(end_R[i], end_R[j]) - begin_R[j])
            if share_R[j] > share_R[i] and shared >= end_R[i] - begin_R[i]:
                beaten_N[i - before] = True
            if share_R[i] > share_R[j] and shared >= end_R[j] - begin_R[j]:
                beaten_N[j - before] = True
    left = before
    for r in range(before, rows):
        if not beaten_N[r - before]:
            doc_R[left], item_R[left], begin_R[left], end_R[left] = doc_R[r], item_R[r], begin_R[r], end_R[r]
            found_R8[left], support_R3[left], share_R[left] = found_R8[r], support_R3[r], share_R[r]
            left += 1
    return left


@kernel
def match_batch(
    data_B, start_D1, flags_C, fold_C, several_M3,
    size_N, key_S, seed_S, sieve_Q, first_G1, item_P, place_P,
    word_T, first_I1, size_I, least_I, weight_T, support_T, first_support_I4,
    from_d, from_row, met_G, met, documents_G,
    word_W, begin_W, end_W, used_W, key_H, seed_H, at_H, item_H, met_2H, item_K, end_K, word_H, diagonal_H, count_I,
    same_A, agree_XA, level_X, step_2XA, found_A, sieve_64, place_W, score_2W, state_2,
    doc_R, item_R, begin_R, end_R, share_R, found_R8, support_R3,
):  # fmt: skip
    """Documents from `from_d` on; returns (the first one that was not done, how many rows there are).

    It stops before a document for which hits or rows have no room: state_2[0] is how many hits there were. state_2[1]
    counts alignments, which mark used_W. Rows: document, item, bytes [begin, end) in the batch's buffer, thousandths of
    the question, a bit for each of its words that agrees, thousandths of answer, choices and passage near by.
    """
    rows = from_row
    for d in range(from_d, start_D1.size - 1):
        words = read_words(
            data_B, start_D1[d], start_D1[d + 1], flags_C, fold_C, several_M3, word_W, begin_W, end_W
        )  # fmt: skip
        seeds = find_seeds(
            word_W, words, size_N, key_S, seed_S, sieve_Q, met_G, met + d, documents_G, key_H, seed_H, at_H
        )  # fmt: skip
        state_2[0] = count_hits(seeds, seed_H, first_G1)
        if state_2[0] > word_H.size:
            return d, rows
        items = hits_by_item(
            seeds, seed_H, at_H, first_G1, item_P, place_P, size_I, least_I, count_I, item_H, met_2H, item_K,
            end_K, word_H, diagonal_H,
        )  # fmt: skip
        before = rows
        b = 0
        for k in range(items):
            i, a, stop = item_K[k], b, end_K[k]
            words_A, size = first_I1[i + 1] - first_I1[i], size_I[i]
            slack = SLACK + words_A // 8
            word_A, weight_A = word_T[first_I1[i] : first_I1[i + 1]], weight_T[first_I1[i] : first_I1[i + 1]]
            whole = weight_A.sum()
            while a < stop:
                b = a + 1
                while (
                    b < stop
                    and diagonal_H[b] - diagonal_H[b - 1] <= slack
                    and diagonal_H[b] - diagonal_H[a] <= 2 * slack
                ):
                    b += 1
                next_a = b
                state_2[1] += 1
                use, again = state_2[1], False
                while (b - a) * size >= least_I[i] and (
                    _covered(word_H, diagonal_H, a, b, size, found_A, words_A) >= least_I[i]
                ):
                    low = diagonal_H[a] - PAD
                    wide = diagonal_H[b - 1] + PAD + 1 - low
                    agreeing(
                        word_A, words_A, word_W, words, low, wide, used_W, use, again, same_A, agree_XA, found_A
                    )  # fmt: skip
                    agreed, weight = _weight_of(found_A, weight_A)
                    if agreed < 2 or (agreed * 1000 < HALF * words_A and weight * 1000 < HALF * whole):
                        break
                    agreed, first_w, last_w = align(words_A, words, low, wide, agree_XA, level_X, step_2XA, found_A)
                    _, weight = _weight_of(found_A, weight_A)
                    if agreed < 2 or (agreed * 1000 < HALF * words_A and weight * 1000 < HALF * whole):
                        break
                    if rows == doc_R.size:
                        return d, before
                    doc_R[rows], item_R[rows] = d, i
                    begin_R[rows] = begin_W[first_w]
                    end_R[rows] = _with_marks(data_B, end_W[last_w], start_D1[d + 1])
                    share_R[rows] = weight * 1000 // whole
                    for at in range(found_R8.shape[1]):
                        found_R8[rows, at] = 0
                    for at in range(words_A):
                        if found_A[at]:
                            found_R8[rows, at >> 6] |= np.uint64(1) << np.uint64(at & 63)
                    for part in range(3):
                        begin, end = first_support_I4[i, part], first_support_I4[i, part + 1]
                        far = NEAR + 2 * (first_support_I4[i, max(part + 1, 2)] - first_support_I4[i, 0])
                        lo, hi = max(0, first_w - far), min(words, last_w + 1 + far)
                        support_R3[rows, part] = share_within(
                            support_T[begin:end], end - begin, word_W, lo, hi, sieve_64, place_W, score_2W
                        )
                    rows += 1
                    for w in range(first_w, last_w + 1):
                        used_W[w] = use
                    left, again = a, True
                    for h in range(a, b):
                        if word_H[h] + size <= first_w or word_H[h] > last_w:
                            word_H[left], diagonal_H[left] = word_H[h], diagonal_H[h]
                            left += 1
                    if left == b:
                        break
                    b = left
                a = next_a
            b = stop
        rows = _without_beaten(before, rows, doc_R, item_R, begin_R, end_R, share_R, found_R8, support_R3)
    return start_D1.size - 1, rows
