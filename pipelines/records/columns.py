"""The columns of every dataset that the stages write, and how a batch is put together from them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from gristmill.pipelines.errors import utf8_text
from gristmill.pipelines.records.elements import DeadLetter

SPANS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("kind", pa.string())]))
"""Edits as the ledger shows them: without the replaced or replacing text."""

IDENTITY = [("doc_id", pa.string()), ("id", pa.string()), ("source", pa.string()), ("url", pa.string())]
LANGUAGE = [("lang", pa.string()), ("lang_score", pa.float32()), ("script", pa.string())]
VERDICT = [("verdict", pa.string()), ("judged", pa.bool_()), ("step", pa.string()), ("rules", pa.list_(pa.string()))]
"""verdict: kept, dropped or dead. judged: an entry of `decide` admitted the document; null where it never got there.
step: what dropped it, or where it died. rules: all that fired."""
CLUSTER = [("cluster", pa.string()), ("duplicate_of", pa.string()), ("similarity", pa.float32())]

VERDICTS = pa.schema([*IDENTITY, ("row", pa.uint32()), *LANGUAGE, ("bytes", pa.int64()), *VERDICT])
"""What stage A knows of every record of a unit, dead ones included; signal columns follow."""
DROPPED = pa.schema(
    [
        *IDENTITY,
        ("text", pa.large_string()),
        ("lang", pa.string()),
        ("step", pa.string()),
        ("rules", pa.list_(pa.string())),
        ("duplicate_of", pa.string()),
        ("meta", pa.large_string()),
    ]
)
CLUSTERS = pa.schema(
    [
        ("cluster", pa.string()),
        ("doc_id", pa.string()),
        ("source", pa.string()),
        ("similarity", pa.float32()),
        ("duplicate_of", pa.string()),
        ("kept", pa.bool_()),
    ]
)
DEAD = pa.schema(
    [
        ("source", pa.string()),
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("row", pa.uint32()),
        ("step", pa.string()),
        ("error", pa.string()),
        ("sha256", pa.string()),
        ("first_bytes", pa.binary()),
    ]
)


def assemble(schema: pa.Schema, rows: int, columns: Mapping[str, Any]) -> pa.RecordBatch:
    """A batch of a schema: a missing column is null, a plain value stands in every row, arrays are cast."""
    return pa.record_batch([_column(columns.get(field.name), field.type, rows) for field in schema], schema=schema)


def _column(value: Any, type_: pa.DataType, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, type_)
    if isinstance(value, pa.Array):
        return value if value.type == type_ else value.cast(type_)
    if isinstance(value, str | int | float | bool):
        return pa.repeat(pa.scalar(value, type_), rows)
    return pa.array(value, type_)


def dead_batch(source: str, letters: list[DeadLetter]) -> pa.RecordBatch:
    """Dead letters of a source as rows of the `dead` dataset."""
    rows = [
        {
            "source": source,
            "file": utf8_text(letter.file),
            "offset": letter.offset,
            "length": letter.length,
            "row": letter.row,
            "step": letter.step,
            "error": letter.error,
            "sha256": letter.sha256,
            "first_bytes": letter.first_bytes,
        }
        for letter in letters
    ]
    return pa.RecordBatch.from_pylist(rows, schema=DEAD)
