"""Keeps a job server: `python keeper.py PARENT FOLDER COMMAND...` runs the command until it or the process PARENT ends.

A run that gets SIGKILL can clean up nothing. This process outlives it by a moment, ends the job server (and with it the
job on the cluster), and removes the folder of both. It imports nothing of ours, so that it costs 20 ms and 10 MB.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from types import FrameType

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20.0


def keep(parent: int, folder: str, command: list[str]) -> int:
    """Run the command until it ends or has to. Returns its exit code, 128 + n where signal n ended it."""
    libc = ctypes.CDLL(None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    server = None
    try:
        # Where this process is killed as well, the server still gets SIGTERM.
        server = subprocess.Popen(command, preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        code = server.wait() if os.getppid() == parent else 0
        return 128 - code if code < 0 else code
    finally:
        if server is not None:
            _end(server)
        if os.getppid() != parent:
            shutil.rmtree(folder, ignore_errors=True)


def _end(server: subprocess.Popen) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    server.terminate()
    try:
        server.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
