"""manifest.json: what a run is made of, hash by hash. Written last; readers trust only it and the receipts.

Holds no time, host, runner or worker count: the same recipe on the same input gives the same manifest everywhere.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pipelines.recipe.entries import judge_of
from pipelines.recipe.load import fingerprint
from pipelines.recipe.schema import Recipe
from pipelines.records.accounts import Accounts
from pipelines.records.elements import Unit
from pipelines.records.receipts import Part, Receipt
from pipelines.run.job import Job
from pipelines.storage.attempts import ATTEMPTS
from pipelines.storage.parts import add_content
from pipelines.storage.store import Store

MANIFEST = "manifest.json"
PUBLISHED = (
    "text",
    "ledger",
    "clusters",
    "dropped",
    "dead",
    "curated",
    "tokens/train",
    "tokens/validation",
    "tokens/plan",
)
"""Datasets with a folder of their own, in which a part of an earlier recipe must not stay."""


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
        "datasets": datasets(parts),
        "tokenizer": job.store.read_json("tokenizer/tokenizer.json") if "tokenizer" in job.stages else None,
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
            "shards": [{"path": p.path, "rows": p.rows, "bytes": p.bytes, "sha256": p.sha256} for p in mine],
        }
        for name, mine in sorted(grouped.items())
    }


def rules(recipe: Recipe) -> list[dict[str, Any]]:
    """Every rule of the recipe as the report and `gristmill rules` show it."""
    return [
        {
            "name": name,
            "entry": number,
            "signal": rule.signal,
            "column": column,
            "comparison": rule.comparison,
            "threshold": rule.threshold,
            "sentence": rule.sentence(),
            "languages": sorted(rule.languages) if rule.languages else None,
        }
        for number, name, column, rule in judge_of(recipe).placed_rules()
    ]


def sweep(store: Store, manifest: dict[str, Any]) -> None:
    """Remove parts of earlier recipes or inputs, so that a folder holds exactly what the manifest lists."""
    store.delete(ATTEMPTS)
    for folder in PUBLISHED:
        listed = {shard["path"] for shard in manifest["datasets"].get(folder, {}).get("shards", ())}
        for name in store.names(folder):
            if f"{folder}/{name}" not in listed:
                store.delete(f"{folder}/{name}")
