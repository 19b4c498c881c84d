"""How far a run is, read from its receipts: the same on every runner, and for any process that looks."""

from dataclasses import dataclass, field
from typing import Any

from pipelines.errors import DamageError
from pipelines.storage.layout import STATE
from pipelines.storage.receipt_book import read_receipt
from pipelines.storage.store import Store

COUNTED = {"score": "read", "text": "scrub", "tokens": "encode"}
"""The step whose documents and bytes a stage is measured by."""


@dataclass
class StageProgress:
    """One stage: units done of units planned, and what went through them."""

    stage: str
    total: int
    done: int = 0
    documents: int = 0
    bytes: int = 0

    @property
    def finished(self) -> bool:
        """Every unit has its receipt."""
        return self.done >= self.total


@dataclass
class Progress:
    """Counts receipts as they appear; each is read once. `poll` again and again. Raises DamageError for run.json."""

    store: Store
    stages: dict[str, StageProgress] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def poll(self) -> list[StageProgress]:
        """Look for new receipts. Empty before the run has planned its units."""
        self.state = self.store.read_sealed(STATE) or {}
        for stage, folder in self.state.get("books", {}).items():
            progress = self.stages.setdefault(stage, StageProgress(stage, self._total(stage)))
            for name in self.store.names(folder):
                path = f"{folder}/{name}"
                if path not in self._seen and name != "complete.json":
                    self._seen.add(path)
                    self._count(progress, path)
        return list(self.stages.values())

    def _total(self, stage: str) -> int:
        units = self.state.get("units", 0)
        return {"tokenizer": min(units, 1), "tokens": units + 1 if units else 0}.get(stage, units)

    def _count(self, progress: StageProgress, path: str) -> None:
        try:
            receipt, _ = read_receipt(self.store, path)
        except (FileNotFoundError, DamageError):  # swept between listing and reading; to be done again
            return
        progress.done += 1
        for account in receipt.accounts:
            if account.outcome == "in" and account.step == COUNTED.get(progress.stage):
                progress.documents += account.documents
                progress.bytes += account.bytes
