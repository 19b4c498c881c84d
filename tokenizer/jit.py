"""The decorators of this package's compiled loops, and a cache that an edited helper cannot leave stale.

filters/kernels/jit.py does the same for its kernels; neither package may import the other.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba


def _cache_folder() -> str:
    """A folder named by the text of this package: numba itself watches only the file of the kernel it compiles."""
    text = hashlib.sha256(numba.__version__.encode())
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        text.update(file.read_bytes())
    roots = (os.environ.get(name) for name in ("NUMBA_CACHE_DIR", "GRISTMILL_CACHE", "XDG_CACHE_HOME"))
    root = next(filter(None, roots), None) or Path.home() / ".cache"
    folder = Path(root) / "gristmill" / f"tokenizer-{text.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a worker whose home is read-only still runs; it compiles once per machine start
        folder = Path(tempfile.gettempdir()) / folder.name
        folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


FOLDER = _cache_folder()


def kernel(function: Callable[..., Any]) -> Any:
    """numba.njit without fastmath, cached in FOLDER. numba reads its one setting when it decorates."""
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, FOLDER
    try:
        return numba.njit(nogil=True, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before


inline = numba.njit(nogil=True, inline="always")
"""Decorator of helpers that are compiled into their callers."""
