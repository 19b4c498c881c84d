"""Alignment of an item's words with those of a document: which of them stand there, in order.

Letters in names: A words of an item, W words of a document, X 64-bit words of the band's diagonals.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel

PAD = 4
"""Diagonals beyond those of the seeds that an alignment may use."""
NONE, ONE, ALL, BITS = np.uint64(0), np.uint64(1), ~np.uint64(0), 64


@inline
def _agree(word_A, a, size_A, word_W, w, lo, hi):
    """Whether two words are equal and so is a neighbour: a single word that is equal says little."""
    if word_A[a] != word_W[w]:
        return False
    before = a > 0 and w > lo and word_A[a - 1] == word_W[w - 1]
    return before or (a + 1 < size_A and w + 1 < hi and word_A[a + 1] == word_W[w + 1])


@kernel
def agreeing(word_A, size_A, word_W, words, low, wide, used_W, use, again, same_A, agree_XA, found_A):
    """Sets, of `wide` diagonals (place in the document minus place in the item) from `low` on, a bit of agree_XA[:, a]
    for each on which word a of the item stands in the document beside a neighbour: a single word that is equal says
    little. With `again`, words with used_W == use are taken. found_A: 1 where there is any such bit, else 0.

    Diagonal after diagonal, because a compiler turns each into a few vector instructions.
    """
    for x in range((wide + BITS - 1) // BITS):
        agree_A = agree_XA[x]
        for a in range(size_A):
            agree_A[a] = NONE
        for bit in range(min(BITS, wide - BITS * x)):
            off, shift = low + BITS * x + bit, np.uint64(bit)
            begin, end = max(0, -off), min(size_A, words - off)
            if begin >= end:
                continue
            item, document, agree = word_A[begin:end], word_W[begin + off : end + off], agree_A[begin:end]
            there = np.uint64(0)
            for j in range(item.size):
                same_A[j] = np.uint64(item[j] == document[j])
                there |= same_A[j]
            if there == NONE:
                continue
            last = item.size - 1
            if last > 0:
                agree[0] |= (same_A[0] & same_A[1]) << shift
                agree[last] |= (same_A[last] & same_A[last - 1]) << shift
            for j in range(1, last):
                agree[j] |= (same_A[j] & (same_A[j - 1] | same_A[j + 1])) << shift
            if again:
                for j in range(item.size):
                    if used_W[begin + off + j] == use:
                        agree[j] &= ~(ONE << shift)
    for a in range(size_A):
        found_A[a] = 0
        for x in range((wide + BITS - 1) // BITS):
            if agree_XA[x, a]:
                found_A[a] = 1


@kernel
def align(size_A, words, low, wide, agree_XA, level_X, step_2XA, found_A):
    """The best alignment of an item on some diagonals, by the bits of `agreeing`.

    Returns (words that agree, the first and the last of the document that does) and sets found_A to 1 where a word of
    the item agrees, else 0. Of alignments that are as good, the one on the smallest diagonal.

    The longest common subsequence, 64 diagonals at a time (Hyyrö 2004, "Bit-parallel LCS-length computation
    revisited"): a bit of `level` is 0 where one word more of the document makes the best alignment longer by one. From
    row to row the band moves on by one word, so a diagonal keeps its bit. A carry of the sum into a bit says that the
    row made the alignment that ends one word before longer; these bits tell which step led to each cell.
    """
    count = (wide + BITS - 1) // BITS
    top = ONE << np.uint64((wide - 1) % BITS)
    for x in range(count):
        level_X[x] = ALL
    for a in range(size_A):
        carry = NONE
        for x in range(count):
            old = level_X[x]
            if a > 0:
                old >>= ONE
                if x + 1 < count:
                    old |= level_X[x + 1] << np.uint64(BITS - 1)
                else:
                    old |= top
            taken = old & agree_XA[x, a]
            part = old + taken
            total = part + carry
            carried = total ^ old ^ taken
            carry = np.uint64(part < old) | np.uint64(total < part)
            new = total | (old & ~taken)
            step = taken & ~new
            level_X[x] = new
            step_2XA[0, x, a] = step
            step_2XA[1, x, a] = ((old & carried) | (top if x + 1 == count else NONE)) & ~step
    k = wide - 1
    while k > 0 and level_X[k // BITS] >> np.uint64(k % BITS) & ONE:
        k -= 1
    agreed, first_w, last_w = 0, words, -1
    a = size_A - 1
    while a >= 0:
        x, bit = k // BITS, np.uint64(k % BITS)
        found_A[a] = 0
        if step_2XA[0, x, a] >> bit & ONE:
            w = a + low + k
            found_A[a] = 1
            agreed += 1
            first_w, last_w = min(first_w, w), max(last_w, w)
            a -= 1
        elif step_2XA[1, x, a] >> bit & ONE:
            k -= 1
        else:
            a -= 1
            k += 1
    return agreed, first_w, last_w


@inline
def _sieved(word, sieve_64):
    return sieve_64[word >> np.uint64(6) & np.uint64(63)] >> (word & np.uint64(63)) & ONE


@kernel
def share_within(word_A, size_A, word_W, lo, hi, sieve_64, place_W, score_2W):
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
    for q in range(sieve_64.size):
        sieve_64[q] = NONE
    for a in range(size_A):
        sieve_64[word_A[a] >> np.uint64(6) & np.uint64(63)] |= ONE << (word_A[a] & np.uint64(63))
    wide, before, here = np.int64(0), NONE, _sieved(word_W[lo], sieve_64)
    for w in range(lo, hi):
        after = _sieved(word_W[w + 1], sieve_64) if w + 1 < hi else NONE
        place_W[wide] = w
        wide += np.int64(here & (before | after))  # no other word agrees
        before, here = here, after
    for w in range(wide + 1):
        score_2W[0, w] = 0
        score_2W[1, w] = 0
    for a in range(size_A):
        old, new = a & 1, (a + 1) & 1
        for w in range(wide):
            best = max(score_2W[old, w + 1], score_2W[new, w])
            if _agree(word_A, a, size_A, word_W, place_W[w], lo, hi):
                best = max(best, score_2W[old, w] + 1)
            score_2W[new, w + 1] = best
    return score_2W[size_A & 1, wide] * 1000 // size_A
