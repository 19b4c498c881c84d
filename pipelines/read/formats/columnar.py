"""Record batches of any schema (Parquet, Arrow IPC) -> batches of records, column by column."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.batch import text_buffers
from filters.dedup.fingerprints import doc_ids
from pipelines.errors import BadRecordError
from pipelines.read.batches import MAX_ROWS, MAX_TEXT_BYTES, record_schema
from pipelines.read.context import Context
from pipelines.read.fields import normal_language
from pipelines.read.formats.json_columns import json_objects, json_values
from pipelines.recipe.columns import ARROW_TYPES
from pipelines.recipe.schema import ColumnType, LanguageColumn
from pipelines.records.dead_letters import dead_letter, too_long
from pipelines.records.elements import DeadLetter, Records

OWN_TEXT_DATASET = {"doc_id", "cluster", "lang_score", "meta"}
"""Columns that tell the `text/` of another run; its doc_id is then the record's own id, unless the recipe says
otherwise."""

BYTES_OF = {
    pa.string(): pa.binary(),
    pa.large_string(): pa.large_binary(),
    pa.string_view(): pa.binary_view(),
}


class Columns:
    """The columns of one file, checked against the source: what becomes what. Raises BadRecordError for a file that
    cannot serve."""

    def __init__(self, file_schema: pa.Schema, path: str, context: Context):
        self.path, self.context = path, context
        names = file_schema.names
        source = context.source
        if source.text not in names:
            listed = ", ".join(f"'{name}'" for name in names[:20]) + (", ..." if len(names) > 20 else "")
            raise BadRecordError(f"MissingColumn: no column '{source.text}'; the file has {listed or 'no columns'}")
        if len(set(names)) < len(names):
            raise BadRecordError("AmbiguousColumns: two columns of the file have the same name")
        own_text = source.id is None and set(names) >= OWN_TEXT_DATASET
        self.id = "doc_id" if own_text else source.id if source.id in names else None
        self.url = source.url if source.url in names and _is_string(file_schema.field(source.url).type) else None
        self.json = {"meta"} if own_text else set()  # columns whose strings are JSON already
        self.typed = [name for name in source.columns if name in names]
        self._check(file_schema, source.text, "a string", _may_be_text)
        if self.id:
            self._check(file_schema, self.id, "an id (string or integer)", _may_be_id)
        for name in self.typed:
            self._check(file_schema, name, source.columns[name], partial(_fits, wanted=source.columns[name]))
        self.other = sorted(set(names) - {source.text})
        self.meta = [name for name in names if name not in {source.text, self.id, self.url, *self.typed}]

    @staticmethod
    def _check(file_schema: pa.Schema, name: str, wanted: str, fits: Callable[[pa.DataType], bool]) -> None:
        kind = _value_type(file_schema.field(name).type)
        if not (fits(kind) or pa.types.is_null(kind)):
            raise BadRecordError(f"WrongType: column '{name}' is {kind}, not {wanted}")

    def records(self, batch: pa.RecordBatch, first: int) -> Iterator[Records]:
        """The batch as records; `first` is the row of the file that it begins with. Raises BadRecordError if it is
        damaged."""
        batch = pa.RecordBatch.from_arrays([_plain(column) for column in batch.columns], names=batch.schema.names)
        bad = {name: _bad_rows(batch.column(name)) for name in batch.schema.names}
        text = _large_string(batch.column(self.context.source.text))
        bad[self.context.source.text] = _bad_rows(text)
        for start, end in cuts(text):
            errors = {row - start: name for name, rows in bad.items() for row in rows if start <= row < end}
            part = batch.slice(start, end - start)
            yield self._part(part, text.slice(start, end - start), first + start, errors)

    def lost(self, place: int, length: int, error: str) -> Records:
        """The dead letter of rows that could not even be counted, from row `place` of the file on."""
        context = self.context
        return context.only_dead(DeadLetter(context.next_row(), self.path, place, length, "read", error, "", b""))

    def _part(self, batch: pa.RecordBatch, text: pa.Array, first: int, bad_utf8: dict[int, str]) -> Records:
        context = self.context
        rows = np.arange(context.rows, context.rows + len(text), dtype=np.uint32)
        context.rows += len(text)
        errors = self._errors(batch, text, bad_utf8)
        places = np.arange(first, first + len(text))
        dead = [self._dead(int(rows[i]), int(places[i]), error, text, i) for i, error in sorted(errors.items())]
        if errors:
            good = pa.array([i for i in range(len(text)) if i not in errors], pa.int64())
            batch, text, rows = batch.take(good), text.take(good), rows[good.to_numpy()]
        return self._good(batch, text, rows, dead)

    def _errors(self, batch: pa.RecordBatch, text: pa.Array, bad_utf8: dict[int, str]) -> dict[int, str]:
        errors = {i: f"UnicodeDecodeError: column '{name}' is not UTF-8" for i, name in bad_utf8.items()}
        limit = self.context.read.max_record_bytes
        _, start_D1 = text_buffers(text)
        for i in np.flatnonzero(np.diff(start_D1) > limit):
            errors[int(i)] = too_long(int(start_D1[i + 1] - start_D1[i]), limit)
        if text.null_count:
            for i in np.flatnonzero(text.is_null().to_numpy(zero_copy_only=False)):
                errors[int(i)] = f"MissingField: '{self.context.source.text}' is null"
        for name in self.typed:
            if self.context.source.columns[name] == "int64" and pa.types.is_uint64(batch.column(name).type):
                over = pc.fill_null(pc.greater(batch.column(name), 2**63 - 1), False).to_numpy(zero_copy_only=False)
                errors |= {int(i): f"WrongType: '{name}' does not fit into int64" for i in np.flatnonzero(over)}
        return errors

    def _dead(self, row: int, place: int, error: str, text: pa.Array, i: int) -> DeadLetter:
        data = text.slice(i, 1).view(pa.large_binary())[0].as_py() or b""
        return dead_letter(row, self.path, place, error, data)

    def _good(self, batch: pa.RecordBatch, text: pa.Array, rows: np.ndarray, dead: list[DeadLetter]) -> Records:
        json = {name: json_values(batch.column(name), parsed=name in self.json) for name in self.other}
        raw = json_objects(self.other, [json[name] for name in self.other], len(text))
        own_ids = self._own_ids(batch)
        identities = self._identities(own_ids, text, raw)
        columns = [
            pa.array(rows),
            pa.array(identities, pa.string()),
            own_ids,
            text,
            batch.column(self.url).cast(pa.string()) if self.url else pa.nulls(len(text), pa.string()),
            self._languages(batch),
            pc.add(pc.binary_length(text), pc.binary_length(raw)),
            json_objects(self.meta, [json[name] for name in self.meta], len(text)),
            pa.nulls(len(text), pa.string()),
            pa.nulls(len(text), pa.string()),
            *(self._typed(batch, name, kind) for name, kind in self.context.source.columns.items()),
        ]
        result = pa.RecordBatch.from_arrays(columns, schema=record_schema(self.context.source.columns))
        sample = self.context.sample
        if sample.all:
            return Records(result, dead)
        kept = result.filter(pa.array([sample.takes(identity) for identity in identities], pa.bool_()))
        left_out = result.num_rows - kept.num_rows
        return Records(kept, dead, {"not_sampled": left_out} if left_out else {})

    def _own_ids(self, batch: pa.RecordBatch) -> pa.Array:
        if not self.id:
            return pa.nulls(batch.num_rows, pa.string())
        ids = batch.column(self.id).cast(pa.string())
        return pc.if_else(pc.equal(ids, ""), pa.scalar(None, pa.string()), ids)  # the row's bytes identify it

    def _identities(self, own_ids: pa.Array, text: pa.Array, raw: pa.Array) -> list[str]:
        data_B, start_D1 = text_buffers(text)
        data, starts = memoryview(data_B.data), start_D1.tolist()
        others = raw.cast(pa.large_binary()).to_pylist()
        rows = [b"".join((data[starts[i] : starts[i + 1]], b"\0", others[i])) for i in range(len(text))]
        return doc_ids(self.context.source_name, own_ids.to_pylist(), rows)

    def _languages(self, batch: pa.RecordBatch) -> pa.Array:
        declared = self.context.source.language
        if not isinstance(declared, LanguageColumn) or declared.column not in batch.schema.names:
            value = declared if isinstance(declared, str) else None
            return pa.array([value] * batch.num_rows, pa.string())
        labels = batch.column(declared.column)
        if not _is_string(labels.type):
            return pa.nulls(batch.num_rows, pa.string())
        coded = labels.cast(pa.string()).dictionary_encode()
        codes = pa.array([normal_language(label) for label in coded.dictionary.to_pylist()], pa.string())
        return codes.take(coded.indices)

    def _typed(self, batch: pa.RecordBatch, name: str, kind: ColumnType) -> pa.Array:
        if name not in self.typed:
            return pa.nulls(batch.num_rows, ARROW_TYPES[kind])
        return batch.column(name).cast(ARROW_TYPES[kind], safe=False)


def cuts(text: pa.Array) -> Iterator[tuple[int, int]]:
    """Row ranges of a large_string column, each of at most 4,096 rows and 4 MiB (or one longer row)."""
    _, start_D1 = text_buffers(text)
    row = 0
    while row < len(text):
        fits = int(np.searchsorted(start_D1, start_D1[row] + MAX_TEXT_BYTES, side="right")) - 1
        end = min(max(fits, row + 1), row + MAX_ROWS, len(text))
        yield row, end
        row = end


def _plain(column: pa.Array) -> pa.Array:
    """The column without extension types and dictionaries."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _value_type(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.ExtensionType):
        kind = kind.storage_type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_string(kind: pa.DataType) -> bool:
    kind = _value_type(kind)
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_binary(kind: pa.DataType) -> bool:
    kind = _value_type(kind)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _may_be_text(kind: pa.DataType) -> bool:
    return _is_string(kind) or _is_binary(kind)


