"""RecordBatch columns <-> the flat buffers that kernels read. The only module that knows Arrow's string layout."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa


def text_buffers(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(data_B uint8, start_D1 int64) of a large_string column without copying text; a null reads as an empty document.

    Works on slices: start_D1 indexes data_B directly. Raises TypeError for any other type.
    """
    if not pa.types.is_large_string(column.type):
        raise TypeError(f"text is {column.type}, kernels read large_string")
    _, offsets, data = column.buffers()
    if len(column) == 0 or offsets is None:
        return _frozen(np.zeros(0, np.uint8)), _frozen(np.zeros(len(column) + 1, np.int64))
    start_D1 = np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8)
    data_B = np.frombuffer(data, np.uint8) if data is not None and data.size else _frozen(np.zeros(0, np.uint8))
    return _frozen(data_B), _frozen(start_D1)


def _frozen(array: np.ndarray) -> np.ndarray:
    """Read-only like every view of an Arrow buffer: numba compiles a kernel again for arrays that can be written."""
    array.flags.writeable = False
    return array


def text_column(data_B: np.ndarray, start_D1: np.ndarray) -> pa.Array:
    """The large_string column over flat buffers (uint8, int64); nothing is copied. The bytes must be valid UTF-8."""
    return pa.LargeStringArray.from_buffers(len(start_D1) - 1, pa.py_buffer(start_D1), pa.py_buffer(data_B))


def each_value(column: pa.Array) -> Iterator[memoryview]:
    """The bytes of every value of a large_binary column without nulls, where they lie."""
    _, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8).tolist()
    view = memoryview(data if data is not None else b"")
    return (view[start:end] for start, end in pairwise(starts))
