"""What a job server's log says while a job runs."""

import re
from pathlib import Path

_STARVED = "Initial job has not accepted any resources"
_SIGNS = re.compile(rf"{_STARVED}|Starting task \d+\.\d+ in stage")
NO_RESOURCES = (
    "no worker of the cluster has taken up the job: none is registered with the master, or none has the cores and the "
    "memory for an executor free; the job goes on as soon as one has"
)


class ServerLog:
    """Reads on from where the log ends now: a server that serves several runs writes them all to one file."""

    def __init__(self, file: Path | None):
        self._file = file
        self._at = file.stat().st_size if file and file.exists() else 0
        self._waiting = ""

    def waiting(self) -> str:
        """What the job waits for at this moment; empty when it works, or where there is no log to read."""
        if self._file and self._file.exists():
            with self._file.open("rb") as data:
                data.seek(self._at)
                fresh = data.read()
            whole = fresh.rfind(b"\n") + 1  # the rest of the last line is still to come
            self._at += whole
            for sign in _SIGNS.findall(fresh[:whole].decode("utf-8", "replace")):
                self._waiting = NO_RESOURCES if sign == _STARVED else ""
        return self._waiting
