"""Exact substrings: a text as tokens, winnowed fingerprints of these, and the hashes of windows of them.

Letters in names: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points of Unicode, N tokens of the
batch, A anchors, R runs of windows, W windows, M rows of windows of all documents.
"""

import numpy as np

from gristmill.filters.kernels.dedup.letters import SHINGLE_BASE
from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, fnv
from gristmill.filters.kernels.text.unicode import ALNUM, SPACE, UNSPACED, code_point, mix64

LETTERS = 16
"""Of a token at most: what has no word boundary, such as base64, is many tokens; a ruled line is some."""

# 2**61 - 1, a Mersenne prime. In its field two windows of L tokens have one value for at most L - 1 of all bases
# (Karp, Rabin 1987), whatever they say; sums modulo 2**64 alone have pairs that no base tells apart (Thue-Morse).
PRIME = np.uint64((1 << 61) - 1)
FIELD_BASE = np.uint64(0x0F4A7C159E3779B9)
SHIFT_61, SHIFT_31, SHIFT_30 = np.uint64(61), np.uint64(31), np.uint64(30)
MASK_31, MASK_30 = np.uint64((1 << 31) - 1), np.uint64((1 << 30) - 1)


@inline
def reduced(x):
    """x modulo PRIME."""
    r = (x & PRIME) + (x >> SHIFT_61)
    return r - PRIME if r >= PRIME else r


@inline
def times(a, b):
    """a * b modulo PRIME, of numbers below it: 61 by 61 bits in halves."""
    a1, a0, b1, b0 = a >> SHIFT_31, a & MASK_31, b >> SHIFT_31, b & MASK_31
    middle = a0 * b1 + a1 * b0
    high = ((a1 * b1) << np.uint64(1)) + (middle >> SHIFT_30)
    return reduced(high + ((middle & MASK_30) << SHIFT_31) + a0 * b0)


@kernel
def read_tokens(data_B, start_D1, flags_C, characters, begin_N, end_N, token_N, spaced_N, token_D1):
    """The tokens of each document; returns how many. Room for as many as bytes is enough.

    A token is a run of letters, digits and marks, a character of a script without spaces, or a run of any other
    character but white space; runs end after LETTERS characters. With `characters` it is any character. begin_N, end_N:
    int64, bytes of the batch; token_N: uint64, what it says; spaced_N: that and the white space before it.
    """
    n = 0
    for d in range(start_D1.size - 1):
        token_D1[d] = n
        i, stop = start_D1[d], start_D1[d + 1]
        space = FNV_OFFSET
        while i < stop:
            c, after = code_point(data_B, i)
            flag = flags_C[c]
            if flag & SPACE and not characters:
                space = fnv(space, c)
                i = after
                continue
            begin_N[n] = i
            said = fnv(FNV_OFFSET, c)
            i = after
            if not (flag & UNSPACED or characters):
                mark, letters = 0 if flag & ALNUM else c, 1
                while i < stop and letters < LETTERS:
                    c, after = code_point(data_B, i)
                    flag = flags_C[c]
                    if c != mark if mark else not flag & ALNUM or flag & UNSPACED:
                        break
                    said = fnv(said, c)
                    letters += 1
                    i = after
            end_N[n] = i
            token_N[n] = mix64(said)
            spaced_N[n] = mix64(token_N[n] ^ space)
            space = FNV_OFFSET
            n += 1
    token_D1[start_D1.size - 1] = n
    return n


