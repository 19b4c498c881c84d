"""A process that must not outlive the one that started it."""

import ctypes
import sys

PR_SET_PDEATHSIG = 1
SCRATCH = "gristmill-shuffle-"
"""Of the folder that a run keeps between its stages; the process id follows."""


def end_with_parent(number: int) -> None:
    """Ask Linux for a signal when the parent ends, however it ends; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
