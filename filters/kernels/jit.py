"""The one place that knows numba: options, and a cache folder that an edited kernel cannot go stale in.

numba is imported when a kernel is first called: whoever only names signals and rules does without (half a second).
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from functools import cache, cached_property, update_wrapper
from pathlib import Path
from types import ModuleType
from typing import Any

from gristmill.filters.imports import standing_in, without


def _cache_folder(version: str) -> Path:
    """A folder named by the text of every kernel: numba itself watches only the file of the kernel it compiles."""
    text = hashlib.sha256(version.encode())
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        text.update(file.read_bytes())
    root = os.environ.get("GRISTMILL_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "gristmill" / f"kernels-{text.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a worker whose home is read-only still runs; it compiles once per process tree
        folder = Path(tempfile.gettempdir()) / folder.name
        folder.mkdir(parents=True, exist_ok=True)
    return _writable(folder)


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


def _without_unused() -> AbstractContextManager[None]:
    """SciPy (linear algebra) and cffi, which numba takes where they are: no kernel uses them."""
    return without("scipy", "cffi")


@cache
def _numba() -> ModuleType:
    """numba, its cache folder set."""
    with _without_unused():
        import numba
    if "NUMBA_CACHE_DIR" not in os.environ:
        numba.config.CACHE_DIR = str(_cache_folder(numba.__version__))
    return numba


@cache
def _compiled_before() -> type:
    """numba's cache of one kernel, without the tables of all functions that numba fills before it looks whether it has
    to compile: a fifth of a second, and sixty modules. Its compiler fills them too."""
    from numba.core import environment
    from numba.core.caching import FunctionCache
    from numba.core.runtime import rtsys

    environment._rebuild_env = _without_its_module(environment._rebuild_env)

    class CompiledBefore(FunctionCache):
        def load_overload(self, sig: Any, target_context: Any) -> Any:
            rtsys.initialize(target_context)  # what compiled code allocates with
            with _without_unused():  # what was compiled names modules of numba's; its compiler imports all of them
                with self._guard_against_spurious_io_errors():
                    found = self._load_overload(sig, target_context)
                if found is None:
                    target_context.refresh()
            return found

    return CompiledBefore


def _without_its_module(rebuild: Callable[..., Any]) -> Callable[..., Any]:
    """What makes the environment of a compiled function, without importing the module that it is from where that is one
    of numba's: only functions that were not compiled look names up there, and those of arrays take 25 ms to import."""

    def rebuilt(module: str, constants: Any, name: str) -> Any:
        with standing_in(ModuleType(module)) if module.startswith("numba.") else nullcontext():
            return rebuild(module, constants, name)

    return rebuilt


def cache_folder() -> Path:
    """Where compiled kernels lie."""
    return Path(_numba().config.CACHE_DIR)


@cache
def _room_folder(room: Path) -> Path:
    """Where those of one package lie: outside this one, in a folder named by the text of its modules and of those that
    they import near by, because a kernel there takes in helpers and constants of these, and of those here."""
    if room == Path(__file__).parent:
        return cache_folder()
    text = hashlib.sha256()
    for _, modules in sorted(_rooms_of_kernels(room).items()):
        text.update(modules)
    return cache_folder() / f"{room.name}-{text.hexdigest()[:16]}"


_ROOT = Path(__file__).resolve().parents[2]
_IMPORTED = re.compile(rb"^from gristmill\.([\w.]+) import", re.MULTILINE)


def _rooms_of_kernels(room: Path) -> dict[Path, bytes]:
    """Text of the modules of a package, and of the packages with kernels that they import, these theirs, and so on:
    below the same two folders, `filters/pii`, as no kernel takes in one of further away but for those here."""
    found: dict[Path, bytes] = {}
    seen, left = {room}, [room]
    while left:
        here = left.pop()
        text = b"".join(file.read_bytes() for file in sorted(here.glob("*.py")))
        if here != room and b"kernels.jit import" not in text:
            continue
        found[here] = text
        for name in _IMPORTED.findall(text):
            module = _ROOT.joinpath(*name.decode().split("."))
            other = module if module.is_dir() else module.parent
            if other not in seen and other.parts[: len(_ROOT.parts) + 2] == room.parts[: len(_ROOT.parts) + 2]:
                seen.add(other)
                left.append(other)
    return found


