"""Repeated n-grams of a word stream: one pass finds all lengths, because what repeats at n repeats at n - 1."""

# Letters: W words of the batch, D documents, D1 = D + 1 offsets, P positions of one document, N lengths 1 .. 10.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel

LONGEST = 10
LONGEST_TOP = 4
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / golden ratio. An n-gram's hash is the polynomial of its word hashes in it; slots are top bits times it."""

ONCE, PASSED, EVERY, WHOLE = range(4)
"""How the characters of n-grams are counted; see repeated_ngrams."""
WAYS = 4
SIEVE = 4
"""Slots of may_repeat for each one that slot_bits would give."""


@inline
def slot_bits(items):
    """log2 of the table size: at most half full."""
    bits = 3
    while (1 << bits) < 2 * items:
        bits += 1
    return bits


@kernel
def may_repeat(hash_P, items, seen_T, at_P):
    """Positions of the hashes that may occur twice or more, into at_P; their number. All that do are among them.

    seen_T: uint8, room for one of SIEVE * items and more. Without it every hash, as few repeat, would be looked up.
    """
    bits = slot_bits(SIEVE * items)
    shift = np.uint64(64 - bits)
    seen_T[: 1 << bits] = 0
    for p in range(items):
        slot = (hash_P[p] * MULTIPLIER) >> shift
        seen_T[slot] = seen_T[slot] << 1 | 1
    found = 0
    for p in range(items):
        at_P[found] = p
        found += seen_T[(hash_P[p] * MULTIPLIER) >> shift] != 1
    return found


@kernel
def find_repeats(hash_P, items, table_S, same_P, count_P):
    """Groups equal n-grams. hash_P[k] is the hash of item k < items, items in order of position.

    same_P[k]: first item equal to item k (k itself for the first). count_P[k]: size of the group, at its first item.
    """
    bits = slot_bits(items)
    mask, shift = (1 << bits) - 1, np.uint64(64 - bits)
    table_S[: mask + 1] = -1
    for k in range(items):
        h = hash_P[k]
        slot = np.int64((h * MULTIPLIER) >> shift)
        while True:
            first = table_S[slot]
            if first < 0:
                table_S[slot] = k
                same_P[k] = k
                count_P[k] = 1
                break
            if hash_P[first] == h:
                same_P[k] = first
                count_P[first] += 1
                break
            slot = (slot + 1) & mask


@inline
def top_groups(at_P, items, n, before_P1, same_P, count_P):
    """First items of the most frequent n-gram, of equals the first one and the longest one; -1: none occurs twice."""
    first, longest, best_count, best_chars = -1, -1, 1, 0
    for k in range(items):
        if same_P[k] == k and count_P[k] >= best_count and count_P[k] > 1:
            chars = before_P1[at_P[k] + n] - before_P1[at_P[k]]
            if count_P[k] > best_count:
                first, longest, best_count, best_chars = k, k, count_P[k], chars
            elif chars > best_chars:
                longest, best_chars = k, chars
    return first, longest


@inline
def covered_chars(at_P, items, n, before_P1, same_P, only):
    """Code points of words inside the n-grams of group `only`; each word once."""
    covered, reach = 0, 0
    for k in range(items):
        if same_P[k] == only:
            begin = max(at_P[k], reach)
            reach = at_P[k] + n
            covered += before_P1[reach] - before_P1[begin]
    return covered


@kernel
def count_whole(before_P1, words, whole_N):
    """Code points of all n-grams, each by itself: the sum of before_P1[p + n] - before_P1[p] over all p, of which all
    but the first and last few terms cancel each other."""
    for n in range(2, min(LONGEST, words) + 1):
        whole = 0
        for k in range(min(n, words - n + 1)):
            whole += before_P1[words - k] - before_P1[k]
        whole_N[n - 1] = whole


