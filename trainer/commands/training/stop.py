"""Ctrl-C and SIGTERM ask a training to save and end."""

import signal
from types import FrameType


class Stop:
    """Set by Ctrl-C or SIGTERM: the loop then saves and ends. A second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __call__(self) -> bool:
        """Whether it was asked for."""
        return self.asked
