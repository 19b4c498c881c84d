"""Which documents are in `text/` once the rules keep others: after deduplication."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.storage.layout import STATE
from gristmill.pipelines.storage.receipt_book import read_receipt
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.whatif.sets import among
from gristmill.pipelines.whatif.verdicts import Documents

FINGERPRINTS, MEMBERS = "_work/fingerprints", "_work/members"
PASSAGES_STAY = "repeated passages are not looked for again: what they cut, and whom they emptied, stays as it was"
PERSONAL_STAYS = "personal data is not looked for again: whom `drop_above` dropped stays out, nobody else goes for it"
EXACT, ESTIMATED, NONE = "exact", "estimated", "none"


@dataclass(frozen=True)
class Outcome:
    """kept: bool of each document; how: EXACT, ESTIMATED or NONE; notes: why it is estimated."""

    kept: np.ndarray
    how: str
    notes: list[str] = field(default_factory=list)


def outcome(store: Store, recipe: Recipe, units: list[str], documents: Documents) -> Outcome:
    """Decide about duplicates again where a document's verdict changes; the others stay as they are."""
    passes = documents.passes & ~documents.dead & ~documents.emptied
    options = recipe.deduplicate
    notes = [PERSONAL_STAYS] if recipe.scrub and recipe.scrub.drops else []
    if options is None:
        return Outcome(passes, NONE, notes)
    changed = documents.passes != documents.passed
    if not changed.any():
        return Outcome(documents.kept.copy(), EXACT)
    notes += [PASSAGES_STAY] if options.passages or options.substrings else []
    if options.fingerprint == "kept":
        why = (
            "the recipe fingerprints only what rules keep (`fingerprint: kept`), so that nothing is known of the others"
        )
        return _estimated(store, documents, why, notes)
    try:
        dropped = _dropped(store, recipe, units, documents, changed)
    except (DamageError, FileNotFoundError, OSError):
        why = "the run's fingerprints are gone (`gristmill clean`, `gristmill forget`, or damage)"
        return _estimated(store, documents, why, notes)
    return Outcome(passes & ~among(dropped, documents.place), EXACT, notes)


def _dropped(store: Store, recipe: Recipe, units: list[str], documents: Documents, changed: np.ndarray) -> np.ndarray:
    """The places of all duplicates that are dropped."""
    # Kernels and Beam's names: half a second that only this question needs.
    from gristmill.pipelines.whatif.winners import Prints, dropped_again, members_at

    books = (store.read_sealed(STATE) or {})["books"]
    receipts = {stage: _receipts(store, books[stage], units) for stage in ("score", "duplicates")}
    paths = {
        number: [store.url(part.path) for part in receipt.of(FINGERPRINTS)]
        for number, receipt in enumerate(receipts["score"])
    }
    members = members_at(store, receipts["duplicates"])
    order = np.argsort(documents.place[changed])
    places, kept = documents.place[changed][order], documents.passes[changed][order]
    assert recipe.deduplicate is not None
    indexed = [index.addressed for index in recipe.taken_indexes]
    return dropped_again(Prints(paths, *members, indexed), places, kept, recipe.deduplicate)


def _receipts(store: Store, folder: str, units: list[str]) -> list[Receipt]:
    return [read_receipt(store, f"{folder}/{unit}.json")[0] for unit in units]


def _estimated(store: Store, documents: Documents, why: str, notes: list[str]) -> Outcome:
    """A cluster keeps as many documents as it did, and one at least: first those that were kept, then the longest."""
    tables = []
    for path in store.parts("ledger"):
        with store.open(path) as file:
            tables.append(pq.read_table(file, columns=["cluster", "judged"]))
    table = pa.concat_tables(tables)
    cluster = table.filter(table.column("judged").is_valid()).column("cluster").combine_chunks().dictionary_encode()
    number = cluster.indices.to_numpy()
    passes = documents.passes & ~documents.dead & ~documents.emptied
    many = np.bincount(number)[number] > 1
    allowed = np.maximum(np.bincount(number, documents.kept), 1)
    order = np.lexsort((documents.place, -documents.size, ~documents.kept, ~passes, number))
    first = np.r_[True, number[order][1:] != number[order][:-1]]
    rank = np.empty(len(number), np.int64)
    rank[order] = np.arange(len(number)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    kept = passes & (~many | (rank < allowed[number]))
    note = f"who stays among duplicates is estimated, as many of each cluster as before: {why}"
    return Outcome(kept, ESTIMATED, [note, *notes])
