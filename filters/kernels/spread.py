"""How varied a text is: its distinct characters and words, their entropy, and what its frequent n-grams cover."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points, W words, S slots, P positions.
import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.ngrams import MULTIPLIER, slot_bits
from gristmill.filters.kernels.text.unicode import LIMIT, code_point, mix64


@kernel
def spread_of_characters(data_B, start_D1, distinct_D, entropy_D):
    """Distinct code points per document, int64, and the entropy of how often each occurs, float64, in nats."""
    count_C = np.zeros(LIMIT, np.int32)
    for d in range(distinct_D.size):
        total, distinct, entropy = 0, 0, 0.0
        i = start_D1[d]
        while i < start_D1[d + 1]:
            c, i = code_point(data_B, i)
            distinct += count_C[c] == 0
            count_C[c] += 1
            total += 1
        i = start_D1[d]
        while i < start_D1[d + 1]:
            c, i = code_point(data_B, i)
            if count_C[c]:
                share = count_C[c] / total
                entropy -= share * np.log(share)
                count_C[c] = 0
        distinct_D[d], entropy_D[d] = distinct, entropy


@kernel
def spread_of_words(hash_W, first_D1, distinct_D, entropy_D):
    """Distinct words per document, int64, and the entropy of how often each occurs, float64, in nats."""
    longest = 1
    for d in range(distinct_D.size):
        longest = max(longest, first_D1[d + 1] - first_D1[d])
    count_P = np.empty(longest, np.int64)
    table_S = np.empty(1 << slot_bits(longest), np.int64)
    for d in range(distinct_D.size):
        begin, words = first_D1[d], first_D1[d + 1] - first_D1[d]
        distinct = count_hashes(hash_W[begin : begin + words], table_S, count_P)
        entropy = 0.0
        for p in range(distinct):
            share = count_P[p] / words
            entropy -= share * np.log(share)
        distinct_D[d], entropy_D[d] = distinct, entropy


@kernel
def count_hashes(hash_P, table_S, count_P):
    """How often each hash occurs, into count_P, in order of first occurrence; returns how many there are."""
    bits = slot_bits(hash_P.size)
    mask, shift = (1 << bits) - 1, np.uint64(64 - bits)
    table_S[: mask + 1] = -1
    first_P = np.empty(hash_P.size, np.int64)
    distinct = 0
    for p in range(hash_P.size):
        slot = np.int64((hash_P[p] * MULTIPLIER) >> shift)
        while table_S[slot] >= 0 and hash_P[first_P[table_S[slot]]] != hash_P[p]:
            slot = (slot + 1) & mask
        if table_S[slot] < 0:
            table_S[slot] = distinct
            first_P[distinct] = p
            count_P[distinct] = 0
            distinct += 1
        count_P[table_S[slot]] += 1
    return distinct


@kernel
def frequent_ngrams(data_B, start_D1, n, share_D):
    """Share of a document's character n-grams that its most frequent ones are, float64; as Data-Juicer counts.

    Of K different n-grams the int(sqrt(K)) most frequent ones are taken, if so many occur twice or more.
    """
    longest = 1
    for d in range(share_D.size):
        longest = max(longest, start_D1[d + 1] - start_D1[d])
    hash_P, count_P = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    table_S = np.empty(1 << slot_bits(longest), np.int64)
    char_P = np.empty(longest, np.uint64)
    for d in range(share_D.size):
        chars = 0
        i = start_D1[d]
        while i < start_D1[d + 1]:
            c, i = code_point(data_B, i)
            char_P[chars] = mix64(np.uint64(c) + np.uint64(1))
            chars += 1
        grams = max(0, chars - n + 1)
        for p in range(grams):
            h = np.uint64(0)
            for k in range(n):
                h = h * MULTIPLIER + char_P[p + k]
            hash_P[p] = h
        distinct = count_hashes(hash_P[:grams], table_S, count_P)
        repeated = 0
        for p in range(distinct):
            repeated += count_P[p] > 1
        taken = min(int(np.sqrt(distinct)), repeated)
        ordered_P = np.sort(count_P[:distinct])
        covered = 0
        for p in range(distinct - taken, distinct):
            covered += ordered_P[p]
        share_D[d] = covered / grams if grams else 0.0
