"""What a job server's log says while a job runs."""

import re
from pathlib import Path

from gristmill.pipelines.runners.portable.failures import HOPELESS

LONGEST_ERROR = 4000
_STARVED = "Initial job has not accepted any resources"
_SIGNS = re.compile(rf"{_STARVED}|Starting task \d+\.\d+ in stage")
NO_RESOURCES = (
    "no worker of the cluster has taken up the job: none is registered with the master, or none has the cores and the "
    "memory for an executor free; the job goes on as soon as one has"
)


class ServerLog:
    """Reads on from where the log ends now: a server that serves several runs writes them all to one file."""

    waiting = ""
    """What the job waits for at this moment; empty when it works, or where there is no log to read."""
    hopeless = ""
    """An error that every further try would meet again, as logged; empty while there is none."""

    def __init__(self, file: Path | None):
        self._file = file
        self._at = file.stat().st_size if file and file.exists() else 0

    def read(self) -> None:
        """Look at what is new."""
        if self._file is None or not self._file.exists():
            return
        with self._file.open("rb") as data:
            data.seek(self._at)
            fresh = data.read()
        whole = fresh.rfind(b"\n") + 1  # the rest of the last line is still to come
        self._at += whole
        text = fresh[:whole].decode("utf-8", "replace")
        for sign in _SIGNS.findall(text):
            self.waiting = NO_RESOURCES if sign == _STARVED else ""
        if not self.hopeless and (found := HOPELESS.search(text)):
            line = text.rfind("Lost task", 0, found.start())  # names the host
            self.hopeless = text[line if line >= 0 else found.start() : found.start() + LONGEST_ERROR]