@kernel
def repeated_ngrams(hash_W, chars_W, first_D1, covered_KDN):
    """Code points inside repeated word n-grams, for n = 2 .. 10, in column n - 1, int64; column 0: of all words.

    n <= 4: inside the occurrences of the most frequent n-gram; n >= 5: inside all n-grams that occur twice or more.
    Whose way is the first index, because finding what repeats costs more than counting it in all ways:
    ONCE: overlapping occurrences count each word once; first occurrences included; once is no repetition.
    PASSED (datatrove): the top n-gram's length, joined with spaces, times its count, be it 1; of the others what equals
    an earlier one, reading on behind it.
    EVERY (Dolma): every occurrence by itself, the top one's be it 1.
    WHOLE: all n-grams, each by itself, which EVERY is divided by.
    """
    longest = 1
    for d in range(first_D1.size - 1):
        longest = max(longest, first_D1[d + 1] - first_D1[d])
    hash_P = np.empty(longest, np.uint64)
    at_P, same_P, count_P = np.empty(longest, np.int32), np.empty(longest, np.int32), np.empty(longest, np.int32)
    before_P1, met_P = np.empty(longest + 1, np.int64), np.empty(longest, np.bool_)
    table_S, seen_T = np.empty(1 << slot_bits(longest), np.int32), np.empty(1 << slot_bits(SIEVE * longest), np.uint8)
    before_P1[0] = 0
    for d in range(first_D1.size - 1):
        covered_KDN[:, d] = 0
        begin, words = first_D1[d], first_D1[d + 1] - first_D1[d]
        for p in range(words):
            before_P1[p + 1] = before_P1[p] + chars_W[begin + p]
        covered_KDN[:, d, 0] = before_P1[words]
        for n in range(2, min(LONGEST_TOP, words) + 1):
            covered_KDN[PASSED, d, n - 1] = before_P1[n] + (n - 1)
            covered_KDN[EVERY, d, n - 1] = before_P1[n]
        count_whole(before_P1, words, covered_KDN[WHOLE, d])
        for p in range(words - 1):
            hash_P[p] = hash_W[begin + p] * MULTIPLIER + hash_W[begin + p + 1]
        items = may_repeat(hash_P, words - 1, seen_T, at_P) if words > 1 else 0
        for k in range(items):
            hash_P[k] = hash_P[at_P[k]]
        for n in range(2, LONGEST + 1):
            find_repeats(hash_P, items, table_S, same_P, count_P)
            if n <= LONGEST_TOP:
                top, longest_top = top_groups(at_P, items, n, before_P1, same_P, count_P)
                if top >= 0:
                    chars = before_P1[at_P[top] + n] - before_P1[at_P[top]]
                    covered_KDN[PASSED, d, n - 1] = count_P[top] * (chars + n - 1)
                    covered_KDN[EVERY, d, n - 1] = count_P[top] * chars
                    covered_KDN[ONCE, d, n - 1] = covered_chars(at_P, items, n, before_P1, same_P, longest_top)
            once, passed, every, kept = 0, 0, 0, 0
            reach, passed_reach, previous, previous_hash = np.int64(0), np.int64(0), np.int64(-2), np.uint64(0)
            for k in range(items):
                same = same_P[k]
                if count_P[same] < 2:
                    continue
                at = np.int64(at_P[k])
                stop = before_P1[at + n]
                every += stop - before_P1[at]
                once += stop - before_P1[max(at, reach)]
                reach = at + n
                if same == k:
                    met_P[k] = False
                if at >= passed_reach:  # what an n-gram covers that equals an earlier one is not met
                    if met_P[same]:
                        passed += stop - before_P1[at]
                        passed_reach = at + n
                    met_P[same] = True
                h = hash_P[k]
                if previous == at - 1:  # an (n + 1)-gram repeats only where both its n-grams do
                    at_P[kept], hash_P[kept] = previous, previous_hash * MULTIPLIER + hash_W[begin + previous + n]
                    kept += 1
                previous, previous_hash = at, h
            if n > LONGEST_TOP:
                covered_KDN[ONCE, d, n - 1] = once
                covered_KDN[PASSED, d, n - 1] = passed
                covered_KDN[EVERY, d, n - 1] = every
            items = kept
            if items < 2:
                break
