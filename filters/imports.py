"""What other packages import on their own account and nothing of ours uses: kept out, or put off until it is used."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Within, importing a package that is not loaded yet fails as if it were not installed; afterwards it does not.

    For what a library takes as optional: it has a path of its own for machines that lack the package.
    """
    hidden = [name for name in packages if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name, name) is None:
                del sys.modules[name]


@contextmanager
def standing_in(*modules: ModuleType) -> Iterator[None]:
    """Within, importing these names gives these modules, unless the real ones are loaded already."""
    placed = [module for module in modules if module.__name__ not in sys.modules]
    sys.modules.update({module.__name__: module for module in placed})
    try:
        yield
    finally:
        for module in placed:
            if sys.modules.get(module.__name__) is module:
                del sys.modules[module.__name__]


class Later(ModuleType):
    """Stands in for a module that `import x` asks for: the real one is loaded when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _Around:
    """Finds the packages of `around_import` like everybody else does, and loads them within their context."""

    def __init__(self) -> None:
        self.contexts: dict[str, Callable[[], AbstractContextManager[Any]]] = {}

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        context = self.contexts.pop(name, None)
        spec = importlib.util.find_spec(name) if context else None
        if spec is None or spec.loader is None or context is None:
            return None
        load = spec.loader.exec_module

        def load_within(module: ModuleType) -> None:
            with context():
                load(module)

        spec.loader.exec_module = load_within  # type: ignore[method-assign]
        return spec


_around = _Around()
sys.meta_path.insert(0, _around)


def around_import(package: str, context: Callable[[], AbstractContextManager[Any]]) -> None:
    """Load a top-level package within a context, whoever imports it first. Nothing happens where it is loaded."""
    if package not in sys.modules:
        _around.contexts[package] = context
