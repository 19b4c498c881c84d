"""The terminal. Results go to stdout, everything else to stderr; colour and live lines only where a person looks."""

import sys

from rich.console import Console
from rich.text import Text

from pipelines.errors import GristmillError

out = Console(highlight=False)
"""Results."""
err = Console(stderr=True, highlight=False)
"""Progress, notes, errors."""


def fail(error: GristmillError) -> None:
    """Print an error of ours: what, where, what to do."""
    say_error(str(error))


def say_error(message: str) -> None:
    """Print a message that may be wider than the terminal, uncut."""
    first, _, rest = message.partition("\n")
    err.print(Text.assemble(("error: ", "bold red"), (first, "bold")), soft_wrap=True)
    if rest:
        err.print(Text(rest), soft_wrap=True)


def note(message: str) -> None:
    """One line for a person."""
    err.print(Text(message, "dim"), soft_wrap=True)


def warn(message: str) -> None:
    """What a person should look at, though nothing is wrong for sure."""
    err.print(Text.assemble(("warning: ", "bold yellow"), message), soft_wrap=True)


def interactive() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


def human_bytes(size: float) -> str:
    """1234567 -> 1.2 MB"""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
