"""Regular expressions that only some inputs need: compiled when they are first used, not when a module is loaded."""

import re
from functools import cached_property
from typing import Any, AnyStr, cast


class LazyPattern:
    """Stands for a pattern; each of its methods is looked up once."""

    def __init__(self, text: str | bytes, flags: int):
        self._asked: tuple[Any, int] = (text, flags)

    @cached_property
    def compiled(self) -> re.Pattern:
        """The pattern."""
        return re.compile(*self._asked)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = getattr(self.compiled, name)
        return found


def lazy_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As re.compile, when it is first used."""
    return cast(re.Pattern[AnyStr], LazyPattern(text, flags))
