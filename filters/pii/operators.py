"""What stands in the place of personal data."""

from collections.abc import Callable
from typing import Literal

Operator = Literal["tag", "mask"]


def tag(entity: str, characters: int) -> str:
    """<EMAIL_ADDRESS>: the type stays readable, for a model too."""
    return f"<{entity}>"


def mask(entity: str, characters: int) -> str:
    """An asterisk for every character: the text keeps its length in characters."""
    return "*" * characters


OPERATORS: dict[str, Callable[[str, int], str]] = {"tag": tag, "mask": mask}
"""By name: (entity type, characters of the value) -> replacement. None of them sees the value."""
