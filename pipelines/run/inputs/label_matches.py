"""Labels that none of the first records has: another key, or another spelling of it, says nothing otherwise."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import pyarrow as pa

from gristmill.filters.labels.table import LabelFile
from gristmill.pipelines.processes.isolation import Guard, LethalRecordError
from gristmill.pipelines.read.batches import Document
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.sample import Sample
from gristmill.pipelines.recipe.load import LoadedRecipe, dotted, line_of, report
from gristmill.pipelines.records.elements import Split, Unit

LOOKED_AT = 100
"""Records of each source."""


def check_matches(loaded: LoadedRecipe, units: list[Unit]) -> list[str]:
    """Notes about labels that none of the first records of any source has.

    Raises RecipeError where these were all records. Without labels nothing is read. Records that kill who reads them
    are the run's to find: a child reads first, and where it dies nothing is said.
    """
    labels = loaded.recipe.read_labels
    if not labels:
        return []
    try:
        looked = Guard(careful=True).step("match", _first_keys)(loaded, units)
    except LethalRecordError:
        return []
    keys = [key for of_source in looked for key in of_source[:LOOKED_AT]]
    silent = [one for one in labels if keys and not _matches(one, keys)]
    if silent and all(len(of_source) <= LOOKED_AT for of_source in looked):
        lines = [(line_of(loaded.lines, ("labels", one.name)), one) for one in silent]
        told = [(n, f"line {n}  {dotted(('labels', one.name))}: no record {_told(one, keys)}") for n, one in lines]
        raise report(loaded.file, sorted(told))
    return [f"labels.{one.name}: none of the first {len(keys):,} records {_told(one, keys)}" for one in silent]


def _first_keys(loaded: LoadedRecipe, units: list[Unit]) -> list[list[dict[str, str | None]]]:
    """Of each source, one more than are looked at, where there are so many."""
    return [list(islice(_keys(loaded, units, name), LOOKED_AT + 1)) for name in loaded.recipe.sources]


def _keys(loaded: LoadedRecipe, units: list[Unit], name: str) -> Iterator[dict[str, str | None]]:
    recipe = loaded.recipe
    reader = READERS[recipe.sources[name].format]
    for unit in (unit for unit in units if unit.source == name):
        context = Context(name, reader.resolve(recipe.sources[name]), recipe.read, recipe.extract, Sample(1, 0))
        for split in unit.splits:
            with suppress(OSError):  # the run says so
                yield from _keys_of(split, context)


def _keys_of(split: Split, context: Context) -> Iterator[dict[str, str | None]]:
    reader = READERS[context.source.format]
    if reader.items is not None:
        for item in reader.items(split, context):
            if isinstance(item, Document):
                yield {"doc_id": item.doc_id, "id": item.id, "url": item.url}
    elif reader.batches is not None:
        for records in reader.batches(split, context):
            yield from records.batch.select(["doc_id", "id", "url"]).to_pylist()


def _matches(one: LabelFile, keys: list[dict[str, str | None]]) -> bool:
    column = pa.array([key[one.joined_by] for key in keys], pa.string())
    return bool(one.values(column)[:, 0].any())


def _told(one: LabelFile, keys: list[dict[str, str | None]]) -> str:
    have = sum(key[one.joined_by] is not None for key in keys)
    if not have:
        return f"has a key to join by ({one.joined_by}); join by another `key`"
    return (
        f"is among its {one.entries:,} labels, by {one.joined_by}; compare a key of the files with the ledger's column"
        f" {one.joined_by}, or join by another `key`"
    )
