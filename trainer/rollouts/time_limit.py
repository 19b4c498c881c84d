"""Code of somebody else's that is to end in time."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLongError(BaseException):
    """No Exception: `except Exception` in what runs too long does not keep it running."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TooLongError in what runs longer by the clock on the wall: where it calculates in Python, sleeps or waits,
    not inside a compiled function that does not return. Limits nothing outside the main thread, which alone hears
    signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again, where it was caught
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
