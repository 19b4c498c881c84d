"""Sets of numbers as sorted arrays."""

import numpy as np


def among(members: np.ndarray, values: np.ndarray) -> np.ndarray:
    """bool: which values are among the members, which are sorted. Faster than np.isin, which sorts all of both; most so
    where the values nearly come in order."""
    if not len(members):
        return np.zeros(len(values), bool)
    return members[np.minimum(np.searchsorted(members, values), len(members) - 1)] == values
