"""On this machine: a process that outlives whoever starts it."""

import json
import os
import subprocess
import sys

from gristmill.infra.launch.protocol import ENDED, RUNS, WAITS, Job, State
from gristmill.infra.launch.schemas import check
from gristmill.infra.work.claim import read_claim
from gristmill.infra.work.order import BEGUN, LOG
from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.processes.identity import born
from gristmill.pipelines.recipe.base import Model


class LocalOptions(Model):
    """Of `launch: local`."""

    environment: dict[str, str] = {}
    """Variables of the training's process, beside those of the watcher."""


class Local:
    """A process in a session of its own."""

    spec_file = "process.json"
    restarts = False

    def __init__(self, options: LocalOptions, processes: int = 1):
        self.options, self.processes, self.nodes = options, processes, 1

    def render(self, job: Job) -> str:
        """The command and its environment, as JSON."""
        spec = {"command": [sys.executable, *job.work()], "environment": self.options.environment}
        return json.dumps(check(spec, "process"), indent=1)

    def find(self, job: Job) -> str | None:
        """By the claim that it has made in its folder; a process that has not come so far yields to another one."""
        if not job.store.exists(f"{job.folder}/{BEGUN}"):
            return None
        held = read_claim(job.store, f"{job.folder}/{BEGUN}")
        return f"{held.pid} {held.born}" if held else "0 "

    def submit(self, job: Job, spec: str) -> str:
        """Its number and when it began."""
        wanted = json.loads(spec)
        # Of a run elsewhere the job itself keeps the log.
        log = os.devnull if job.store.local is None else str(job.store.local / job.folder / LOG)
        try:
            with open(log, "ab") as output:
                process = subprocess.Popen(
                    wanted["command"],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    env={**os.environ, **wanted["environment"]},
                )
        except OSError as error:
            fix = "install Gristmill again on this machine, or free memory; then watch again"
            raise RunnerError(f"no process could be started: {error.strerror}", where=job.id, fix=fix) from None
        return f"{process.pid} {born(process.pid)}"

    def state(self, job: Job, handle: str) -> State:
        """By the claim of its folder; before there is one, by the process that was started."""
        held = read_claim(job.store, f"{job.folder}/{BEGUN}")
        if held is not None:
            if held.gone is None:
                return State(RUNS, f"on another machine: {held.said}")
            return State(ENDED, f"{held.said} is gone") if held.gone else State(RUNS, f"process {held.pid}")
        pid, _, begun = handle.partition(" ")
        if begun and born(int(pid)) == begun:
            return State(WAITS, f"process {pid} begins")
        return State(ENDED, f"process {pid} ended before it began")

    def log(self, job: Job, handle: str) -> bytes | None:
        """The process writes it where it belongs."""
        return None


def make(options: LocalOptions | None) -> Local:
    """From the options of a target."""
    return Local(options or LocalOptions())
