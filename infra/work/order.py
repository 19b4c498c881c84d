"""What a job is told: an order lies in the run directory, is written once, and never changes."""

from dataclasses import asdict, dataclass
from typing import Any

from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.store import Store

SCRATCH = "train/.scratch"
"""A run clears its own scratch folder when it begins: what is written beside it must not lie there."""

ORDER, BEGUN, ENDED, LOG = "order.json", "begun.json", "ended.json", "log.txt"
"""In the folder of a try: what is to be done; which job does it (the claim of its execution); how it ended; its log."""


@dataclass(frozen=True)
class Step:
    """One training of a chain."""

    stage: str
    """pretrain, sft, reward, dpo, grpo, ppo, reject, distill."""
    name: str
    """It lives in train/<name> of its run."""
    run: str = ""
    """The run whose shards it reads; "" is the run that holds the order."""
    begin: str = ""
    """A checkpoint; "" is the last one of the step before, or none."""
    arguments: tuple[str, ...] = ()
    """Of the trainer."""


@dataclass(frozen=True)
class Order:
    """A chain of trainings that is to be done once."""

    job: str
    manifest: str
    """sha256 of the manifest that was checked: another one is not trained on."""
    steps: tuple[Step, ...]
    processes: int = 1
    """Of each host, by torchrun; 1: a plain process."""
    nodes: int = 1
    restarts: bool = False
    """Whether what ends the job (a machine taken away) also starts it again."""

    def write(self, store: Store, folder: str) -> None:
        """Into the folder of a try."""
        store.write_sealed(f"{folder}/{ORDER}", asdict(self))

    @classmethod
    def read(cls, store: Store, folder: str) -> "Order | None":
        """The inverse; None where there is none. Raises DamageError."""
        found: dict[str, Any] | None = store.read_sealed(f"{folder}/{ORDER}")
        if found is None:
            return None
        steps = tuple(Step(**{**step, "arguments": tuple(step["arguments"])}) for step in found["steps"])
        return cls(**{**found, "steps": steps})


def run_store(where: str) -> Store:
    """A run directory, to write beside its runs into it. Raises RecipeError where there is none."""
    return Store(open_run(where).root, SCRATCH)
