"""Record batches of any schema (Parquet, Arrow IPC) -> batches of records, column by column."""

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.batch import text_buffers
from gristmill.filters.dedup.fingerprints import doc_ids_of
from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.batches import MAX_ROWS, MAX_TEXT_BYTES, record_schema
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.conversations.take import fields_taken
from gristmill.pipelines.read.fields import to_json
from gristmill.pipelines.read.formats.json.columns import json_objects, json_values
from gristmill.pipelines.read.formats.tables.layout import (
    column_at,
    decoded,
    decoded_bytes,
    indexed,
    is_binary,
    is_string,
    schema_names,
)
from gristmill.pipelines.read.formats.tables.salvage import BYTES_OF, DAMAGED, NOT_UTF8, salvage
from gristmill.pipelines.recipe.columns import ARROW_TYPES
from gristmill.pipelines.recipe.languages.codes import normal_language
from gristmill.pipelines.recipe.sources import CONVERSATIONS, ColumnType, LanguageColumn, Source
from gristmill.pipelines.records.dead_letters import dead_letter, too_long
from gristmill.pipelines.records.elements import DeadLetter, Records

OWN_TEXT_DATASET = {"doc_id", "cluster", "lang_score", "meta"}
"""Columns that tell the `text/` of another run; its doc_id is then the record's own id, unless the recipe says
otherwise."""

DECODED_BYTES = 64 * 2**20
"""Of a batch's encoded columns that are decoded at a time: one long value may stand in any number of rows."""
FAULTS = {NOT_UTF8: "UnicodeDecodeError: column '{}' is not UTF-8", DAMAGED: "DamagedValue: in column '{}'"}


LIFTED, LEFT = "(text)", "(rest)"
"""Columns of the texts that stand within other columns, and of what is left of those, as JSON objects."""


def lifted_from(source: Source, kinds: Collection[str]) -> set[str]:
    """The columns within which the text stands; none where it is a column."""
    if source.kind != "text":
        return {name for name in fields_taken(source) if name in kinds}
    root = source.text.split(".")[0]
    return {root} if source.text not in kinds and root in kinds else set()


