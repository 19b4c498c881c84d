"""Reads what a test wrote, through planning, as a run would."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.elements import DeadLetter
from gristmill.pipelines.run.inputs.plan import plan_source


@dataclass
class Outcome:
    """All that came of a source. `rows`: documents as dictionaries, dropped ones too."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    aside: Counter = field(default_factory=Counter)
    units: int = 0

    @property
    def texts(self) -> list[str]:
        return [row["text"] for row in self.rows if row["drop"] is None]

    @property
    def dropped(self) -> list[str]:
        return [row["drop"] for row in self.rows if row["drop"] is not None]


@pytest.fixture
def read_all(tmp_path: Path) -> Callable[..., Outcome]:
    """read_all(format, paths, ...): plans and reads; every batch is checked against its invariants."""

    def read(
        form: str,
        *paths: Path | str,
        unit_bytes: int = 16_000_000,
        sample: float = 1.0,
        seed: int = 0,
        max_record_bytes: int = 16 * 2**20,
        max_depth: int = 512,
        name: str = "web",
        **source: Any,
    ) -> Outcome:
        made = schema.Source(format=form, paths=[str(path) for path in paths], **source)
        units = plan_source(name, made, tmp_path, unit_bytes)
        outcome = Outcome(units=len(units))
        bounds = (schema.Read(max_record_bytes=max_record_bytes), schema.Extract(max_depth=max_depth))
        for unit in units:
            places = []
            for records in read_unit(unit, made, *bounds, sample, seed):
                records.batch.validate(full=True)
                rows = records.batch.to_pylist()
                assert len(rows) <= 4096
                assert len(rows) == 1 or sum(len((row["text"] or "").encode()) for row in rows) <= 4 * 2**20
                assert all((row["drop"] is None) == (row["drop_step"] is None) for row in rows)
                assert all(row["text"] is not None or row["drop"] for row in rows)
                places += [row["row"] for row in rows] + [dead.row for dead in records.dead]
                outcome.rows += rows
                outcome.dead += records.dead
                outcome.aside.update(records.aside)
            assert len(set(places)) == len(places), "every record has a place of its own in the unit"
        return outcome

    return read
