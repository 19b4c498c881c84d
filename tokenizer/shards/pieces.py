"""Documents cut into pieces, and pieces sorted by row: compiled parts of packing.py.

Letters: D documents; P pieces of documents, in document order; R rows, R1 = R + 1.
"""

import numpy as np

from gristmill.tokenizer.jit import kernel


@kernel
def count_pieces(length_D, row_length):
    """How many pieces of at most row_length tokens the documents make; an empty document makes none."""
    pieces = 0
    for d in range(length_D.size):
        pieces += (length_D[d] + row_length - 1) // row_length
    return pieces


@kernel
def split_documents(length_D, row_length, document_P, start_P, length_P):
    """Cut every document into pieces of row_length tokens and a rest."""
    p = 0
    for d in range(length_D.size):
        for start in range(0, length_D[d], row_length):
            document_P[p] = d
            start_P[p] = start
            length_P[p] = min(row_length, length_D[d] - start)
            p += 1


@kernel
def count_chunks(length_D, row_length):
    """How many pieces the documents make when a row ends after every row_length of their tokens."""
    pieces = 0
    tokens = np.int64(0)
    for d in range(length_D.size):
        if length_D[d] > 0:
            last = tokens + length_D[d] - 1
            pieces += last // row_length - tokens // row_length + 1
            tokens += length_D[d]
    return pieces


@kernel
def chunk_documents(length_D, row_length, document_P, start_P, length_P, row_P):
    """Cut documents, one after the other, where a row is full; returns the number of rows."""
    p = 0
    row = room = 0
    for d in range(length_D.size):
        start = 0
        while start < length_D[d]:
            if room == 0:
                row, room = row + 1, row_length
            taken = min(room, length_D[d] - start)
            document_P[p] = d
            start_P[p] = start
            length_P[p] = taken
            row_P[p] = row - 1
            start += taken
            room -= taken
            p += 1
    return row


@kernel
def look_up(table, number_P):
    """Every number becomes what the table holds at it, in place."""
    for p in range(number_P.size):
        number_P[p] = table[number_P[p]]


@kernel
def order_by_row(row_P, end_R1, order_P):
    """order: the pieces by row, within a row in their order (a counting sort). end_R1 comes zeroed, and holds where
    each row ends in that order; its last value means nothing."""
    for p in range(row_P.size):
        end_R1[row_P[p] + 1] += 1
    for r in range(1, end_R1.size):
        end_R1[r] += end_R1[r - 1]
    for p in range(row_P.size):
        order_P[end_R1[row_P[p]]] = p
        end_R1[row_P[p]] += 1


@kernel
def fill_rows(end_R1, row_P):
    """The rows of the pieces in that order."""
    p = 0
    for r in range(end_R1.size - 1):
        while p < end_R1[r]:
            row_P[p] = r
            p += 1


@kernel
def row_starts(row_P, first_R1):
    """Where each row's pieces begin, and behind the last one; row_P rises. first_R1 comes zeroed."""
    for p in range(row_P.size):
        first_R1[row_P[p] + 1] = p + 1
    for r in range(1, first_R1.size):
        first_R1[r] = max(first_R1[r], first_R1[r - 1])