class Columns:
    """The columns of one file, checked against the source: what becomes what. Raises BadRecordError for a file that
    cannot serve."""

    def __init__(self, file_schema: pa.Schema, path: str, context: Context):
        self.path, self.context = path, context
        self.names = names = schema_names(file_schema)
        kinds = {name: _value_type(file_schema.field(i).type) for i, name in enumerate(names)}
        source = context.source
        self.text, self.lifted = source.text, lifted_from(source, kinds)
        columns = CONVERSATIONS[source.kind] if source.kind != "text" else {}
        self.lifted_columns = {name: ARROW_TYPES[kind] for name, kind in columns.items()}
        if self.lifted:
            self.text = LIFTED
            kinds |= dict.fromkeys({LIFTED, *self.lifted}, pa.large_string()) | self.lifted_columns
        if self.text not in kinds or (self.lifted_columns and not self.lifted):
            listed = ", ".join(f"'{name}'" for name in names[:20]) + (", ..." if len(names) > 20 else "")
            wanted = f"column '{source.text}'" if source.kind == "text" else f"column of {source.kind}"
            raise BadRecordError(f"MissingColumn: no {wanted}; the file has {listed or 'no columns'}")
        own_text = source.id is None and kinds.keys() >= OWN_TEXT_DATASET
        self.id = "doc_id" if own_text else source.id if source.id in kinds else None
        self.url = source.url if source.url in kinds and is_string(kinds[source.url]) else None
        self.json = {*(["meta"] if own_text else []), *self.lifted}  # columns whose strings are JSON already
        self.typed = [name for name in source.columns if name in kinds]
        _check(kinds, self.text, "a string", _may_be_text)
        if self.id:
            _check(kinds, self.id, "an id (string or integer)", _may_be_id)
        for name in self.typed:
            _check(kinds, name, source.columns[name], partial(_fits, wanted=source.columns[name]))
        language = source.language.column if isinstance(source.language, LanguageColumn) else None
        self.decoded = {self.text, self.id, self.url, language, *self.typed}
        self.other = sorted(kinds.keys() - {self.text})
        taken = {self.text, self.id, self.url, *self.typed, *self.lifted}
        self.meta = [name for name in kinds if name not in taken]

    def records(self, batch: pa.RecordBatch, first: int) -> Iterator[Records]:
        """The batch as records; `first` is the row of the file that it begins with. A value that contradicts its type
        costs its row."""
        columns, errors = {}, dict[int, str]()
        fields = batch.to_struct_array()
        for i, name in enumerate(self.names):
            columns[name] = self._sound(name, column_at(fields, i), errors)
        if self.lifted:
            raw = self._lift(columns, errors)
        else:
            raw = column_at(fields, self.names.index(self.text))
        if is_binary(_value_type(raw.type)):
            columns[self.text] = self._sound(self.text, as_string(columns[self.text]), errors)
        bad_rows = sorted(errors)
        for start, end in pieces(list(columns.values()), batch.num_rows):
            piece = {name: column.slice(start, end - start) for name, column in columns.items()}
            piece |= {name: decoded(column) for name, column in piece.items() if name in self.decoded}
            text = piece[self.text].cast(pa.large_string())
            whole = pa.RecordBatch.from_arrays(list(piece.values()), names=list(piece))
            for a, b in cuts(text):
                at = start + a
                mine = bad_rows[bisect_left(bad_rows, at) : bisect_left(bad_rows, start + b)]
                faults = {row - at: (errors[row], raw.slice(row, 1)) for row in mine}
                yield self._part(whole.slice(a, b - a), text.slice(a, b - a), first + at, faults)

    def _lift(self, columns: dict[str, pa.Array], errors: dict[int, str]) -> pa.Array:
        """The texts that stand within other columns, in a column of their own, and those columns without them, as
        JSON."""
        names = sorted(self.lifted & columns.keys())
        values = [json_values(columns[name]).to_pylist() for name in names]
        texts: list[str | None] = []
        rests: list[str] = []
        rest: dict[str, list[Any]] = {name: [] for name in {*names, *self.lifted_columns}}
        for row, cells in enumerate(zip(*values, strict=True)):
            record = {name: json.loads(cell) for name, cell in zip(names, cells, strict=True) if cell is not None}
            taken = True
            try:
                texts.append(self.context.fields.take_text(record).decode())
            except BadRecordError as error:
                errors.setdefault(row, str(error))
                texts.append(None)
                taken = False
            rests.append(to_json({name: value for name, value in record.items() if name not in self.typed}))
            for name, left in rest.items():
                value = record.get(name)
                if name not in self.lifted_columns:
                    left.append(None if value is None else to_json(value))
                else:
                    left.append(value if taken else None)
        kinds = dict.fromkeys(names, pa.large_string()) | self.lifted_columns
        columns |= {name: pa.array(left, kinds[name]) for name, left in rest.items()}
        columns[LEFT] = pa.array(rests, pa.large_string())
        columns[LIFTED] = pa.array(texts, pa.large_string())
        return columns[LIFTED]

    @staticmethod
    def _sound(name: str, column: pa.Array, errors: dict[int, str]) -> pa.Array:
        """The column without the values that contradict its type; their rows get an error, where they have none."""
        found = salvage(column)
        if found is None:
            return column
        for row in np.flatnonzero(found.fault_R).tolist():
            errors.setdefault(row, FAULTS[int(found.fault_R[row])].format(name))
        return found.column

    def lost(self, place: int, length: int, error: str) -> Records:
        """The dead letter of rows that could not even be counted, from row `place` of the file on."""
        context = self.context
        return context.only_dead(DeadLetter(context.next_row(), self.path, place, length, "read", error, "", b""))

    def _part(
        self, batch: pa.RecordBatch, text: pa.Array, first: int, faults: dict[int, tuple[str, pa.Array]]
    ) -> Records:
        """The records of some rows; `faults`: row -> error, and the text as the file has it."""
        context = self.context
        rows = np.arange(context.rows, context.rows + len(text), dtype=np.uint32)
        context.pass_rows(len(text), first)
        errors = self._errors(batch, text) | {row: error for row, (error, _) in faults.items()}
        dead = []
        for i, error in sorted(errors.items()):
            raw = faults[i][1] if i in faults else text.slice(i, 1)
            dead.append(dead_letter(int(rows[i]), self.path, first + i, error, raw_bytes(raw)))
        return self._good(batch, text, rows, dead, errors.keys())

    def _errors(self, batch: pa.RecordBatch, text: pa.Array) -> dict[int, str]:
        errors = {}
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

    def _good(
        self, batch: pa.RecordBatch, text: pa.Array, rows: np.ndarray, dead: list[DeadLetter], bad: Collection[int]
    ) -> Records:
        json = {name: json_values(batch.column(name), parsed=name in self.json) for name in self.other}
        raw = json_objects(self.other, [json[name] for name in self.other], len(text))
        own_ids = self._own_ids(batch)
        identities = doc_ids_of(self.context.source_name, own_ids, text, raw)
        columns = [
            pa.array(rows),
            pa.array(identities, pa.string()),
            own_ids,
            text,
            batch.column(self.url).cast(pa.string()) if self.url else pa.nulls(len(text), pa.string()),
            self._languages(batch),
            pc.add(pc.binary_length(text), pc.binary_length(raw)),
            self._meta(batch, json),
            pa.nulls(len(text), pa.string()),
            pa.nulls(len(text), pa.string()),
            *(self._typed(batch, name, kind) for name, kind in self.context.source.columns.items()),
        ]
        result = pa.RecordBatch.from_arrays(columns, schema=record_schema(self.context.source.columns))
        if bad:  # not before: what may lie in other columns cannot always be taken apart
            good = [i for i in range(len(rows)) if i not in bad]
            result, identities = result.take(pa.array(good, pa.int64())), [identities[i] for i in good]
        sample = self.context.sample
        if sample.all:
            return Records(result, dead)
        kept = result.filter(pa.array([sample.takes(identity) for identity in identities], pa.bool_()))
        left_out = result.num_rows - kept.num_rows
        return Records(kept, dead, {"not_sampled": left_out} if left_out else {})

    def _meta(self, batch: pa.RecordBatch, json: dict[str, pa.Array]) -> pa.Array:
        """The columns that no key of the recipe names, and what is left of those that the text was taken from."""
        whole = json_objects(self.meta, [json[name] for name in self.meta], batch.num_rows)
        if not self.lifted:
            return whole
        rows = zip(whole.to_pylist(), batch.column(LEFT).to_pylist(), strict=True)
        inner = (",".join(filter(None, (a[1:-1], b[1:-1]))) for a, b in rows)
        return pa.array([f"{{{fields}}}" for fields in inner], pa.large_string())

    def _own_ids(self, batch: pa.RecordBatch) -> pa.Array:
        if not self.id:
            return pa.nulls(batch.num_rows, pa.string())
        ids = batch.column(self.id).cast(pa.string())
        return pc.if_else(pc.equal(ids, ""), pa.scalar(None, pa.string()), ids)  # the row's bytes identify it

    def _languages(self, batch: pa.RecordBatch) -> pa.Array:
        declared = self.context.source.language
        if not isinstance(declared, LanguageColumn) or declared.column not in batch.schema.names:
            value = declared if isinstance(declared, str) else None
            return pa.array([value] * batch.num_rows, pa.string())
        labels = batch.column(declared.column)
        if not is_string(labels.type):
            return pa.nulls(batch.num_rows, pa.string())
        coded = labels.cast(pa.string()).dictionary_encode()
        codes = pa.array([normal_language(label or "") for label in coded.dictionary.to_pylist()], pa.string())
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


