"""What other packages import on their own account and nothing of ours uses: kept out, or put off until it is used."""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
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
        if name == "__path__":  # `from x import y` asks whether there are modules below x: that is no use of it
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _Hooks:
    """Finds what is imported like everybody else does, and changes how some of it is loaded."""

    def __init__(self) -> None:
        self.around: dict[str, Callable[[], AbstractContextManager[Any]]] = {}
        self.on_demand: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        context, on_demand = self.around.pop(name, None), name.partition(".")[0] in self.on_demand
        spec = PathFinder.find_spec(name, path) if context or on_demand else None
        if spec is None or spec.loader is None:
            return None
        load: Callable[[ModuleType], None] = spec.loader.exec_module
        if on_demand and spec.submodule_search_locations is not None:
            load = _load_names_on_demand

        def load_within(module: ModuleType) -> None:
            with context() if context else nullcontext():
                load(module)

        spec.loader.exec_module = load_within  # type: ignore[method-assign]
        return spec


def _load_names_on_demand(package: ModuleType) -> None:
    """Run a package's `__init__`, but for what it imports from itself: that is imported when it is asked for."""
    assert package.__file__ is not None
    tree = ast.parse(Path(package.__file__).read_bytes())
    places: dict[str, tuple[str, str]] = {}
    for node in list(tree.body):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = importlib.util.resolve_name("." * node.level + (node.module or ""), package.__name__)
        if module.partition(".")[0] == package.__name__.partition(".")[0]:
            places |= {alias.asname or alias.name: (module, alias.name) for alias in node.names}
            tree.body.remove(node)

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module '{package.__name__}' has no attribute '{name}'")
        module, there = places[name]
        value = package.__dict__[name] = getattr(importlib.import_module(module), there)
        return value

    package.__dict__["__getattr__"] = find
    for used in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & places.keys():
        find(used)
    exec(compile(tree, package.__file__, "exec"), package.__dict__)


_hooks = _Hooks()
sys.meta_path.insert(0, _hooks)


def around_import(package: str, context: Callable[[], AbstractContextManager[Any]]) -> None:
    """Load a package within a context, whoever imports it first. Nothing happens where it is loaded."""
    if package not in sys.modules:
        _hooks.around[package] = context


def names_on_demand(package: str) -> None:
    """Load of a package with large gathering `__init__` files only the modules whose names are asked for.

    Nothing happens where it is loaded.
    """
    if package not in sys.modules:
        _hooks.on_demand.add(package)
