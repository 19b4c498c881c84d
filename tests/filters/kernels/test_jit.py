"""Compiled loops and their helpers: what Python may call, and what lies in the cache."""

import sys

from gristmill.filters.kernels.jit import cache_folder, inline, kernel


@inline
def _twice(x):
    return 2 * x


@kernel
def _four_times(x):
    return _twice(x) * 2


def test_helper__is_called_by_kernels_and_by_python() -> None:
    assert _four_times(3) == 12
    assert sys.modules[__name__]._twice(4) == 8  # what the kernel left in the module's globals


def test_cache__holds_kernels_with_their_helpers() -> None:
    assert _four_times(3) == 12
    held = {file.name.split("-")[0] for file in cache_folder().rglob("test_jit.*")}
    assert held == {"test_jit._four_times"}
