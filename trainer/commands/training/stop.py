"""Ctrl-C and SIGTERM ask a training to save and end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Set by Ctrl-C or SIGTERM: the loop then saves and ends. A second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Handles a signal."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __call__(self) -> bool:
        """Whether it was asked for."""
        return self.asked


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Both signals set it until the block ends; then they do what they did before: of a notebook's next cell, too."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
