"""manifest.json: what a run is made of, hash by hash. Written last; readers trust only it and the receipts.

Holds no time, host, runner or worker count: the same recipe on the same input gives the same manifest everywhere.
"""

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.recipe.entries import judge_of
from gristmill.pipelines.recipe.load import fingerprint
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.accounts import Accounts
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Part, Receipt
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.run.job import Job
from gristmill.pipelines.run.published.contamination import rates
from gristmill.pipelines.run.request import DECIDING
from gristmill.pipelines.storage.layout import (
    ATTEMPTS,
    CARD,
    COPIES,
    DATASETS,
    FIXED,
    INVENTORY,
    MANIFEST,
    MEASURED,
    NOTES,
    PLAN,
    RECIPE,
    is_ours,
)
from gristmill.pipelines.storage.models import models
from gristmill.pipelines.storage.parts import add_content
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import listed_in, write_inventory


def build(job: Job, units: list[Unit], receipts: Mapping[str, list[Receipt]], accounts: Accounts) -> dict[str, Any]:
    """The manifest of a run whose stages are done and whose totals reconcile."""
    parts = [part for stage in receipts.values() for receipt in stage for part in receipt.parts]
    return {
        "gristmill": version("gristmill"),
        "recipe": job.recipe.name,
        "recipe_sha256": fingerprint(job.recipe),
        "sample": job.sample,
        "until": job.until,
        "inputs": [{"source": unit.source, "key": unit.key, "bytes": unit.bytes} for unit in units],
        "steps": {stage: job.books[stage].key for stage in job.stages},
        "reconciled_steps": job.steps,
        "against": [{"name": one.name, "sha256": one.sha256} for one in job.recipe.taken_indexes],
        "datasets": datasets(parts),
        "files": [*(described(job.store, path) for path in (RECIPE, PLAN, *plugins(job.recipe))), *kept(job.recipe)],
        "tokenizer": card(job.store, parts),
        "contamination": rates(job.recipe, job.store, receipts),
        "rules": rules(job.recipe),
        "accounts": accounts.to_json(),
    }


def datasets(parts: Iterable[Part]) -> dict[str, Any]:
    """Shards by dataset, in the order of their units. `content` does not depend on how the input was cut."""
    grouped: dict[str, list[Part]] = {}
    for part in parts:
        if not part.dataset.startswith("_work"):
            grouped.setdefault(part.dataset, []).append(part)
    return {
        name: {
            "rows": sum(part.rows for part in mine),
            "bytes": sum(part.bytes for part in mine),
            "content": add_content(part.content for part in mine if part.content),
            "shards": [
                {"path": p.published or p.path, "rows": p.rows, "bytes": p.bytes, "sha256": p.sha256} for p in mine
            ],
        }
        for name, mine in sorted(grouped.items())
    }


def card(store: Store, parts: Iterable[Part]) -> dict[str, Any] | None:
    """What the tokenizer says of itself; None where there is none."""
    return next((store.read_json(part.path) for part in parts if part.published == CARD), None)


def plugins(recipe: Recipe) -> list[str]:
    """Where the run keeps its copies of plugin files."""
    return [plugin.kept_as for plugin in recipe.plugins if plugin.source]


def kept(recipe: Recipe) -> list[dict[str, Any]]:
    """The run's copies of its classifiers' models, known by their hash since the recipe was read."""
    return [{"path": one.kept_as, "bytes": one.bytes, "sha256": one.sha256} for one in models(recipe)]


def described(store: Store, path: str) -> dict[str, Any]:
    """A file of the run that belongs to no dataset."""
    raw = store.read_bytes(path)
    return {"path": path, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def rules(recipe: Recipe) -> list[dict[str, Any]]:
    """Every rule of the recipe as the report and `gristmill rules` show it."""
    return [
        {
            "name": name,
            "entry": number,
            "signal": rule.signal,
            "unit": rule.what.unit,
            "column": column,
            "comparison": rule.comparison,
            "threshold": rule.threshold,
            "sentence": rule.sentence(),
            "languages": sorted(rule.languages) if rule.languages else None,
        }
        for number, name, column, rule in judge_of(recipe).placed_rules()
    ]


def publish(job: Job, units: list[Unit], manifest: dict[str, Any], receipts: Mapping[str, list[Receipt]]) -> None:
    """Make the folder what the manifest lists, then write the manifest: last, and when all else is on the disk."""
    store = job.store
    for part in (part for stage in receipts.values() for receipt in stage for part in receipt.parts):
        if part.published:
            store.write_bytes(part.published, _bytes_of(store, part))
    sweep(store, manifest)
    listed = listed_in(manifest)
    done = [job.books[receipt.stage].path(receipt.unit) for stage in receipts.values() for receipt in stage]
    marks = [f"{folder}/{name}" for folder in (NOTES, MEASURED) for name in store.names(folder)]
    for stage in (stage for stage in DECIDING if stage in job.stages):
        done += [job.books[stage].path(unit.key) for unit in units]
        marks += [job.mark(stage)] if job.decided_at(stage) is not None else []
    write_inventory(store, listed, done, marks)
    # A part was on the disk before its receipt: what is left is what a run directory has one of.
    store.sync([INVENTORY, *(file.path for file in listed if file.path.rpartition("/")[0] not in DATASETS)])
    store.write_sealed(MANIFEST, manifest)
    store.sync([MANIFEST])


def _bytes_of(store: Store, part: Part) -> bytes:
    raw = store.read_bytes(part.path)
    if hashlib.sha256(raw).hexdigest() != part.sha256:
        raise DamageError("the file was changed during the run", where=store.url(part.path), fix=MAKE_AGAIN)
    return raw


def sweep(store: Store, manifest: dict[str, Any]) -> None:
    """Remove parts of earlier recipes or inputs. What no run has named is somebody else's, and stays."""
    store.delete(ATTEMPTS)
    listed = {file.path for file in listed_in(manifest)}
    listed |= {path.rpartition("/")[0] for path in listed}  # a model of several files has a folder of its own
    found = [f"{folder}/{name}" for folder in DATASETS for name in store.names(folder)]
    found += [f"{folder}/{name}" for folder in COPIES for name in store.entries(folder)]
    for path in (*filter(is_ours, found), *FIXED):
        if path not in listed:
            store.delete(path)
