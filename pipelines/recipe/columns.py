"""The columns of datasets that a recipe adds to: its typed ones."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import EDIT
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sources import ColumnType, Source
from gristmill.pipelines.records.columns import DROPPED, IDENTITY, LANGUAGE

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
}


RECORD_FIELDS, DEAD_FIELDS = ("id", "url", "meta"), ("file", "error")
"""Of a document, and of a dead letter."""


def typed_columns(recipe: Recipe) -> list[pa.Field]:
    """The columns that the recipe names, of all sources together; null where a source lacks one."""
    fields = {name: ARROW_TYPES[kind] for source in recipe.sources.values() for name, kind in source.columns.items()}
    return [pa.field(name, type_) for name, type_ in fields.items()]


def derivations(batch: pa.RecordBatch, source: Source) -> np.ndarray:
    """int64[D]: how each document of a source was made, as `filters.dedup.fingerprints.rank` numbers it."""
    derivation_D = np.full(batch.num_rows, source.derivation)
    if source.derived_from is not None:
        original = batch.column(source.derived_from)
        if pa.types.is_boolean(original.type):
            named = pc.fill_null(original, False)
        else:
            named = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(original.cast(pa.string())), ""), False)
        derivation_D[named.to_numpy(zero_copy_only=False)] = max(1, source.derivation)
    return derivation_D


def scrubbed_fields(recipe: Recipe) -> frozenset[str]:
    """The fields beside the text that are published without personal data."""
    if recipe.scrub is None:
        return frozenset()
    return frozenset(scrubbable_fields(recipe) if recipe.scrub.fields is None else recipe.scrub.fields)


def scrubbable_fields(recipe: Recipe) -> list[str]:
    """What `scrub.fields` may name: the strings of a record that are published beside its text."""
    strings = [field.name for field in typed_columns(recipe) if pa.types.is_string(field.type)]
    return [*RECORD_FIELDS, *DEAD_FIELDS, *strings]


def curated_schema(recipe: Recipe) -> pa.Schema:
    """Extracted text and what is done to it: only `text/` applies the edits."""
    return pa.schema(
        [
            *IDENTITY,
            ("row", pa.uint32()),
            ("text", pa.large_string()),
            *LANGUAGE,
            ("bytes", pa.int64()),
            ("meta", pa.large_string()),
            *typed_columns(recipe),
            ("edits", pa.list_(EDIT)),
        ]
    )


def dropped_schema(recipe: Recipe) -> pa.Schema:
    """What did not pass, whole: another recipe may keep it."""
    return pa.schema([*DROPPED, *typed_columns(recipe)])


def text_schema(recipe: Recipe) -> pa.Schema:
    """The clean text, as it is delivered."""
    return pa.schema(
        [
            *IDENTITY,
            ("text", pa.large_string()),
            *LANGUAGE,
            ("cluster", pa.string()),
            ("bytes", pa.int64()),
            ("meta", pa.large_string()),
            *typed_columns(recipe),
        ]
    )
