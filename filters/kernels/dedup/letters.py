"""The `letters` word stream: words, shingles and the exact hash of documents.

Letters in names: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points of Unicode, W words of one
document, S shingles of the batch, T shingles that are reckoned together.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.eight import (
    EIGHT,
    HIGH,
    capitals_among,
    digits_of,
    eight_bytes,
    last_bytes,
    letters_of,
    zeros_below,
)
from gristmill.filters.kernels.text.hashes import LENGTH, NOTHING, ONE, step
from gristmill.filters.kernels.text.lines import stripped
from gristmill.filters.kernels.text.unicode import ALNUM, HAN_FIRST, HAN_LAST, SPACE, UNSPACED, code_point, mix64

# A shingle: a polynomial over its words. 2**64 / golden ratio, made odd.
SHINGLE_BASE = np.uint64(0x9E3779B97F4A7C15)
TOGETHER = 256

# The exact hash folds values into two 64-bit lanes. The multipliers are xxHash's primes 1 and 2; the shifts carry high
# bits down again, which a multiplication alone never does.
EXACT_SEED_0 = np.uint64(0x243F6A8885A308D3)  # digits of pi
EXACT_SEED_1 = np.uint64(0x13198A2E03707344)
EXACT_PRIME_0 = np.uint64(0x9E3779B185EBCA87)
EXACT_PRIME_1 = np.uint64(0xC2B2AE3D27D4EB4F)

GAP = np.uint64(1 << 63)
"""Of a value, for the exact hash: white space stands before it. No value has this bit itself."""

BLANK = 0x20
LEAD, LEADS = np.uint64(0xE4), np.uint64(6)
"""First bytes of the main block of Han: 0xE4 to 0xE9; below it 0xE4 is one of others, too."""
TWO, THREE, SIX, TWELVE = np.uint64(2), np.uint64(3), np.uint64(6), np.uint64(12)
LAST_FOUR, LAST_SIX = np.uint64(0x0F), np.uint64(0x3F)


@inline
def _fold(lane_0, lane_1, x):
    lane_0 = (lane_0 ^ x) * EXACT_PRIME_0
    lane_1 = (lane_1 ^ x) * EXACT_PRIME_1
    return lane_0 ^ (lane_0 >> np.uint64(29)), lane_1 ^ (lane_1 >> np.uint64(32))


@kernel
def read_letters(data_B, start, end, flags_C, lower_C, word_W, exact_2):
    """Words of one document into word_W, its exact hash into exact_2 (both uint64); returns the number of words and the
    flags of all its characters together.

    A word is a run of letters, digits and marks, lower-cased; a character of an unspaced script is a word of its own.
    Its values: the ASCII letters and digits before any other character, eight at a time, the first lowest, fewer at the
    end with their number in the highest byte; then code points. Its hash: the first value, a `step` for each further
    one; `mix_all` is still to be called. The exact hash reads the values of words and, of what is between them, code
    points, with GAP where white space stands before: so it tells lower-cased texts apart by all but the amount of white
    space, and that at the ends. word_W needs (bytes + 1) // 2 places: a word is followed by a separator, or is a
    character of at least three bytes.
    """
    start, end = stripped(data_B, start, end, flags_C)
    u, stop, w = np.uint64(start), np.uint64(end), NOTHING
    lane_0, lane_1 = EXACT_SEED_0, EXACT_SEED_1
    gap, seen = NOTHING, np.uint8(0)
    while u < stop:
        h, in_word = NOTHING, False
        if data_B[u] < 0x80:
            while u < stop:
                x = eight_bytes(data_B, u) if u + EIGHT <= stop else last_bytes(data_B, u, stop)
                letters = letters_of(x)
                other = ~(letters | digits_of(x)) & HIGH
                x |= capitals_among(letters, x) >> TWO
                if other != NOTHING:
                    length = zeros_below(other) >> THREE
                    if length != NOTHING:
                        x = x & ((ONE << (length << THREE)) - ONE) | length << LENGTH
                        h = step(h, x) if in_word else x
                        in_word = True
                        lane_0, lane_1 = _fold(lane_0, lane_1, x | gap)
                        gap = NOTHING
                        u += length
                    break
                h = step(h, x) if in_word else x
                in_word = True
                lane_0, lane_1 = _fold(lane_0, lane_1, x | gap)
                gap = NOTHING
                u += EIGHT
        else:
            while u < stop and np.uint64(data_B[u]) - LEAD < LEADS:
                x = (
                    (np.uint64(data_B[u]) & LAST_FOUR) << TWELVE
                    | (np.uint64(data_B[u + ONE]) & LAST_SIX) << SIX
                    | (np.uint64(data_B[u + TWO]) & LAST_SIX)
                )
                if x < np.uint64(HAN_FIRST):
                    break
                word_W[w] = x
                w += ONE
                lane_0, lane_1 = _fold(lane_0, lane_1, x | gap)
                gap = NOTHING
                u += THREE
        beyond = False
        while u < stop and (beyond or data_B[u] >= 0x80):
            c, after = code_point(data_B, np.int64(u))
            flag = flags_C[c]
            if not flag & ALNUM or flag & UNSPACED:
                break
            seen |= flag
            x = np.uint64(lower_C[c])
            h = step(h, x) if in_word else x
            in_word = beyond = True
            lane_0, lane_1 = _fold(lane_0, lane_1, x | gap)
            gap = NOTHING
            u = np.uint64(after)
        if in_word:
            word_W[w] = h
            w += ONE
        while u < stop:
            if data_B[u] == BLANK:
                gap = GAP
                u += ONE
                continue
            c, after = code_point(data_B, np.int64(u))
            flag = flags_C[c]
            if (flag & ALNUM and not flag & UNSPACED) or HAN_FIRST <= c <= HAN_LAST:
                break
            u = np.uint64(after)
            if flag & SPACE:
                gap = GAP
                continue
            seen |= flag
            x = np.uint64(lower_C[c])
            if flag & UNSPACED:
                word_W[w] = x
                w += ONE
            lane_0, lane_1 = _fold(lane_0, lane_1, x | gap)
            gap = NOTHING
    exact_2[0] = mix64(lane_0)
    exact_2[1] = mix64(lane_1)
    return np.int64(w), seen


@kernel
def mix_all(word_W):
    """mix64 of each, in place: by vectors, which a loop over characters would have to do without."""
    for w in range(word_W.size):
        word_W[w] = mix64(word_W[w])


@kernel
def hash_shingles(word_W, words, size, hash_S, first, total_T):
    """uint32 hashes of all shingles of `size` words into hash_S from `first` on; returns where they end.

    1 to size - 1 words make one shingle; none make none. Word by word of a shingle for many of them, not shingle by
    shingle: LLVM turns these loops into vectors.
    """
    if words == 0:
        return first
    n = min(words, size)
    shingles, s = words - n + 1, first
    for begin in range(0, shingles, TOGETHER):
        count = min(TOGETHER, shingles - begin)
        total, word = total_T[:count], word_W[begin : begin + count]
        for t in range(count):
            total[t] = word[t]
        for k in range(1, n):
            word = word_W[begin + k : begin + k + count]
            for t in range(count):
                total[t] = total[t] * SHINGLE_BASE + word[t]
        hashed = hash_S[s : s + count]
        for t in range(count):
            hashed[t] = np.uint32(mix64(total[t]) >> np.uint64(32))
        s += count
    return s


@kernel
def read_batch(data_B, start_D1, flags_C, lower_C, size, word_W, hash_S, shingle_D1, exact_D2, seen_D):
    """Every document of a batch: unsorted shingle hashes (document d: hash_S[shingle_D1[d]:shingle_D1[d + 1]]), exact
    hashes and the flags (uint8) of all its characters together. With size 0 no shingles are made. hash_S holds as many
    as word_W could for every document."""
    s = 0
    shingle_D1[0] = 0
    total_T = np.empty(TOGETHER, np.uint64)
    for d in range(start_D1.size - 1):
        words, seen_D[d] = read_letters(data_B, start_D1[d], start_D1[d + 1], flags_C, lower_C, word_W, exact_D2[d])
        if size > 0:
            mix_all(word_W[:words])
            s = hash_shingles(word_W, words, size, hash_S, s, total_T)
        shingle_D1[d + 1] = s
