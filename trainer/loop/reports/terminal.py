"""What a training says on stderr."""

import sys
import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

PLAIN_LINE_SECONDS = 30.0


class Terminal:
    """Progress on stderr: one line that is rewritten on a terminal, else a line every 30 seconds. Silent if not
    `speaks`."""

    def __init__(self, speaks: bool):
        self.console = Console(stderr=True, quiet=not speaks, highlight=False, soft_wrap=True)
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.said = time.monotonic()
        if speaks and self.live is not None:
            self.live.start()

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(Text(text))

    def progress(self, text: str) -> None:
        """The line of the moment."""
        if self.live is not None:
            self.live.update(Text(text), refresh=True)
        elif time.monotonic() - self.said >= PLAIN_LINE_SECONDS:
            self.said = time.monotonic()
            self.say(text)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self.live is not None:
            self.live.stop()
        sys.stderr.flush()
