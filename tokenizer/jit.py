"""The decorator of this package's compiled loops (it may not import filters, which has its own)."""

from collections.abc import Callable
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Any:
    """numba.njit, cached on disk. numba's cache watches the kernel's own file only: keep its helpers beside it."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder is writable (read-only image): compiled once per process instead
        return numba.njit(nogil=True)(function)


inline = numba.njit(nogil=True, inline="always")
"""Decorator of helpers that are compiled into their callers."""
