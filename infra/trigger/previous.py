"""How far a run has drifted from the one that was trained on before it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from gristmill.infra.trigger.target import Drift
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.report.alarms.build import LEAST
from gristmill.pipelines.report.alarms.drift import drift_alarms
from gristmill.pipelines.report.alarms.reference import Reference, read_reference, reference_place
from gristmill.pipelines.report.build import copied
from gristmill.pipelines.report.excerpts import scrubbed_excerpts
from gristmill.pipelines.report.material import open_material
from gristmill.pipelines.report.sections.decisions import build_entries
from gristmill.pipelines.storage.layout import MANIFEST
from gristmill.pipelines.storage.store import Store

DECISION, KEPT_REPORT = "decision.json", "report.json"
"""In the folder of a trigger: what let it start, and the report of the run as it was then."""
SAID = 3
T = TypeVar("T")
Asked = ParamSpec("Asked")


def whole(read: Callable[Asked, T], *asked: Asked.args, **how: Asked.kwargs) -> T | None:
    """What a file of a trigger says; None where it holds less than was written (the disk was full, or lost its power),
    as where there is none: it is made again, or what it said is asked again."""
    try:
        return read(*asked, **how)
    except (DamageError, ValueError):
        return None


def launches(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    """(its folder, what let it start) of every training that a trigger has started on a run."""
    for name in store.entries("train"):
        folder = f"train/{name}/launch"
        decision = whole(store.read_json, f"{folder}/{DECISION}")
        if decision is not None:
            yield folder, decision


def drifted(store: Store, drift: Drift, figures: Mapping[str, float], folder: Path) -> tuple[bool, str]:
    """Whether something has drifted, and what, in words. Raises InputError for a reference that cannot be read."""
    reference = _reference(store, drift, folder)
    if reference is None:
        return False, "no run was trained on before it: there is nothing to compare with"
    with store.folder_on_disk(*copied(store)) as copy:
        material = open_material(copy, store, scrubbed_excerpts(store))
        least = (material.recipe.get("alarms") or {}).get("documents", LEAST)
        with material.ledger:
            entries = build_entries(material)
            found = [of.text for of in drift_alarms(material, entries, figures, reference, drift.most, least)]
    if not found:
        return False, f"compared with {reference.name}: nothing has drifted"
    more = f" and {len(found) - SAID} more" if len(found) > SAID else ""
    return True, f"compared with {reference.name}: {' '.join(found[:SAID])}{more}"


def _reference(store: Store, drift: Drift, folder: Path) -> Reference | None:
    if drift.reference != "previous":
        return read_reference(reference_place(drift.reference, folder))
    found = []
    for run in {store.root: store, **{other.root: other for other in _beside(store)}}.values():
        found += [(decision["decided"], place, run) for place, decision in launches(run)]
    for _, place, run in sorted(found, key=lambda item: (item[0], item[2].root, item[1]), reverse=True):
        report = whole(run.read_json, f"{place}/{KEPT_REPORT}")
        if report is not None:
            return Reference(f"{run.name}, {place.split('/')[1]}", report)
    return None


def _beside(store: Store) -> Iterator[Store]:
    """The other runs of the folder that a run lies in."""
    around = Store.at(store.root.rstrip("/").rpartition("/")[0] or "/")
    for name in around.entries():
        other = Store.at(around.url(name))
        if other.exists(MANIFEST):
            yield other
