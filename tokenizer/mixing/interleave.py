"""Which group every row is of: an order in which each group has, at every place, what its share makes it due.

Letters: C cells, each a group of rows; R rows of the order.
"""

import numpy as np

from gristmill.tokenizer.jit import inline, kernel

MOST_CELLS = 1 << 16


def interleaved(count_C: np.ndarray) -> np.ndarray:
    """uint16 (R,): the cell of every row; cell c stands count_C[c] times (int64), R is their sum.

    After every k rows, each cell c has been given k * count_C[c] / R rows, off by less than one (by half a row
    where there are two): Tijdeman's solution of the chairman assignment problem (Discrete Mathematics 32, 1980), done
    as earliest deadline first over whole numbers. So any stretch of 1,000 rows of two cells has their shares
    within a row, and with more of them within two. No chance is in it: equal counts give equal orders.
    """
    cell_R = np.empty(int(count_C.sum()), np.uint16)
    held = np.flatnonzero(count_C)
    if len(held) == 1:
        cell_R[:] = held[0]
    elif len(held):
        _by_deadline(count_C[held].astype(np.int64), cell_R)
        cell_R = held.astype(np.uint16)[cell_R]
    return cell_R


@kernel
def _by_deadline(count_C, cell_R):
    """Every row goes to the cell whose next row is due first, among those that may have one already."""
    cells, rows, slack = count_C.size, cell_R.size, 2 * count_C.size - 2
    given_C = np.zeros(cells, np.int64)
    waiting, ready = np.empty(cells, np.int64), np.empty(cells, np.int64)  # heaps of time * cells + cell
    waits = readies = 0
    for c in range(cells):
        waits = _push(waiting, waits, _release(rows, count_C[c], 0, slack) * cells + c)
    for k in range(1, rows + 1):
        while waits and waiting[0] // cells <= k:
            c = waiting[0] % cells
            waits = _pop(waiting, waits)
            readies = _push(ready, readies, _deadline(rows, count_C[c], given_C[c], slack) * cells + c)
        c = ready[0] % cells
        readies = _pop(ready, readies)
        cell_R[k - 1] = c
        given_C[c] += 1
        if given_C[c] < count_C[c]:
            waits = _push(waiting, waits, _release(rows, count_C[c], given_C[c], slack) * cells + c)


@inline
def _release(rows, count, given, slack):
    """The first k with k * count / rows >= given + 1 / slack: before it, one more would be too much."""
    whole, rest = (rows * given) // count, (rows * given) % count
    return whole - (-(rest * slack + rows)) // (count * slack)


@inline
def _deadline(rows, count, given, slack):
    """The first k with k * count / rows > given + 1 - 1 / slack: there, none more would be too little."""
    whole, rest = (rows * (given + 1)) // count, (rows * (given + 1)) % count
    return whole + (rest * slack - rows) // (count * slack) + 1


@inline
def _push(heap, size, key):
    """The size of a heap, smallest first, after one more key."""
    at = size
    while at > 0 and heap[(at - 1) // 2] > key:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = key
    return size + 1


@inline
def _pop(heap, size):
    """The size of a heap after its smallest key has left."""
    last, at, left = heap[size - 1], 0, size - 1
    while 2 * at + 1 < left:
        child = 2 * at + 1
        if child + 1 < left and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= last:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = last
    return left


@kernel
def rows_in_order(cell_R, next_C, row_N, epoch_N, row_R, epoch_R):
    """Each cell's rows, which lie one after the other in row_N and epoch_N from next_C on, at the places that are its
    own; next_C moves on."""
    for r in range(cell_R.size):
        at = next_C[cell_R[r]]
        row_R[r] = row_N[at]
        epoch_R[r] = epoch_N[at]
        next_C[cell_R[r]] = at + 1
