"""The one place that knows numba: options, and a cache folder that an edited kernel cannot go stale in."""

import hashlib
import os
import tempfile
from pathlib import Path

import numba


def _cache_folder() -> Path:
    """A folder named by the text of every kernel: numba itself watches only the file of the kernel it compiles."""
    text = hashlib.sha256(numba.__version__.encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        text.update(file.read_bytes())
    root = os.environ.get("GRISTMILL_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "gristmill" / f"kernels-{text.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a worker whose home is read-only still runs; it compiles once per process tree
        folder = Path(tempfile.gettempdir()) / folder.name
        folder.mkdir(parents=True, exist_ok=True)
    return folder


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())

kernel = numba.njit(nogil=True, cache=True)
"""Decorator of every compiled loop. No fastmath: signals meet thresholds and must not depend on the CPU."""

inline = numba.njit(nogil=True)
"""Decorator of the helpers that are compiled into their callers."""
