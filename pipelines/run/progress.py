"""How far a run is, read from its receipts: the same on every runner, and for any process that looks."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.accounts import IN
from gristmill.pipelines.run.capacity import remaining
from gristmill.pipelines.run.request import DECIDING
from gristmill.pipelines.storage.layout import STATE
from gristmill.pipelines.storage.receipt_book import read_note, read_receipt
from gristmill.pipelines.storage.store import Store

COUNTED = {"score": "read", "text": "scrub", "tokens": "encode"}
"""The step whose documents and bytes a stage is measured by."""
NAMED_BY_UNIT = ("score", "overlaps", *DECIDING)
"""Stages whose receipts are named by the unit alone, below a key that says all else."""
KEY = 32
"""Characters of a unit's key, with which the names of all its receipts begin."""


@dataclass
class StageProgress:
    """One stage: units done of units planned, and what went through them."""

    stage: str
    total: int
    done: int = 0
    documents: int = 0
    bytes: int = 0
    left: float | None = None
    """Seconds until all are done; None where nobody can know."""

    @property
    def finished(self) -> bool:
        """Every unit has its receipt."""
        return self.done >= self.total


@dataclass(frozen=True)
class Done:
    """What a receipt says of its unit."""

    seconds: float
    finished: float
    documents: int
    bytes: int


@dataclass
class Progress:
    """Counts the receipts of this run as they appear; each is read once. `poll` again and again.

    Receipts of earlier recipes and of units that are not planned lie beside them. Raises DamageError for run.json.
    """

    store: Store
    stages: dict[str, StageProgress] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    _units: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Key of a planned unit -> its source and bytes."""
    _found: dict[str, dict[str, Done | None]] = field(default_factory=dict)

    def poll(self) -> list[StageProgress]:
        """Look for new receipts. Empty before the run has planned its units."""
        state = self.store.read_sealed(STATE) or {}
        if state.get("started") != self.state.get("started"):
            from gristmill.pipelines.storage.plan_file import (
                read_plan,  # whoever only waits for the end does without pyarrow
            )

            self._units = {unit.key: (unit.source, unit.bytes) for unit in read_plan(self.store)}
            self._found = {}
        self.state = state
        books = state.get("books", {})
        self.stages = {stage: self._stage(stage, folder) for stage, folder in books.items()}
        return list(self.stages.values())

    def _stage(self, stage: str, folder: str) -> StageProgress:
        found = self._found.setdefault(folder, {})
        for name in self.store.names(folder):
            if name not in found and name != "complete.json":
                found[name] = self._read(stage, f"{folder}/{name}")
        noted = {note: {unit for _, unit in read_note(self.store, note)} for note in _notes(stage)}
        done = {
            name: done
            for name, done in found.items()
            if done and self._counts(stage, name[: -len(".json")], done, noted)
        }
        documents, size = sum(one.documents for one in done.values()), sum(one.bytes for one in done.values())
        made = StageProgress(stage, self._total(stage), len(done), documents, size)
        return made if made.finished or stage not in COUNTED else replace(made, left=self._left(done))

    def _left(self, done: dict[str, Done]) -> float | None:
        """Seconds until the planned units that are not in `done` are."""
        by_unit = {name[:KEY]: one for name, one in done.items() if name[:KEY] in self._units}
        left = [unit for key, unit in self._units.items() if key not in by_unit]
        known = [remaining.Done(*self._units[key], one.seconds, one.finished) for key, one in by_unit.items()]
        return remaining.seconds_left(known, left, self._started)

    @property
    def _started(self) -> float:
        return datetime.fromisoformat(self.state["started"]).timestamp()

    def _total(self, stage: str) -> int:
        units = self.state.get("units", 0)
        return {"tokenizer": min(units, 1), "tokens": units + 1 if units else 0}.get(stage, units)

    def _counts(self, stage: str, name: str, done: Done, noted: dict[str, set[str]]) -> bool:
        """Whether a receipt is one of this run: by its name where that says so, by the note once there is one."""
        if stage in NAMED_BY_UNIT:
            return name in self._units
        note = noted.get("rows" if name.startswith("plan-") else stage)
        if note:
            return name in note
        # Until then what was finished before it began may be done again: its name holds what earlier stages gave.
        ours = stage == "tokenizer" or name.startswith("plan-") or name[:KEY] in self._units
        return ours and done.finished >= self._started

    def _read(self, stage: str, path: str) -> Done | None:
        try:
            receipt, _ = read_receipt(self.store, path)
        except (FileNotFoundError, DamageError):  # swept between listing and reading; to be done again
            return None
        entered = [one for one in receipt.accounts if one.outcome == IN and one.step == COUNTED.get(stage)]
        return Done(
            receipt.seconds, receipt.finished, sum(one.documents for one in entered), sum(one.bytes for one in entered)
        )


def _notes(stage: str) -> tuple[str, ...]:
    """Notes that say which receipts of a stage are those of this run."""
    return () if stage in NAMED_BY_UNIT else ("tokens", "rows") if stage == "tokens" else (stage,)
