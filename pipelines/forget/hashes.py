"""Values that are asked for by their keyed hashes, as the ledger's findings have them: what they are in this run."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from gristmill.filters.edits import Edits
from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.entities import without_models
from gristmill.filters.pii.operators.audit import keyed_hash, values_of
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.forget.asked import Asked, Entry
from gristmill.pipelines.forget.version import Version
from gristmill.pipelines.storage.layout import RECIPE

READ = ("curated", "dropped", "text")
"""Datasets with texts, those first that hold them as extracted."""


def resolved(version: Version, asked: Asked, key: bytes | None) -> Asked:
    """The same request with the values in place of their hashes; a hash of a list that nothing has is left out.

    Raises RecipeError without a key, and where nothing has a hash that was named outright.
    """
    wanted = {entry.text: entry for entry in asked.entries if entry.kind == "value_hash"}
    if not wanted:
        return asked
    if key is None:
        entry = next(iter(wanted.values()))
        fix = "give the file that the recipe's `scrub.key` named: --key FILE"
        raise RecipeError("a hash says nothing without its key", where=entry.where, fix=fix)
    found: dict[str, dict[str, None]] = {}
    for value in _values(version, set(wanted)):
        if (hashed := keyed_hash(key, value)) in wanted:
            found.setdefault(hashed, {})[value] = None
    lacking = [entry.where for text, entry in wanted.items() if text not in found and entry.must_match]
    if lacking or not (found or len(wanted) < len(asked.entries)):
        where = ", ".join(dict.fromkeys(lacking)) or next(iter(wanted.values())).where
        fix = "is it the key of this run? `findings` of the ledger hold the hashes; after `gristmill clean` nobody can"
        raise RecipeError("no value in the run has this hash with this key", where=where, fix=fix)
    others = [entry for entry in asked.entries if entry.kind != "value_hash"]
    values = [Entry("value", one, wanted[h].where, must_match=False) for h, mine in found.items() for one in mine]
    return Asked.of([*others, *values])


def _values(version: Version, hashes: set[str]) -> Iterator[str]:
    """What could have one of the hashes: what the ledger says that it has, and what recognizers find in any text."""
    yield from _of_ledger(version, hashes)
    yield from _of_texts(version)


def _of_ledger(version: Version, hashes: set[str]) -> Iterator[str]:
    wanted = pa.array(sorted(hashes), pa.string())
    places: dict[str, list[tuple[int, int]]] = {}
    for piece in version.pieces("ledger"):
        for batch in version.batches(piece, ("doc_id", "findings")):
            if "findings" not in batch.schema.names:  # an earlier version wrote none
                return
            found = batch.column("findings")
            inner, parent = pc.list_flatten(found), pc.list_parent_indices(found)
            here = pc.is_in(inner.field("hash"), wanted)
            for one, row in zip(inner.filter(here).to_pylist(), parent.filter(here).to_pylist(), strict=True):
                places.setdefault(batch.column("doc_id")[row].as_py(), []).append((one["start"], one["end"]))
    for piece in version.pieces("curated") if places else ():
        for batch in version.batches(piece, ("doc_id", "text")):
            spans = [
                (doc, *span)
                for doc, name in enumerate(batch.column("doc_id").to_pylist())
                for span in places.get(name, ())
            ]
            if spans:
                doc, start, end = np.array(spans, np.int64).T
                kinds = ["found"] * len(spans)
                yield from values_of(batch.column("text"), Edits.of(batch.num_rows, doc, start, end, kinds))


def _of_texts(version: Version) -> Iterator[str]:
    options = (yaml.safe_load(version.store.read_bytes(RECIPE)) or {}).get("scrub") or {}
    scrubber = Scrubber(without_models(options.get("entities")))
    for dataset in READ:
        for piece in version.pieces(dataset):
            for batch in version.batches(piece, ("text", "lang")):
                text = batch.column("text").fill_null("")
                yield from values_of(text, scrubber.edits(text, batch.column("lang").to_pylist()))
