"""Copies a batch with ranges replaced. Letters: B bytes of the batch, E edits, K replacement texts, T their bytes."""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel


@inline
def copied(from_B, begin, end, out_B, o):
    """Write from_B[begin:end] to out_B from byte o on; returns where the next begins, uint64."""
    first = np.uint64(begin)
    length = np.uint64(end) - first
    for i in range(length):
        out_B[o + np.uint64(i)] = from_B[first + np.uint64(i)]
    return o + length


@kernel
def splice(data_B, begin, stop, from_E, to_E, text_E, text_T, text_start_K1, out_B):
    """Write data_B[begin:stop] to out_B with each [from_E, to_E) replaced by text number text_E.

    Ranges are positions in data_B, sorted and without overlap: documents need not be known, because the bytes between
    two edits are one run however many documents it holds. out_B is exactly as long as the result.
    """
    o = np.uint64(0)
    read = begin
    for e in range(from_E.size):
        o = copied(data_B, read, from_E[e], out_B, o)
        o = copied(text_T, text_start_K1[text_E[e]], text_start_K1[text_E[e] + 1], out_B, o)
        read = to_E[e]
    copied(data_B, read, stop, out_B, o)
