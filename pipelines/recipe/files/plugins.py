"""A user's own code: files and installed packages that a recipe names and that declare signals, presets, readers.

What a plugin declares is checked like ours, its bytes are part of every step key that it can change, and it travels
with the recipe: a worker on another machine declares it when the recipe arrives.
"""

import hashlib
import linecache
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gristmill.filters.pii.entities import ENTITIES, try_recognizer
from gristmill.filters.registry import DeclaredError, Registry, declaring, first_line, line_in
from gristmill.filters.signals import SIGNALS, try_signal
from gristmill.pipelines.errors import RecipeError

GROUP = "gristmill.plugins"
"""The entry point group of packages that can be named."""
_declared: tuple["Plugin", ...] = ()
_packages: dict["Plugin", list[tuple[Registry[Any], str, Any]]] = {}
"""What each package declared when it was imported: Python imports it once."""


class Plugin(BaseModel):
    """A Python file, or the entry point of an installed package, as it was when the recipe was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """As the recipe names it: a path, or an entry point of the group `gristmill.plugins`."""
    sha256: str
    source: str = Field("", exclude=True, repr=False)
    """Of a file. A package has to be installed wherever the recipe runs."""

    @property
    def kept_as(self) -> str:
        """Where a run directory keeps a copy of the file; the name of a package."""
        return f"plugins/{self.sha256[:16]}-{Path(self.name).name}" if self.source else self.name


def read_plugin(name: str, folder: Path) -> Plugin:
    """The plugin that a recipe in `folder` names. Raises RecipeError where there is none."""
    if not name.endswith(".py"):
        return Plugin(name=name, sha256=_package_sha256(_entry_point(name)))
    file = folder / Path(name).expanduser()
    try:
        source = file.read_bytes()
        if not source.strip():
            raise RecipeError(
                f"the plugin '{name}' is empty", where=str(file), fix="docs/plugins.md shows one of each kind"
            )
        return Plugin(name=name, sha256=hashlib.sha256(source).hexdigest(), source=source.decode())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        fix = "paths of plugins are relative to the recipe"
        raise RecipeError(f"the plugin '{name}' cannot be read: {why}", where=str(file), fix=fix) from None


def _entry_point(name: str) -> EntryPoint:
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if found:
        return found[0]
    known = sorted({point.name for point in entry_points(group=GROUP)})
    fix = f"name a .py file, or an entry point of the group {GROUP} ({', '.join(known) or 'none is installed'})"
    raise RecipeError(f"no plugin '{name}'", where="the recipe's `plugins`", fix=fix)


def _package_sha256(point: EntryPoint) -> str:
    """Of all Python files of the package that an entry point belongs to."""
    digest = hashlib.sha256(f"{point.value}\0".encode())
    for file in sorted((point.dist.files if point.dist else None) or (), key=str):
        if file.suffix == ".py":
            digest.update(f"{file}\0".encode() + Path(str(file.locate())).read_bytes())
    return digest.hexdigest()


def declare_plugins(plugins: Sequence[Plugin]) -> None:
    """Declare what these plugins hold, and forget what those of an earlier recipe did.

    Raises RecipeError that names the plugin's file and line for code that fails, for a name that is taken, and for a
    signal that does not give a number per document.
    """
    global _declared
    if tuple(plugins) == _declared:
        return
    _withdraw(_declared)
    _declared = ()
    try:
        for plugin in plugins:
            _declare(plugin)
    except RecipeError:
        _withdraw(plugins)
        raise
    _declared = tuple(plugins)


def _withdraw(plugins: Sequence[Plugin]) -> None:
    for plugin in plugins:
        for registry in Registry.everywhere:
            registry.withdraw(plugin.name)


def _declare(plugin: Plugin) -> None:
    tried: Callable[..., Any] | None = None
    try:
        with declaring(plugin.name):
            if plugin.source:
                _execute(plugin)
            else:
                _load(plugin)
        for name in SIGNALS.of(plugin.name):
            tried = SIGNALS[name].compute
            try_signal(name)
        for name in ENTITIES.of(plugin.name):
            tried = ENTITIES[name].find
            try_recognizer(name)
    except RecipeError:
        raise
    except (Exception, SystemExit) as error:
        line = line_in(plugin.name, error) or (tried and first_line(tried, plugin.name))
        said = str(error) if isinstance(error, DeclaredError) else f"{type(error).__name__}: {error}"
        what = f"the plugin '{plugin.name}' fails: {said}"
        where = f"{plugin.name}:{line}" if line else plugin.name
        raise RecipeError(what, where=where, fix="correct it; docs/plugins.md shows one of each kind") from error
    declared = [name for registry in Registry.everywhere for name in registry.of(plugin.name)]
    if not declared:
        fix = "declare something with gristmill.signal, gristmill.preset, gristmill.reader or gristmill.recognizer"
        raise RecipeError(f"the plugin '{plugin.name}' declares nothing", where=plugin.name, fix=fix)


def _load(plugin: Plugin) -> None:
    """Import a package; or where that has happened before, declare again what it declared then."""
    kept = _packages.get(plugin)
    if kept is None:
        _entry_point(plugin.name).load()
        _packages[plugin] = [(r, name, r[name]) for r in Registry.everywhere for name in r.of(plugin.name)]
    for registry, name, value in kept or ():
        registry.declare(name, value)


def _execute(plugin: Plugin) -> None:
    module = types.ModuleType(f"gristmill_plugin_{plugin.sha256[:16]}")
    module.__file__ = plugin.name
    sys.modules[module.__name__] = module  # so that its classes can be pickled
    lines = plugin.source.splitlines(keepends=True)
    linecache.cache[plugin.name] = (len(plugin.source), None, lines, plugin.name)
    exec(compile(plugin.source, plugin.name, "exec"), module.__dict__)


def names(plugins: Iterable[Plugin]) -> dict[str, str]:
    """Name -> sha256: what a step key holds of them."""
    return {plugin.name: plugin.sha256 for plugin in plugins}
