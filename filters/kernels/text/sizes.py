"""Sizes of documents that need no decoding."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets.
import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text.eight import EIGHT, beginnings, eight_bytes, equal_bytes, marked_bytes


@kernel
def count_sizes(data_B, start_D1, chars_D, newlines_D):
    """Code points (bytes that are not 10xxxxxx, RFC 3629) and line feeds per document, int64."""
    for d in range(chars_D.size):
        chars, newlines = 0, 0
        u, stop = np.uint64(start_D1[d]), np.uint64(start_D1[d + 1])
        while u + EIGHT <= stop:
            x = eight_bytes(data_B, u)
            chars += beginnings(x)
            newlines += marked_bytes(equal_bytes(x, np.uint64(0x0A)))
            u += EIGHT
        while u < stop:
            chars += (data_B[u] & 0xC0) != 0x80
            newlines += data_B[u] == 0x0A
            u += np.uint64(1)
        chars_D[d], newlines_D[d] = chars, newlines
