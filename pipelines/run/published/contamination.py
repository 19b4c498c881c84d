"""The rates of contamination that a manifest holds: they go with the checkpoints that are trained from the run."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.contamination.index import Index
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.contamination.evidence import REPORT
from gristmill.pipelines.stages.contamination.find import PHRASES
from gristmill.pipelines.storage.parts import read_parts
from gristmill.pipelines.storage.store import Store

DATASET = "contamination"


def rates(recipe: Recipe, store: Store, receipts: Mapping[str, list[Receipt]]) -> dict[str, Any] | None:
    """By set: items, how many of them were found in how many documents, how many are left in `text/` as they were, and
    which were not counted in documents because they are phrases of the corpus.

    None where nothing was looked for, or the run ended before.
    """
    asked, found = recipe.decontaminate, recipe.read_evaluations
    if asked is None or found is None or "text" not in receipts:
        return None
    common = phrases(found.index, receipts["contamination"])
    sets = {
        name: {"items": count, "too_short": too_short, "phrases": common.get(name, []), "sha256": sha256}
        for name, count, too_short, sha256 in found.sets
    }
    told = {"action": asked.action, "threshold": asked.threshold, "sets": sets}
    return counted(told, (batch for receipt in receipts["text"] for batch in read_parts(store, receipt, DATASET)))


def counted(rates: Mapping[str, Any], evidence: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """The same sets with what the rows of `contamination/` say of them; what was counted before is forgotten."""
    items, documents, left, left_in = _counted(evidence)
    sets = {
        name: {
            "items": of["items"],
            "too_short": of["too_short"],
            "contaminated": len(items.get(name, ())),
            "rate": round(len(items.get(name, ())) / of["items"], 6),
            "documents": len(documents.get(name, ())),
            "left": len(left.get(name, ())),
            "left_rate": round(len(left.get(name, ())) / of["items"], 6),
            "phrases": of["phrases"],
            "sha256": of["sha256"],
        }
        for name, of in rates["sets"].items()
    }
    return {
        "action": rates["action"],
        "threshold": rates["threshold"],
        "documents": len(set().union(*documents.values())),
        "documents_left": len(left_in),
        "sets": sets,
    }


def phrases(index: Index, receipts: Iterable[Receipt]) -> dict[str, list[dict[str, int]]]:
    """By set: items that are phrases of the corpus, the commonest first, with how many documents hold them as well as
    they say and were not counted."""
    most: dict[tuple[int, int], int] = {}
    for item, documents in (row for receipt in receipts for row in receipt.details.get(PHRASES, ())):
        key = int(index.array("set_I")[item]), int(index.array("number_I")[item])
        most[key] = max(documents, most.get(key, 0))  # one that is looked for in two ways counts once
    named: dict[str, list[dict[str, int]]] = {}
    for (of, number), documents in sorted(most.items(), key=lambda one: (-one[1], one[0])):
        named.setdefault(index.set_names[of], []).append({"item": number, "documents": documents})
    return named


Named = dict[str, set[Any]]


def _counted(evidence: Iterable[pa.RecordBatch]) -> tuple[Named, Named, Named, set[Any]]:
    """(items found, documents they were found in, items left, each by set; documents in which any is left)."""
    items, documents, left, left_in = {}, {}, {}, set()  # type: ignore[var-annotated]
    for batch in evidence:
        rows = batch.select(["set", "item", "unit", "row", "action"])
        for name in pc.unique(rows.column("set")).to_pylist():
            mine = rows.filter(pc.equal(rows.column("set"), name))
            stays = mine.filter(pc.equal(mine.column("action"), REPORT))
            items.setdefault(name, set()).update(mine.column("item").to_pylist())
            documents.setdefault(name, set()).update(_places(mine))
            left.setdefault(name, set()).update(stays.column("item").to_pylist())
            left_in.update(_places(stays))
    return items, documents, left, left_in


def _places(rows: pa.RecordBatch) -> Iterable[tuple[str, int]]:
    return zip(rows.column("unit").to_pylist(), rows.column("row").to_pylist(), strict=True)