_INTERPRETED = ContextVar("interpreted", default=False)
"""Whether a kernel runs as Python now, so that its helpers do."""


class Kernel:
    """A loop that is compiled, or loaded from the cache, for the types that it is first called with.

    No fastmath: signals meet thresholds and must not depend on the CPU.
    """

    def __init__(self, function: Callable[..., Any], *, cached: bool):
        update_wrapper(self, function)
        self.py_func, self._cached = function, cached
        self._meanwhile: Callable[..., Any] | None = None
        self._left = 0

    def __call__(self, *args: Any) -> Any:
        """Run it."""
        if _INTERPRETED.get():
            return self.py_func(*args)
        if self._meanwhile is not None and self._left > 0 and not _numba.cache_info().currsize:
            self._left -= args[0].size
            if self._left >= 0:
                return self._meanwhile(*args)
        return self.compiled(*args)

    def interpreted(self, *args: Any) -> Any:
        """Run it as Python, its helpers too."""
        token = _INTERPRETED.set(True)
        try:
            return self.py_func(*args)
        finally:
            _INTERPRETED.reset(token)

    def without_numba(self, most: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator of a function that does the same: whoever asks about little, before anything has loaded numba, is
        done before that would be. `most`: elements of the first argument, of all calls together."""

        def taken(function: Callable[..., Any]) -> Callable[..., Any]:
            self._meanwhile, self._left = function, most
            return function

        return taken

    @cached_property
    def compiled(self) -> Any:
        """numba's dispatcher. It looks helpers up in the module's globals, where it has to find dispatchers too.

        Compiled without what C would call it by. What Python would call it by stays, of helpers too: a dispatcher
        without that dies where Python calls it.
        """
        names = self.py_func.__globals__
        for name in self.py_func.__code__.co_names:
            if isinstance(helper := names.get(name), Kernel):
                names[name] = helper.compiled
        numba, room = _numba(), Path(self.py_func.__code__.co_filename).resolve().parent
        # numba reads its one setting for the cache's place when it decorates.
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(_room_folder(room))
        try:
            made = numba.njit(nogil=True, no_cfunc_wrapper=True)(self.py_func)
            if self._cached:
                made._cache = _compiled_before()(self.py_func)
            return made
        finally:
            numba.config.CACHE_DIR = before


class Instruction(Kernel):
    """A helper that is one instruction, where LLVM makes more of what it says in Python.

    emit(context, builder, types, arguments): numba's and llvmlite's; what it returns is the result, a uint64.
    """

    def __init__(self, function: Callable[..., Any], emit: Callable[..., Any]):
        super().__init__(function, cached=False)
        self._emit = emit

    def __call__(self, *args: Any) -> Any:
        """As Python, which cannot call an intrinsic."""
        return self.py_func(*args)

    @cached_property
    def compiled(self) -> Any:
        """numba's intrinsic."""
        _numba()
        from numba.core import types
        from numba.core.extending import intrinsic

        def typed(*kinds: Any) -> Any:
            taken = [types.uint64 if isinstance(kind, types.Integer) else kind for kind in kinds]

            def code(context: Any, builder: Any, __: Any, arguments: Any) -> Any:
                return self._emit(context, builder, taken, arguments)

            return types.uint64(*taken), code

        if self.py_func.__code__.co_argcount == 1:  # numba takes an intrinsic with * to be one of a tuple
            return intrinsic(lambda _, kind: typed(kind))
        return intrinsic(lambda _, kind, other: typed(kind, other))


def instruction(emit: Callable[..., Any]) -> Callable[[Callable[..., Any]], Kernel]:
    """Decorator of helpers of one argument or two that are one instruction; their integers are uint64."""
    return lambda function: Instruction(function, emit)


def kernel(function: Callable[..., Any]) -> Kernel:
    """Decorator of compiled loops that Python calls; their helpers lie with them in the cache."""
    return Kernel(function, cached=True)


def inline(function: Callable[..., Any]) -> Kernel:
    """Decorator of the helpers that are compiled into their callers."""
    return Kernel(function, cached=False)
