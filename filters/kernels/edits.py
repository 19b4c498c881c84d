"""Copies a batch with ranges replaced. Letters: B bytes of the batch, E edits, K replacement texts, T their bytes."""

from gristmill.filters.kernels.jit import kernel


@kernel
def splice(data_B, begin, stop, from_E, to_E, text_E, text_T, text_start_K1, out_B):
    """Write data_B[begin:stop] to out_B with each [from_E, to_E) replaced by text number text_E.

    Ranges are positions in data_B, sorted and without overlap: documents need not be known, because the bytes between
    two edits are one run however many documents it holds. out_B is exactly as long as the result.
    """
    o = 0
    read = begin
    for e in range(from_E.size):
        for i in range(read, from_E[e]):
            out_B[o + i - read] = data_B[i]
        o += from_E[e] - read
        first, last = text_start_K1[text_E[e]], text_start_K1[text_E[e] + 1]
        for i in range(first, last):
            out_B[o + i - first] = text_T[i]
        o += last - first
        read = to_E[e]
    for i in range(read, stop):
        out_B[o + i - read] = data_B[i]
