"""What a launcher is: it renders a job, starts it, finds it again by its name, and says how it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from gristmill.pipelines.storage.store import Store

WAITS, RUNS, ENDED = "waits", "runs", "ended"


@dataclass(frozen=True)
class Job:
    """What is to be started. Its id is the same whoever starts it, so that it can be found again."""

    id: str
    """A DNS label: letters, digits and hyphens, at most 63."""
    store: Store
    """The run directory."""
    folder: str
    """Of this try, in the run directory: order, spec, log."""
    run: str
    """The run directory as the job sees it."""
    processes: int = 1
    nodes: int = 1

    def work(self, variable: str = "") -> list[str]:
        """Arguments of Python in the job; `variable`: of the environment, that holds the cluster's id of the job."""
        return ["-m", "gristmill.infra.work", self.run, self.folder, *([f"--job-from={variable}"] if variable else [])]


@dataclass(frozen=True)
class State:
    """How a job is, as its launcher sees it. How the training ended, the job itself says (`ended.json`)."""

    phase: str
    """WAITS, RUNS or ENDED."""
    said: str = ""
    """In the launcher's words: why it waits, how it ended."""
    again: bool = True
    """Of one that ended without a word of its own: whether another try makes sense; not where a person ended it."""


class Launcher(Protocol):
    """One way to start a training."""

    spec_file: str
    """Name of its spec in the folder of a try."""

    @property
    def processes(self) -> int:
        """Of each host."""

    @property
    def nodes(self) -> int:
        """Hosts."""

    @property
    def restarts(self) -> bool:
        """Whether a job that is ended by its machine comes back by itself."""

    def render(self, job: Job) -> str:
        """The spec, checked. Raises RecipeError for one that its schema does not allow."""

    def find(self, job: Job) -> str | None:
        """The handle of a job that somebody has started before; None where there is none. Raises RunnerError."""

    def submit(self, job: Job, spec: str) -> str:
        """Start it; its handle. Raises RunnerError, RecipeError."""

    def state(self, job: Job, handle: str) -> State:
        """How it is. Raises RunnerError where nobody answers."""

    def log(self, job: Job, handle: str) -> bytes | None:
        """What it has said, where only the launcher knows that; None where the run directory has it already."""


Make = Callable[[Any], Launcher]
"""From the options of a target."""
