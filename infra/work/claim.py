"""Who does something that must be done once: an object that only one can make, naming a process or a job."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from gristmill.pipelines.processes.identity import is_gone, myself
from gristmill.pipelines.storage.store import Store


@dataclass(frozen=True)
class Claim:
    """A process on a machine, and the job of a cluster that it belongs to."""

    pid: int
    host: str
    since: str
    machine: str
    born: str
    job: str = ""
    """Of a cluster: the same job may begin again, on another machine."""

    def to_json(self) -> bytes:
        """One JSON object."""
        return json.dumps(asdict(self)).encode()

    @property
    def gone(self) -> bool | None:
        """Whether its process has ended; None where it ran on another machine."""
        return is_gone(asdict(self))

    @property
    def age(self) -> float:
        """Seconds since it was made, by the clocks of the two machines."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.since)).total_seconds()

    @property
    def said(self) -> str:
        """For a message."""
        return f"process {self.pid} on {self.host} since {self.since}"


def claim_of(job: str = "") -> Claim:
    """Of this process."""
    return Claim(**myself(), job=job)  # type: ignore[arg-type]


def read_claim(store: Store, path: str) -> Claim | None:
    """None where there is none, or where its maker was killed before it had written into it."""
    try:
        return Claim(**json.loads(store.read_bytes(path)))
    except (FileNotFoundError, ValueError, TypeError):
        return None
