"""Sizes of documents that need no decoding."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets.
from gristmill.filters.kernels.jit import kernel


@kernel
def count_sizes(data_B, start_D1, chars_D, newlines_D):
    """Code points (bytes that are not 10xxxxxx, RFC 3629) and line feeds per document, int64."""
    for d in range(chars_D.size):
        chars, newlines = 0, 0
        for i in range(start_D1[d], start_D1[d + 1]):
            chars += (data_B[i] & 0xC0) != 0x80
            newlines += data_B[i] == 0x0A
        chars_D[d], newlines_D[d] = chars, newlines
