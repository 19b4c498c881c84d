"""What the command line asks of a run, as it is handed to the process that does it. Imports nothing that takes time."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STAGES = ("score", "overlaps", "duplicates", "contamination", "passages", "substrings", "text", "tokenizer", "tokens")
"""In order of execution; `--until` takes one of them."""
DECIDING = ("duplicates", "contamination", "passages", "substrings")
"""Those that say something about each unit by looking at all: their receipts are named by the unit alone, below a key
that says which units there are, and a mark says when they are complete."""


@dataclass(frozen=True)
class Request:
    """One `gristmill run`."""

    recipe: Path
    out: Path | str
    """A local folder, or an address such as s3://bucket/run."""
    runner: str = "local"
    workers: int = 0
    """Processes; 0: one per core."""
    memory: int | None = None
    """Bytes that all workers of the local runner may take together; None: no limit."""
    disk: int | None = None
    """Bytes that the local runner may keep between stages; None: what the disk has."""
    until: str = STAGES[-1]
    sample: float = 1.0
    beam_args: tuple[str, ...] = ()
    break_lock: bool = False
    """Take the lock of a run directory on an object store, whoever holds it."""
    asked: float | None = None
    """When the user started the command, in seconds since 1970; for the report, never for a decision."""

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({**asdict(self), "recipe": str(self.recipe), "out": str(self.out)})

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """The inverse of to_json."""
        record: dict[str, Any] = json.loads(text)
        return cls(**{**record, "recipe": Path(record["recipe"]), "beam_args": tuple(record["beam_args"])})
