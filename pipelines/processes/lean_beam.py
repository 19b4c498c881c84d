"""Apache Beam, imported without the connectors that nothing here uses: in half the time, of every run and worker.

Beam imports its MongoDB and BigQuery connectors where their clients are installed, and beartype (300 modules) for one
function that compares unusual type hints. The clients themselves can still be imported, by their own names. So can
NumPy's type hints, which it imports for the annotations of one module. Avro, encryption and proto-plus are loaded where
something of theirs is called. And Beam looks at the signatures of all methods of a DoFn six times a graph and once a
bundle: here once a class, which were a fifth of the time of a small run; for the type hints of a function it looks anew
in every graph: here once, which was a third of a second graph's time.
"""

import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from types import FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from gristmill.filters.imports import Later, around_import, standing_in, without


class _DoorError(Exception):
    """Stands for beartype's: a hint that it cannot compare."""


def _is_subhint(sub: Any, base: Any) -> bool:
    """beartype's own, loaded where Beam first asks it."""
    from beartype.door import is_subhint
    from beartype.roar import BeartypeDoorException

    try:
        return is_subhint(sub, base)
    except BeartypeDoorException as error:
        raise _DoorError(str(error)) from error


def _beartype() -> list[ModuleType]:
    """Modules that `from beartype.door import is_subhint` is satisfied with."""
    modules = [ModuleType(name) for name in ("beartype", "beartype.door", "beartype.roar")]
    modules[1].__dict__["is_subhint"] = _is_subhint
    modules[2].__dict__["BeartypeDoorException"] = _DoorError
    return modules


def _called_later(name: str, *functions: str) -> ModuleType:
    """A module of some functions or classes; the real one is loaded when one of them is first called."""

    def later(function: str) -> Callable[..., Any]:
        return lambda *args, **options: getattr(importlib.import_module(name), function)(*args, **options)

    module = ModuleType(name)
    module.__dict__.update({function: later(function) for function in functions})
    return module


def _avro_and_encryption() -> list[ModuleType]:
    return [
        _called_later("fastavro", "parse_schema", "reader", "schemaless_reader", "schemaless_writer"),
        _called_later("fastavro.read", "block_reader"),
        _called_later("fastavro.write", "Writer"),
        _called_later("cryptography"),
        _called_later("cryptography.fernet", "Fernet"),
    ]


@contextmanager
def _lean() -> Iterator[None]:
    logging.getLogger("apache_beam.io.mongodbio").setLevel(logging.ERROR)  # it warns where it finds no client
    later = (Later("boto3"), Later("httplib2"), Later("proto"), *_avro_and_encryption())
    unused = ("pymongo", "bson", "apache_beam.io.gcp.bigquery", "google.api_core", "google.auth", "google.cloud")
    with without(*unused), standing_in(*_beartype(), *later):
        yield
    from apache_beam.transforms import core, userstate
    from apache_beam.typehints import decorators

    userstate.get_dofn_specs = _once_a_class(userstate.get_dofn_specs)
    core.get_signature = decorators.get_signature = _once_a_function(decorators.get_signature)
    decorators.IOTypeHints.from_callable = staticmethod(_once_a_function(decorators.IOTypeHints.from_callable))


def _once_a_class(look: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What is found in the methods of an object, looked for once in each class; anew where the object has its own."""
    known: dict[type, Any] = {}

    @wraps(look)
    def found(dofn: Any) -> Any:
        if any(isinstance(value, MethodType) for value in vars(dofn).values()):
            return look(dofn)
        if type(dofn) not in known:
            known[type(dofn)] = look(dofn)
        return known[type(dofn)]

    return found


def _once_a_function(look: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What is found of a function, or of a method whatever its object, looked for once; of all else each time."""
    functions, methods = WeakKeyDictionary[Any, Any](), WeakKeyDictionary[Any, Any]()

    @wraps(look)
    def found(function: Any) -> Any:
        known, key = (methods, function.__func__) if isinstance(function, MethodType) else (functions, function)
        if not isinstance(key, FunctionType):
            return look(function)
        if key not in known:
            known[key] = look(function)
        return known[key]

    return found


def _without_hints() -> AbstractContextManager[None]:
    """NumPy loads all its type hints for those of one module: a third of its time."""
    hints = ModuleType("numpy._typing")
    hints.__dict__["NDArray"] = list  # anything that takes a subscript
    return standing_in(hints)


around_import("apache_beam", _lean)
around_import("numpy", _without_hints)
