"""The `letters` word stream: words, shingles and the exact hash, in one pass over the bytes of a document.

Letters in names: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points of Unicode, W words of one
document, S shingles of the batch.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import ALNUM, SPACE, UNSPACED, code_point, mix64

# A word: FNV-1a (64 bits) over its code points, not its bytes: one step a character in every script.
WORD_SEED = np.uint64(0xCBF29CE484222325)
WORD_PRIME = np.uint64(0x100000001B3)
# A shingle: a polynomial over its words. 2**64 / golden ratio, made odd.
SHINGLE_BASE = np.uint64(0x9E3779B97F4A7C15)

# The exact hash folds each character into two 64-bit lanes. The multipliers are xxHash's primes 1 and 2; the shifts
# carry high bits down again, which a multiplication alone never does.
EXACT_SEED_0 = np.uint64(0x243F6A8885A308D3)  # digits of pi
EXACT_SEED_1 = np.uint64(0x13198A2E03707344)
EXACT_PRIME_0 = np.uint64(0x9E3779B185EBCA87)
EXACT_PRIME_1 = np.uint64(0xC2B2AE3D27D4EB4F)


@inline
def _fold(lane, char, prime, shift):
    lane = (lane ^ char) * prime
    return lane ^ (lane >> shift)


@kernel
def read_letters(data_B, start, end, flags_C, lower_C, word_W, exact_2):
    """Word hashes of one document into word_W, its exact hash into exact_2 (both uint64); returns the number of words
    and the flags of all its characters together.

    A word is a run of letters, digits and marks, lower-cased; a character of an unspaced script is a word of its own.
    The exact hash reads the lower-cased text with each run of white space as one space and none at the ends.
    word_W needs (bytes + 1) // 2 places: a word is followed by a separator, or is a character of at least three bytes.
    """
    words = 0
    word = WORD_SEED
    in_word = False
    lane_0, lane_1 = EXACT_SEED_0, EXACT_SEED_1
    characters = 0
    seen = np.uint8(0)
    gap = False
    i = start
    while i < end:
        c, i = code_point(data_B, i)
        flag = flags_C[c]
        if flag & SPACE:
            gap = True
            if in_word:
                word_W[words] = mix64(word)
                words += 1
                in_word = False
            continue
        seen |= flag
        # No unspaced script has case; not looking Han up in a 4 MB table saves cache misses.
        char = np.uint64(c) if flag & UNSPACED else np.uint64(lower_C[c])
        if gap and characters:
            lane_0 = _fold(lane_0, np.uint64(0x20), EXACT_PRIME_0, np.uint64(29))
            lane_1 = _fold(lane_1, np.uint64(0x20), EXACT_PRIME_1, np.uint64(32))
        gap = False
        characters += 1
        lane_0 = _fold(lane_0, char, EXACT_PRIME_0, np.uint64(29))
        lane_1 = _fold(lane_1, char, EXACT_PRIME_1, np.uint64(32))
        if flag & ALNUM and not flag & UNSPACED:
            if not in_word:
                word = WORD_SEED
                in_word = True
            word = (word ^ char) * WORD_PRIME
            while i < end and data_B[i] < 0x80:  # the rest of a word in ASCII, the same without asking what it might be
                flag = flags_C[data_B[i]]
                if not flag & ALNUM:
                    break
                seen |= flag
                char = np.uint64(lower_C[data_B[i]])
                characters += 1
                lane_0 = _fold(lane_0, char, EXACT_PRIME_0, np.uint64(29))
                lane_1 = _fold(lane_1, char, EXACT_PRIME_1, np.uint64(32))
                word = (word ^ char) * WORD_PRIME
                i += 1
            continue
        if in_word:
            word_W[words] = mix64(word)
            words += 1
            in_word = False
        if flag & UNSPACED:
            word_W[words] = mix64((WORD_SEED ^ char) * WORD_PRIME)
            words += 1
    if in_word:
        word_W[words] = mix64(word)
        words += 1
    exact_2[0] = mix64(lane_0 ^ np.uint64(characters))
    exact_2[1] = mix64(lane_1 ^ np.uint64(characters))
    return words, seen


@kernel
def hash_shingles(word_W, words, size, hash_S, first):
    """uint32 hashes of all shingles of `size` words into hash_S from `first` on; returns where they end.

    1 to size - 1 words make one shingle; none make none. Rolling: subtracting the oldest word's term costs the same for
    every `size`, and integers wrap, so the value is that of the full polynomial.
    """
    if words == 0:
        return first
    n = min(words, size)
    total, top = np.uint64(0), np.uint64(1)
    for w in range(n):
        total = total * SHINGLE_BASE + word_W[w]
        top *= SHINGLE_BASE
    hash_S[first] = np.uint32(mix64(total) >> np.uint64(32))
    s = first + 1
    for w in range(n, words):
        total = total * SHINGLE_BASE + word_W[w] - word_W[w - n] * top
        hash_S[s] = np.uint32(mix64(total) >> np.uint64(32))
        s += 1
    return s


@kernel
def read_batch(data_B, start_D1, flags_C, lower_C, size, word_W, hash_S, shingle_D1, exact_D2, seen_D):
    """Every document of a batch: unsorted shingle hashes (document d: hash_S[shingle_D1[d]:shingle_D1[d + 1]]), exact
    hashes and the flags (uint8) of all its characters together. With size 0 no shingles are made. hash_S holds as many
    as word_W could for every document."""
    s = 0
    shingle_D1[0] = 0
    for d in range(start_D1.size - 1):
        words, seen_D[d] = read_letters(data_B, start_D1[d], start_D1[d + 1], flags_C, lower_C, word_W, exact_D2[d])
        if size > 0:
            s = hash_shingles(word_W, words, size, hash_S, s)
        shingle_D1[d + 1] = s