def _may_be_id(kind: pa.DataType) -> bool:
    return _is_string(kind) or pa.types.is_integer(kind)


def _fits(kind: pa.DataType, wanted: ColumnType) -> bool:
    if wanted == "string":
        return _is_string(kind)
    if wanted == "bool":
        return pa.types.is_boolean(kind)
    return pa.types.is_integer(kind) or (wanted == "float64" and pa.types.is_floating(kind))


def _large_string(column: pa.Array) -> pa.Array:
    """A column of strings, bytes or nulls as large_string; whether its bytes are UTF-8 is another question."""
    if _is_binary(column.type):
        return column.cast(pa.large_binary()).view(pa.large_string())
    return column.cast(pa.large_string())


def _bad_rows(column: pa.Array) -> list[int]:
    """Rows that are not UTF-8: neither Parquet nor Arrow readers check that. Raises BadRecordError on any other
    damage."""
    try:
        column.validate(full=True)
        return []
    except pa.ArrowInvalid as error:
        raw = column.view(BYTES_OF[column.type]) if column.type in BYTES_OF else None
        if raw is None:
            raise BadRecordError("DamagedColumn: its buffers contradict each other") from error
    try:
        raw.validate(full=True)
    except pa.ArrowInvalid as error:
        raise BadRecordError("DamagedColumn: its buffers contradict each other") from error
    return [row for row, value in enumerate(raw.to_pylist()) if value is not None and not _is_utf8(value)]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
