"""Records one by one -> batches of them: the columns that every reader gives, within the bounds of a batch."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_column
from gristmill.pipelines.recipe.columns import ARROW_TYPES
from gristmill.pipelines.recipe.sources import ColumnType
from gristmill.pipelines.records.elements import DeadLetter, Records
from gristmill.pipelines.records.gather import gather

MAX_ROWS = 4096
MAX_TEXT_BYTES = 4 * 2**20
"""A single record longer than this makes a batch of its own."""


def record_schema(columns: dict[str, ColumnType]) -> pa.Schema:
    """Columns of a batch of records; `columns` are the recipe's typed ones. `drop` names a rule of step `drop_step`."""
    fields = [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("text", pa.large_string()),  # null only where `drop` is set
        pa.field("url", pa.string()),
        pa.field("declared_language", pa.string()),
        pa.field("raw_bytes", pa.int64(), nullable=False),
        pa.field("meta", pa.large_string(), nullable=False),
        pa.field("drop", pa.string()),
        pa.field("drop_step", pa.string()),
    ]
    return pa.schema(fields + [pa.field(name, ARROW_TYPES[kind]) for name, kind in columns.items()])


class Document(NamedTuple):
    """One record that was read; text and meta are UTF-8."""

    row: int
    doc_id: str
    id: str | None
    text: bytes | None
    url: str | None
    language: str | None
    raw_bytes: int
    meta: bytes
    typed: tuple
    drop: str | None = None
    drop_step: str | None = None


class Aside(NamedTuple):
    """A record that is not an input, or not in the sample."""

    kind: str


Item = Document | DeadLetter | Aside


def batches(items: Iterable[Item], schema: pa.Schema) -> Iterator[Records]:
    """Documents in batches of at most 4,096 rows and 4 MiB of text, dead letters and counts with the next batch."""
    documents: list[Document] = []
    dead: list[DeadLetter] = []
    aside: dict[str, int] = {}
    size = 0
    for item in items:
        if isinstance(item, Document):
            length = len(item.text or b"")
            if documents and (len(documents) == MAX_ROWS or size + length > MAX_TEXT_BYTES):
                yield Records(_batch(documents, schema), dead, aside)
                documents, dead, aside, size = [], [], {}, 0
            documents.append(item)
            size += length
        elif isinstance(item, DeadLetter):
            dead.append(item)
            if len(dead) == MAX_ROWS:
                yield Records(_batch(documents, schema), dead, aside)
                documents, dead, aside, size = [], [], {}, 0
        else:
            aside[item.kind] = aside.get(item.kind, 0) + 1
    if documents or dead or aside:
        yield Records(_batch(documents, schema), dead, aside)


def gathered(several: Iterable[Records]) -> Iterator[Records]:
    """Those of a reader that gives many small batches, together within the bounds of a batch."""

    def measure(records: Records) -> tuple[int, int]:
        return records.batch.num_rows + len(records.dead), records.batch.nbytes

    return map(_joined, gather(several, measure, MAX_ROWS, MAX_TEXT_BYTES))


def _joined(several: list[Records]) -> Records:
    if len(several) == 1:
        return several[0]
    aside: Counter[str] = Counter()
    for records in several:
        aside.update(records.aside)
    dead = [letter for records in several for letter in records.dead]
    return Records(pa.concat_batches([records.batch for records in several]), dead, dict(aside))


def _batch(documents: list[Document], schema: pa.Schema) -> pa.RecordBatch:
    rows: list[Any] = list(zip(*documents, strict=True)) if documents else [()] * len(Document._fields)
    row, doc_id, own_id, text, url, language, raw_bytes, meta, typed, drop, drop_step = rows
    columns = [
        pa.array(row, pa.uint32()),
        pa.array(doc_id, pa.string()),
        pa.array(own_id, pa.string()),
        _text(text),
        pa.array(url, pa.string()),
        pa.array(language, pa.string()),
        pa.array(raw_bytes, pa.int64()),
        _text(meta),
        pa.array(drop, pa.string()),
        pa.array(drop_step, pa.string()),
    ]
    kinds = schema.types[len(columns) :]
    columns += [pa.array([values[i] for values in typed], kind) for i, kind in enumerate(kinds)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _text(values: tuple[bytes | None, ...]) -> pa.Array:
    """A large_string column of valid UTF-8, from bytes and nulls."""
    if None in values:
        return pa.array([None if value is None else value.decode() for value in values], pa.large_string())
    starts = np.zeros(len(values) + 1, np.int64)
    np.cumsum(list(map(len, values)), out=starts[1:])  # type: ignore[arg-type]
    return text_column(np.frombuffer(b"".join(values), np.uint8), starts)  # type: ignore[arg-type]
