"""A job server that belongs to one run: started with it, gone with it, however it ends."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.portable.engines import Launch, free_port, reachable

START_SECONDS = 120.0
STOP_SECONDS = 30.0
LOG_TAIL = 200_000
_KEEPER = Path(__file__).with_name("keeper.py")


class JobServer:
    """Beam's job server on a free loopback port, behind a keeper process."""

    def __init__(self, launch: Launch):
        self.launch = launch
        self.endpoint = ""
        self._scratch: Path | None = None
        self._keeper: subprocess.Popen | None = None

    def start(self) -> str:
        """Start it and wait until it listens. Returns HOST:PORT. Raises RunnerError."""
        self._scratch = Path(tempfile.mkdtemp(prefix="gristmill-job-server-"))
        try:
            port = free_port()
            command = self.launch.command(port, self._scratch)
            with (self._scratch / "log").open("wb") as log:
                line = [sys.executable, str(_KEEPER), str(os.getpid()), str(self._scratch), *command]
                self._keeper = subprocess.Popen(line, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            self.endpoint = f"127.0.0.1:{port}"
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self.endpoint

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not reachable(self.endpoint):
            if self.ended(0.2) is not None or time.monotonic() > deadline:
                said = self.log().strip().splitlines()
                raise RunnerError(
                    "the job server did not start",
                    where=f"{self.launch.engine.name}, {self.launch.master}",
                    fix=f"it said: {said[-1][:300]}" if said else "it said nothing; look at its Java",
                )

    def ended(self, seconds: float = 2.0) -> int | None:
        """Its exit code if it ends by itself within some seconds; 128 + n where signal n ended it."""
        if self._keeper is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._keeper.wait(seconds)
        return None

    @property
    def log_file(self) -> Path | None:
        """What it writes, while it runs."""
        return self._scratch / "log" if self._scratch else None

    def log(self) -> str:
        """The end of what it wrote."""
        file = self.log_file
        if file is None or not file.exists():
            return ""
        with file.open("rb") as data:
            data.seek(max(0, file.stat().st_size - LOG_TAIL))
            return data.read().decode("utf-8", "replace")

    def stop(self) -> None:
        """End the process and remove its folder. Its log goes to ours: what happened must be readable later."""
        if self._keeper is not None:
            self._keeper.terminate()
            try:
                self._keeper.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()
            self._keeper = None
        if self._scratch is not None:
            sys.stderr.write(self.log()[-20_000:])
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
