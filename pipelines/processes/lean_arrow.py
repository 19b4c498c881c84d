"""pyarrow.compute, imported without writing its three hundred functions: each when it is first asked for.

Signatures and docstrings of all of them are a third of what loading pyarrow takes, and a run uses some sixty.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gristmill.filters.imports import around_import

NAMED_WHILE_LOADING = ("utf8_zero_fill",)
"""Functions that pyarrow.compute itself names before it is loaded."""
OF_PYTHON = {"and": "and_", "or": "or_"}
"""Names that Python has for words of its own, by Arrow's."""


class _Few:
    """The registry of functions as it lists them while pyarrow.compute is loaded."""

    def __init__(self, registry: Any):
        self.get_function = registry.get_function

    def list_functions(self) -> list[str]:
        """Those that have to be there."""
        return list(NAMED_WHILE_LOADING)


def _when_asked(compute: Any, registry: Callable[[], Any]) -> Callable[[str], Any]:
    """`__getattr__` of the module, which writes a function as the module itself would have done."""

    of_arrow = {python: arrow for arrow, python in OF_PYTHON.items()}

    def written(name: str) -> Any:
        try:
            function = registry().get_function(of_arrow.get(name, name))
        except KeyError:
            function = None
        # What only groups call, and what takes no argument, has no name in the module.
        kind = function.kind if function is not None else "hash_aggregate"
        if kind == "hash_aggregate" or (kind == "scalar_aggregate" and function.arity == 0):
            raise AttributeError(f"module 'pyarrow.compute' has no attribute '{name}'")
        made = compute.__dict__[name] = compute._wrap_function(OF_PYTHON.get(name, name), function)
        return made

    return written


@contextmanager
def _without_functions() -> Iterator[None]:
    from pyarrow import _compute

    registry = _compute.function_registry
    _compute.function_registry = lambda: _Few(registry())
    try:
        yield
    finally:
        _compute.function_registry = registry
    compute = sys.modules["pyarrow.compute"]
    compute.function_registry = registry  # type: ignore[attr-defined]
    compute.__getattr__ = _when_asked(compute, registry)  # type: ignore[method-assign]


around_import("pyarrow.compute", _without_functions)
