"""Edits of a batch put together, and its text copied with ranges replaced.

Letters: B bytes of the batch, D1 = D + 1 offsets, E, F, L edits (F: of the first round, L: of the one after it),
K replacement texts, T their bytes.
"""

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


@kernel
def in_order(doc_F, start_F, end_F, doc_L, start_L, end_L, order_E):
    """The order of the edits of L and behind them those of F by document, start, longest first; L's before equal ones
    of F. Both are sorted so."""
    f, e = 0, 0
    for n in range(order_E.size):
        later = f == doc_F.size
        if not later and e < doc_L.size:
            later = doc_L[e] < doc_F[f] or (
                doc_L[e] == doc_F[f]
                and (start_L[e] < start_F[f] or (start_L[e] == start_F[f] and end_L[e] >= end_F[f]))
            )
        order_E[n] = e if later else doc_L.size + f
        e += later
        f += not later


@kernel
def join(doc_E, start_E, end_E, kind_E, cut_E, first_E, reach_E):
    """Sorted edits as ranges that do not overlap: each begins as the edit first_E and ends at reach_E; their number.

    Overlapping ones become one; so do touching cuts (cut_E, bool) of one kind.
    """
    n = -1
    for e in range(doc_E.size):
        if n >= 0 and doc_E[e] == doc_E[first_E[n]]:
            one = first_E[n]
            alike = kind_E[e] == kind_E[one] and cut_E[e] and cut_E[one]
            if start_E[e] < reach_E[n] or (start_E[e] == reach_E[n] and alike):
                reach_E[n] = max(reach_E[n], end_E[e])
                continue
        n += 1
        first_E[n], reach_E[n] = e, end_E[e]
    return n + 1


@kernel
def first_inside(data_B, start_D1, doc_E, from_E, to_E):
    """The first edit that leaves its document or cuts a character of UTF-8; their number where there is none."""
    for e in range(doc_E.size):
        stop = start_D1[doc_E[e] + 1]
        if to_E[e] > stop or (to_E[e] < stop and data_B[to_E[e]] & 0xC0 == 0x80) or data_B[from_E[e]] & 0xC0 == 0x80:
            return e
    return doc_E.size
