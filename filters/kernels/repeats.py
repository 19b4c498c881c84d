"""Repeated lines and paragraphs of a document: any list of (hash, length) items."""

# Letters: X items of the batch, D documents, D1 = D + 1 offsets, S slots of a document's table.
import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.ngrams import MULTIPLIER, slot_bits


@kernel
def repeated_items(hash_X, chars_X, first_D1, repeated_D, repeated_chars_D, later_D, later_chars_D):
    """Per document: repeated_D items that occur twice or more, repeated_chars_D their lengths, all int64.

    later_D items that equal an earlier one, so without first occurrences, and later_chars_D their lengths.
    """
    longest = 1
    for d in range(first_D1.size - 1):
        longest = max(longest, first_D1[d + 1] - first_D1[d])
    table_S = np.empty(1 << slot_bits(longest), np.int32)
    single_X = np.empty(longest, np.bool_)
    for d in range(first_D1.size - 1):
        begin, items = first_D1[d], first_D1[d + 1] - first_D1[d]
        bits = slot_bits(items)
        mask, shift = (1 << bits) - 1, np.uint64(64 - bits)
        table_S[: mask + 1] = -1
        repeated, chars, later, later_chars = 0, 0, 0, 0
        for x in range(items):
            h = hash_X[begin + x]
            slot = np.int64((h * MULTIPLIER) >> shift)
            while table_S[slot] >= 0 and hash_X[begin + table_S[slot]] != h:
                slot = (slot + 1) & mask
            first = table_S[slot]
            if first < 0:
                table_S[slot] = x
                single_X[x] = True
                continue
            if single_X[first]:
                single_X[first] = False
                repeated += 1
                chars += chars_X[begin + first]
            repeated += 1
            chars += chars_X[begin + x]
            later += 1
            later_chars += chars_X[begin + x]
        repeated_D[d], repeated_chars_D[d] = repeated, chars
        later_D[d], later_chars_D[d] = later, later_chars
