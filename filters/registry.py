"""What can be declared by name, and by whom: a module of ours, a plugin that a recipe names, a notebook."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
OURS = "gristmill"
SESSION = "this session"
"""A notebook, or whoever else declares at the prompt: a cell that is run again declares again."""


class DeclaredError(Exception):
    """Declared code of a user's own gave what it must not give. The message never holds text of a document."""


_declaring: ContextVar[str | None] = ContextVar("declaring", default=None)


class Registry(dict[str, T]):
    """Name -> what stands for it. A name belongs to who declared it first; only a session may declare its own again."""

    everywhere: ClassVar[list["Registry"]] = []
    """All there are: what a plugin can add to."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.makers: list[Callable[[str], T | None]] = []
        """Of values that are too many to declare: name -> value, None for a name of somebody else's. Not listed."""
        Registry.everywhere.append(self)
        self._origin: dict[str, str] = {}
        self._complete = False

    def __missing__(self, name: str) -> T:
        for make in self.makers:
            if (made := make(name)) is not None:
                return made
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or any(make(str(name)) is not None for make in self.makers)

    def declare(self, name: str, value: T) -> T:
        """Add under a name. Raises ValueError where the name is somebody else's, or stands twice in one plugin."""
        origin = _declaring.get() or (SESSION if self._complete else OURS)
        owner = self._origin.get(name)
        if owner is not None and not owner == origin == SESSION:
            whose = "Gristmill's own" if owner == OURS else f"declared by {owner}"
            raise ValueError(f"the {self.kind} '{name}' is {whose} already; choose another name")
        self._origin[name] = origin
        self[name] = value
        return value

    def complete(self) -> None:
        """All of ours are declared: what no plugin declares from here on is the session's."""
        self._complete = True

    def of(self, origin: str) -> list[str]:
        """The names that somebody declared, in order."""
        return [name for name, owner in self._origin.items() if owner == origin]

    def withdraw(self, origin: str) -> None:
        """Forget what somebody declared."""
        for name in self.of(origin):
            del self._origin[name], self[name]


def line_in(file: str, error: BaseException) -> int | None:
    """The last line of a file that an error went through."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    return next((f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == file), None)


def first_line(function: Callable[..., Any], file: str) -> int | None:
    """Where a function begins, if that is in this file."""
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if code is not None and code.co_filename == file else None


@contextmanager
def declaring(origin: str) -> Iterator[None]:
    """What is declared meanwhile belongs to `origin`."""
    token = _declaring.set(origin)
    try:
        yield
    finally:
        _declaring.reset(token)
