"""The run to compare with: what is read of it, where it lies, and what is wrong with one that cannot be read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import GristmillError, InputError, inert
from gristmill.pipelines.storage.addresses import is_remote
from gristmill.pipelines.storage.layout import REPORT
from gristmill.pipelines.storage.store import Store


@dataclass(frozen=True)
class Reference:
    """The report of a run."""

    name: str
    report: Mapping[str, Any]

    @property
    def figures(self) -> Mapping[str, float]:
        """By name."""
        figures: Mapping[str, float] = self.report["figures"]
        return figures

    def signals(self, admits: str) -> dict[str, Mapping[str, Any]]:
        """The distributions of the entries that judged these documents, by signal."""
        entries = [entry for entry in self.report["entries"] if entry["admits"] == admits]
        return {found["title"]: found for entry in entries for found in entry["histograms"]}


def reference_place(named: str, folder: Path) -> str:
    """Where the run lies that a recipe in `folder` names."""
    return named if is_remote(named) else str((folder / Path(named).expanduser()).resolve())


def read_reference(place: str) -> Reference:
    """The report of a run. Raises InputError where there is none, or one of another version."""
    store = Store.at(place)
    fix = "name a finished run in `alarms: {reference: ...}`; of an old one `gristmill report RUN` makes it anew"
    try:
        raw = store.read_bytes(REPORT) if store.exists(REPORT) else None
    except (OSError, GristmillError) as error:
        raise InputError(f"the reference run cannot be read: {error}", where=place, fix=fix) from None
    if raw is None:
        raise InputError("the reference run has no report", where=store.url(REPORT), fix=fix)
    try:
        report = json.loads(raw)
        Reference(store.name, report).figures, report["entries"]
    except (ValueError, KeyError, TypeError):
        what = "the report of the reference run is damaged, or of another version of Gristmill"
        raise InputError(what, where=store.url(REPORT), fix=fix) from None
    return Reference(inert(store.name), report)


def reference_sign(place: str | None) -> str:
    """What tells whether the reference has changed; "" without one."""
    if place is None:
        return ""
    try:
        return hashlib.sha256(Store.at(place).read_bytes(REPORT)).hexdigest()
    except (OSError, GristmillError):
        return "absent"
