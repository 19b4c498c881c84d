"""Alignment of an item's words with those of a document: which of them stand there, in order.

Letters in names: A words of an item, W words of a document, K diagonals of the band.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel

PAD = 4
"""Diagonals beyond those of the seeds that an alignment may use."""
DIAGONAL, UP, LEFT = np.uint8(0), np.uint8(1), np.uint8(2)


@inline
def _agree(word_A, a, size_A, word_W, w, lo, hi):
    """Whether two words are equal and so is a neighbour: a single word that is equal says little."""
    if word_A[a] != word_W[w]:
        return False
    if size_A == 1:
        return True
    before = a > 0 and w > lo and word_A[a - 1] == word_W[w - 1]
    return before or (a + 1 < size_A and w + 1 < hi and word_A[a + 1] == word_W[w + 1])


@kernel
def align(word_A, size_A, word_W, words, least, most, used_W, use, score_2K, step_AK, found_A):
    """The best alignment of an item on the diagonals (place in the document minus place in the item) least - PAD to
    most + PAD; words with used_W == use are taken.

    Returns (words that agree, the first and the last of the document that does) and sets found_A to 1 where a word of
    the item agrees, else 0. Of alignments that are as good, the one on the smallest diagonal.
    """
    low, wide = least - PAD, most - least + 2 * PAD + 1
    for k in range(wide + 1):
        score_2K[0, k] = 0
        score_2K[1, k] = 0
    for a in range(size_A):
        found_A[a] = 0
        old, new = a & 1, (a + 1) & 1
        score_2K[old, wide] = -1
        for k in range(wide):
            w = a + low + k
            best, step = score_2K[old, k + 1], UP
            if k > 0 and score_2K[new, k - 1] > best:
                best, step = score_2K[new, k - 1], LEFT
            free = 0 <= w < words and used_W[w] != use
            if free and score_2K[old, k] + 1 > best and _agree(word_A, a, size_A, word_W, w, 0, words):
                best, step = score_2K[old, k] + 1, DIAGONAL
            score_2K[new, k] = max(best, 0)
            step_AK[a, k] = step
    last = size_A & 1
    k = 0
    for other in range(1, wide):
        if score_2K[last, other] > score_2K[last, k]:
            k = other
    agreed = score_2K[last, k]
    first_w, last_w = words, -1
    a = size_A - 1
    while a >= 0 and k < wide and k >= 0:
        step = step_AK[a, k]
        if step == DIAGONAL:
            w = a + low + k
            found_A[a] = 1
            first_w, last_w = min(first_w, w), max(last_w, w)
            a -= 1
        elif step == UP:
            a -= 1
            k += 1
        else:
            k -= 1
    return agreed, first_w, last_w


@kernel
def share_within(word_A, size_A, word_W, lo, hi, score_2W):
    """Of the words of an answer or a passage, how many stand in this order in words [lo, hi) of a document, in
    thousandths. Up to three words have to stand there as they are."""
    if size_A == 0 or hi <= lo:
        return 0
    if size_A <= 3:
        for w in range(lo, hi - size_A + 1):
            same = 0
            while same < size_A and word_A[same] == word_W[w + same]:
                same += 1
            if same == size_A:
                return 1000
        return 0
    wide = hi - lo
    for w in range(wide + 1):
        score_2W[0, w] = 0
        score_2W[1, w] = 0
    for a in range(size_A):
        old, new = a & 1, (a + 1) & 1
        for w in range(wide):
            best = max(score_2W[old, w + 1], score_2W[new, w])
            if _agree(word_A, a, size_A, word_W, lo + w, lo, hi):
                best = max(best, score_2W[old, w] + 1)
            score_2W[new, w + 1] = best
    return score_2W[size_A & 1, wide] * 1000 // size_A
