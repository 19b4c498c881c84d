"""Many ranges of positions at once, as numpy takes them."""

import numpy as np


def positions(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """int64 of every position of ranges [begin, end), in turn: number of the range, number in it, where it is."""
    size = end - begin
    which = np.repeat(np.arange(size.size), size)
    number = np.arange(which.size) - np.repeat(np.cumsum(size) - size, size)
    return which, number, begin[which] + number
