"""Signals: one function is one signal, and its docstring is its documentation page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Scripts = Literal["any", "spaced", "Hani"]
"""What a signal makes sense for: every script; scripts with spaces between words; Chinese."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A number computed from a document. compute is None where an editing step finds the number on its way."""

    name: str
    unit: str
    scripts: Scripts
    doc: str
    compute: Callable | None

    @property
    def summary(self) -> str:
        """First sentence of the documentation."""
        return self.doc.strip().split("\n\n")[0].replace("\n", " ")


SIGNALS: dict[str, Signal] = {}
"""All signals by name; filters.rules and the recipe check look names up here."""
