"""How a process ends: not later than the one that started it, and not in a library's destructors."""

import atexit
import ctypes
import os
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1
LOST_OUTPUT = 120
"""Python's own exit code where what was printed cannot be written."""
SCRATCH = "gristmill-shuffle-"
"""Of the folder that a run keeps between its stages; the process id follows."""


def end_with_parent(number: int) -> None:
    """Ask Linux for a signal when the parent ends, however it ends; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)


def leave(code: int) -> NoReturn:
    """End now that all is done: exit handlers run, streams are flushed, nothing is taken apart.

    Arrow's thread pools abort about one process in a hundred whose threads still start when they are destroyed
    (apache/arrow#34314), and taking a million objects apart one by one takes a quarter of a second.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (BrokenPipeError, ValueError):  # whoever read it has gone, or it was closed
            pass
        except OSError:
            code = code or LOST_OUTPUT
    os._exit(code)
