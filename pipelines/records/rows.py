"""Rows of structured numpy arrays: what shuffles carry and parts hold, packed."""

from collections.abc import Iterable

import numpy as np


def pick(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """rows[at] of a structured array, ten times faster: as opaque items, rows are copied whole and not by field."""
    return np.take(rows.view(f"V{rows.itemsize}"), at).view(rows.dtype)


def rows_of(values: Iterable[bytes], dtype: np.dtype) -> np.ndarray:
    """The rows of all blocks of a partition, in order of arrival, which means nothing: sort before you rely on it."""
    return np.frombuffer(b"".join(values), dtype)


def mixed(values: np.ndarray) -> np.ndarray:
    """uint64 hashes of uint64 values: MurmurHash3's finaliser, for `spread` over numbers that are not hashes."""
    h = values.astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ (h >> np.uint64(33))) * np.uint64(factor)
    return h ^ (h >> np.uint64(33))
