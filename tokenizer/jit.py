"""The decorators of this package's compiled loops, and a cache that an edited helper cannot leave stale.

numba is imported when one of them is first called. filters/kernels/jit.py does the same for its kernels; neither
package may import the other.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from pathlib import Path
from typing import Any


def _writable(folder: Path) -> Path:
    """The folder, or a copy of it: numba does not read what others compiled where it cannot write, as in a container
    whose image holds the compiled loops and is read-only."""
    if os.access(folder, os.W_OK):
        return folder
    copy = Path(tempfile.gettempdir()) / folder.name
    if not copy.exists():
        part = copy.with_name(f"{copy.name}-{os.getpid()}")
        shutil.copytree(folder, part)
        try:
            os.rename(part, copy)
        except OSError:  # another process was first
            shutil.rmtree(part, ignore_errors=True)
    return copy


@cache
def _cache_folder(version: str) -> str:
    """A folder named by the text of this package: numba itself watches only the file of the kernel it compiles."""
    text = hashlib.sha256(version.encode())
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
    return str(_writable(folder))


@cache
def _compiled_before() -> type:
    """numba's cache of one kernel, without the tables that only its compiler needs: it fills them itself."""
    from numba.core.caching import FunctionCache
    from numba.core.runtime import rtsys

    class CompiledBefore(FunctionCache):
        def load_overload(self, sig: Any, target_context: Any) -> Any:
            rtsys.initialize(target_context)  # what compiled code allocates with
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)

    return CompiledBefore


class Kernel:
    """A loop that is compiled, or loaded from the cache, when it is first called. Without fastmath."""

    def __init__(self, function: Callable[..., Any], *, cached: bool = True, **options: Any):
        update_wrapper(self, function)
        self.py_func, self._cached, self._options = function, cached, options

    def __call__(self, *args: Any) -> Any:
        """Run it."""
        return self.compiled(*args)

    @cached_property
    def compiled(self) -> Any:
        """numba's dispatcher; the kernels that it calls are made dispatchers, too, where it looks them up."""
        import numba

        names = self.py_func.__globals__
        for name in self.py_func.__code__.co_names:
            if isinstance(called := names.get(name), Kernel):
                names[name] = called.compiled
        # numba reads its one setting for the cache's place when it decorates.
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, _cache_folder(numba.__version__)
        try:
            made = numba.njit(nogil=True, **self._options)(self.py_func)
            if self._cached:
                made._cache = _compiled_before()(self.py_func)
            return made
        finally:
            numba.config.CACHE_DIR = before


def kernel(function: Callable[..., Any]) -> Kernel:
    """Decorator of compiled loops."""
    return Kernel(function)


def inner(function: Callable[..., Any]) -> Kernel:
    """Decorator of loops that only other kernels call: compiled sooner, since Python cannot call them."""
    return Kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def inline(function: Callable[..., Any]) -> Kernel:
    """Decorator of helpers that are compiled into their callers."""
    return Kernel(function, cached=False, inline="always")
