"""The rates of contamination that a manifest holds: they go with the checkpoints that are trained from the run."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.compute as pc

from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.contamination.evidence import REPORT
from gristmill.pipelines.storage.parts import read_parts
from gristmill.pipelines.storage.store import Store

DATASET = "contamination"


def rates(recipe: Recipe, store: Store, receipts: Mapping[str, list[Receipt]]) -> dict[str, Any] | None:
    """By set: items, how many of them were found in how many documents, and how many are left in `text/` as they were.

    None where nothing was looked for, or the run ended before.
    """
    asked, found = recipe.decontaminate, recipe.read_evaluations
    if asked is None or found is None or "text" not in receipts:
        return None
    items, documents, left, left_in = _counted(store, receipts["text"])
    sets = {
        name: {
            "items": count,
            "too_short": too_short,
            "contaminated": len(items.get(name, ())),
            "rate": round(len(items.get(name, ())) / count, 6),
            "documents": len(documents.get(name, ())),
            "left": len(left.get(name, ())),
            "left_rate": round(len(left.get(name, ())) / count, 6),
            "sha256": sha256,
        }
        for name, count, too_short, sha256 in found.sets
    }
    return {
        "action": asked.action,
        "threshold": asked.threshold,
        "documents": len(set().union(*documents.values())),
        "documents_left": len(left_in),
        "sets": sets,
    }


Named = dict[str, set[Any]]


def _counted(store: Store, receipts: Iterable[Receipt]) -> tuple[Named, Named, Named, set[Any]]:
    """(items found, documents they were found in, items left, each by set; documents in which any is left)."""
    items, documents, left, left_in = {}, {}, {}, set()  # type: ignore[var-annotated]
    for number, receipt in enumerate(receipts):
        for batch in read_parts(store, receipt, DATASET):
            rows = batch.select(["set", "item", "row", "action"])
            for name in pc.unique(rows.column("set")).to_pylist():
                mine = rows.filter(pc.equal(rows.column("set"), name))
                stays = mine.filter(pc.equal(mine.column("action"), REPORT))
                items.setdefault(name, set()).update(mine.column("item").to_pylist())
                documents.setdefault(name, set()).update((number, row) for row in mine.column("row").to_pylist())
                left.setdefault(name, set()).update(stays.column("item").to_pylist())
                left_in.update((number, row) for row in stays.column("row").to_pylist())
    return items, documents, left, left_in