@kernel
def winnow(token_N, spaced_N, token_D1, size, window, value_N, key_A, at_A, first_A, last_A):
    """Winnowing (Schleimer, Wilkerson, Aiken 2003): of every `window` fingerprints in a row the least.

    Returns how many. A fingerprint is the hash of `size` tokens and the white space between them. key_A uint64: the
    least one; at_A: the token where it begins; first_A, last_A: the first and the last token at which a window begins
    that has it. Equal windows (of size + window - 1 tokens) have equal ones, wherever they stand. value_N: scratch.
    """
    top = np.uint64(1)
    for _ in range(size - 1):
        top *= SHINGLE_BASE
    a = 0
    for d in range(token_D1.size - 1):
        begin, prints = token_D1[d], token_D1[d + 1] - token_D1[d] - size + 1
        if prints < window:
            continue
        total = np.uint64(0)
        for n in range(begin, begin + size - 1):
            total = total * SHINGLE_BASE + spaced_N[n]
        for n in range(begin, begin + prints):
            total = total * SHINGLE_BASE + spaced_N[n + size - 1]
            value_N[n] = mix64(total + (token_N[n] - spaced_N[n]) * top)
            total -= spaced_N[n] * top
        least = begin - 1
        for first in range(begin, begin + prints - window + 1):
            newest = first + window - 1
            if least < first:
                least = first
                for n in range(first + 1, newest + 1):
                    if value_N[n] <= value_N[least]:
                        least = n
            elif value_N[newest] < value_N[least]:
                least = newest
            elif first > begin:
                last_A[a - 1] = first
                continue
            key_A[a], at_A[a], first_A[a], last_A[a] = value_N[least], least, first, first
            a += 1
    return a


@kernel
def hash_windows(token_N, spaced_N, first_R, last_R, length, key_W, check_W, token_W):
    """The windows of `length` tokens that begin at first_R[r] to last_R[r], for each r.

    key_W uint64: 61 bits of a polynomial over PRIME's field, mixed; check_W uint32: of one modulo 2**64; token_W int64:
    where it begins.
    """
    top, field_top = np.uint64(1), np.uint64(1)
    for _ in range(length - 1):
        top *= SHINGLE_BASE
        field_top = times(field_top, FIELD_BASE)
    w = 0
    for r in range(first_R.size):
        total, field = np.uint64(0), np.uint64(0)
        for n in range(first_R[r], first_R[r] + length - 1):
            total = total * SHINGLE_BASE + spaced_N[n]
            field = reduced(times(field, FIELD_BASE) + reduced(spaced_N[n]))
        for n in range(first_R[r], last_R[r] + 1):
            newest = spaced_N[n + length - 1]
            total = total * SHINGLE_BASE + newest
            field = reduced(times(field, FIELD_BASE) + reduced(newest))
            spaced = reduced(spaced_N[n])
            instead = reduced(reduced(token_N[n]) + PRIME - spaced)
            key_W[w] = mix64(reduced(field + times(instead, field_top)))
            check_W[w] = np.uint32(mix64(total + (token_N[n] - spaced_N[n]) * top) >> np.uint64(32))
            token_W[w] = n
            w += 1
            total -= spaced_N[n] * top
            field = reduced(field + PRIME - times(spaced, field_top))


@kernel
def find_repeats(key_M, check_M, rank_M, tie_M, place_M, begin_M, end_M, order_M, goes_M):
    """Which windows stand earlier, too: in a better-ranked document, or before in the same one without overlap.

    order_M (int64): all rows by key; it is put in further order. Documents are ranked by (rank, tie, place); begin_M,
    end_M: bytes of the document. goes_M: bool. Linear in the windows of one key.
    """
    start = 0
    while start < order_M.size:
        stop = start + 1
        while stop < order_M.size and key_M[order_M[stop]] == key_M[order_M[start]]:
            stop += 1
        while start < stop:  # once, unless two different windows share a key
            best = order_M[start]
            check, equal = check_M[best], start
            for at in range(start, stop):
                m = order_M[at]
                if check_M[m] != check:
                    continue
                order_M[at], order_M[equal] = order_M[equal], m
                equal += 1
                if rank_M[m] != rank_M[best]:
                    better = rank_M[m] < rank_M[best]
                elif tie_M[m] != tie_M[best]:
                    better = tie_M[m] < tie_M[best]
                elif place_M[m] != place_M[best]:
                    better = place_M[m] < place_M[best]
                else:
                    better = begin_M[m] < begin_M[best]
                if better:
                    best = m
            for at in range(start, equal):
                m = order_M[at]
                goes_M[m] = place_M[m] != place_M[best] or begin_M[m] >= end_M[best]
            start = equal
