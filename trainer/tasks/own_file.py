"""Functions and classes from a user's own Python file, named `my_file.py:name`."""

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from gristmill.trainer.errors import ConfigError


def is_own(name: str) -> bool:
    """Whether the name is that of something in a file."""
    return name.rpartition(":")[0].endswith(".py")


def load(name: str, what: str) -> Any:
    """The object `name` of a file, which is run. Raises ConfigError where there is none, or the file fails."""
    file, _, attribute = name.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ConfigError(f"the {what}'s file is not there", where=file, fix="check the path: FILE.py:NAME")
    module_name = "own_" + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their own module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"the {what}'s file fails: {fault(error, path)}", where=file, fix="mend it: it must import by itself"
        ) from error
    if not hasattr(module, attribute):
        there = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise ConfigError(
            f"no {attribute!r} in the {what}'s file", where=file, fix=f"it has: {', '.join(there) or 'nothing'}"
        )
    return getattr(module, attribute)


def fault(error: BaseException, path: Path | None = None) -> str:
    """The kind of an error and the line of the file where it arose; not its message, which may quote a document."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if path is None or Path(trace.tb_frame.f_code.co_filename).name == path.name:
            line = trace.tb_lineno
        trace = trace.tb_next
    line = error.lineno if isinstance(error, SyntaxError) else line
    return type(error).__name__ + (f" in line {line}" if line else "")