def pieces(columns: list[pa.Array], rows: int) -> Iterator[tuple[int, int]]:
    """Row ranges whose encoded columns take at most 64 MiB when decoded (or one longer row)."""
    sizes = [size_R for column in columns if (size_R := decoded_bytes(column)) is not None]
    if not sizes or not rows:
        yield 0, rows
        return
    end_R = np.cumsum(np.sum(sizes, axis=0))
    start = 0
    while start < rows:
        before = int(end_R[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(end_R, before + DECODED_BYTES, side="right")))
        yield start, end
        start = end


def as_string(column: pa.Array) -> pa.Array:
    """A valid column of bytes as strings; whether they are UTF-8 is another question."""
    if (found := indexed(column)) is not None:
        return pa.DictionaryArray.from_arrays(found[1], as_string(found[0]), safe=False)
    return column.cast(pa.large_binary()).view(pa.large_string()) if is_binary(column.type) else column


def raw_bytes(text: pa.Array) -> bytes:
    """The bytes of the one text of a column, as far as they can be had."""
    try:
        text = decoded(text)
        data = text.view(BYTES_OF.get(text.type, text.type))
        data.validate(full=True)
        return data[0].as_py() or b""
    except (pa.ArrowException, IndexError):
        return b""


def _value_type(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.ExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _value_type(kind.value_type)
    return kind


def _check(kinds: dict[str, pa.DataType], name: str, wanted: str, fits: Callable[[pa.DataType], bool]) -> None:
    kind = kinds[name]
    if not (fits(kind) or pa.types.is_null(kind)):
        several = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_struct(kind)
        hint = f"; a field within it is '{name}.*' or '{name}.NAME'" if several and wanted == "a string" else ""
        raise BadRecordError(f"WrongType: column '{name}' is {kind}, not {wanted}{hint}")


def _may_be_text(kind: pa.DataType) -> bool:
    return is_string(kind) or is_binary(kind)


def _may_be_id(kind: pa.DataType) -> bool:
    return is_string(kind) or pa.types.is_integer(kind)


def _fits(kind: pa.DataType, wanted: ColumnType) -> bool:
    if wanted == "string":
        return is_string(kind)
    if wanted == "bool":
        return pa.types.is_boolean(kind)
    return pa.types.is_integer(kind) or (wanted == "float64" and pa.types.is_floating(kind))
