"""What can be declared by name, and by whom: a module of ours, a plugin that a recipe names, a notebook."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ClassVar, TypeVar

T = TypeVar("T")
OURS = "gristmill"
_declaring: ContextVar[str] = ContextVar("declaring", default=OURS)


class Registry(dict[str, T]):
    """Name -> what stands for it. A name belongs to who declared it first; a plugin may declare its own again."""

    everywhere: ClassVar[list["Registry"]] = []
    """All there are: what a plugin can add to."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.makers: list[Callable[[str], T | None]] = []
        """Of values that are too many to declare: name -> value, None for a name of somebody else's. Not listed."""
        Registry.everywhere.append(self)
        self._origin: dict[str, str] = {}

    def __missing__(self, name: str) -> T:
        for make in self.makers:
            if (made := make(name)) is not None:
                return made
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or any(make(str(name)) is not None for make in self.makers)

    def declare(self, name: str, value: T) -> T:
        """Add under a name. Raises ValueError where the name is somebody else's, or twice ours."""
        origin, owner = _declaring.get(), self._origin.get(name)
        if owner is not None and (owner != origin or owner == OURS):
            whose = "Gristmill's own" if owner == OURS else f"declared by {owner}"
            raise ValueError(f"the {self.kind} '{name}' is {whose} already; choose another name")
        self._origin[name] = origin
        self[name] = value
        return value

    def of(self, origin: str) -> list[str]:
        """The names that somebody declared, in order."""
        return [name for name, owner in self._origin.items() if owner == origin]

    def withdraw(self, origin: str) -> None:
        """Forget what somebody declared."""
        for name in self.of(origin):
            del self._origin[name], self[name]


@contextmanager
def declaring(origin: str) -> Iterator[None]:
    """What is declared meanwhile belongs to `origin`."""
    token = _declaring.set(origin)
    try:
        yield
    finally:
        _declaring.reset(token)
