"""The terminal: the one place that writes to it. Results go to stdout, everything else to stderr; colour and live lines
only where a person looks. What comes from files, recipes and arguments is text there, never markup or an escape.
"""

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from gristmill.pipelines.errors import GristmillError, inert
from gristmill.pipelines.report.theme import duration


class Terminal(Console):
    """A console that no text can speak to: no markup, no escapes, nothing unseen. Styles are given as rich.Text."""

    def __init__(self, **options: Any):
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Strings, before they are measured, so that tables stay straight."""
        return super().render_str(_lines(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Everything else, as the last thing before it is written."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(_lines(segment.text), segment.style)


def _lines(text: str) -> str:
    return "\n".join(map(inert, text.split("\n")))


out = Terminal()
"""Results."""
err = Terminal(stderr=True)
"""Progress, notes, errors."""


def prepare() -> None:
    """Characters that the terminal's encoding lacks are written as escapes: no message may fail."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def print_json(value: Any) -> None:
    """One JSON object on stdout. What a terminal would obey or not show is escaped: a reader of JSON gets it back."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    shown = re.sub(r"[^\n -~]", lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)
    out.file.write(shown + "\n")


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
    err.print(Text(inert(message), "dim"), soft_wrap=True)


def warn(message: str) -> None:
    """What a person should look at, though nothing is wrong for sure."""
    err.print(Text.assemble(("warning: ", "bold yellow"), inert(message)), soft_wrap=True)


def interactive() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


def time_left(seconds: float) -> str:
    """4000 -> about 1 h 07 min left"""
    rounded = max(1, round(seconds))
    return f"about {duration(rounded) if rounded >= 60 else f'{rounded} s'} left"


def human_bytes(size: float) -> str:
    """1234567 -> 1.2 MB"""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
