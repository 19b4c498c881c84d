"""Columns whose values contradict their type: a bad value costs its row, not its batch.

Readers of Parquet and Arrow check neither whether texts are UTF-8 nor whether times, decimals, indices and offsets are
within their bounds. pyarrow's own check says only that something is wrong, so here the rows are found, type by type.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.encodings.texts import decode_known
from gristmill.pipelines.read.formats.tables.layout import (
    column_at,
    indexed,
    is_binary,
    is_string,
    stored,
    struct_fields,
)

GOOD, NOT_UTF8, DAMAGED = 0, 1, 2
"""What a value may be; the worse of several stands for their row."""


FREE_ROWS = 1 << 20
"""Rows that may take less than a bit each: of nulls, or of runs."""


class Salvaged(NamedTuple):
    """A valid column of as many rows, null where `fault_R` is not GOOD."""

    column: pa.Array
    fault_R: np.ndarray


def salvage(column: pa.Array) -> Salvaged | None:
    """None for a column that is sound. What cannot be told apart is all bad. Raises BadRecordError where the number of
    rows is a lie."""
    column = stored(column)
    if _valid(column):
        return None
    held = sum(buffer.size for buffer in column.buffers() if buffer)
    if len(column) > 8 * held + FREE_ROWS:
        raise BadRecordError("DamagedColumn: it is shorter than its number of rows says")
    try:
        found = _salvaged(column)
    except (pa.ArrowException, ValueError, IndexError, OverflowError, TypeError):  # the last: a buffer is absent
        found = None
    if found is None or not _valid(found.column):
        return Salvaged(pa.nulls(len(column)), np.full(len(column), DAMAGED, np.uint8))
    return found


def _valid(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _part(column: pa.Array) -> Salvaged:
    return salvage(column) or Salvaged(stored(column), np.zeros(len(column), np.uint8))


def _salvaged(column: pa.Array) -> Salvaged:
    kind = column.type
    if not _has_validity(column):
        raise ValueError("no row is known to be null or not")
    if is_string(kind) or is_binary(kind):
        return _texts(column)
    if indexed(column) is not None:
        return _indexed(column)
    if pa.types.is_struct(kind):
        return _struct(column)
    if pa.types.is_union(kind):
        return _union(column)
    if pa.types.is_fixed_size_list(kind):
        return _fixed_size_lists(column)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return _lists(column)
    fault_R = np.array([GOOD if _valid(column.slice(i, 1)) else DAMAGED for i in range(len(column))], np.uint8)
    return Salvaged(column.take(_kept(fault_R)), fault_R)


def _has_validity(column: pa.Array) -> bool:
    bits = column.buffers()[0]
    return bits is None or bits.size * 8 >= column.offset + len(column)


def _kept(fault_R: np.ndarray) -> pa.Array:
    """Indices of the good rows, null for the others."""
    return pa.array(np.arange(len(fault_R)), mask=fault_R != GOOD)


def _texts(column: pa.Array) -> Salvaged:
    """Strings and bytes: row by row, since neither their offsets nor their bytes may be trusted."""
    text, fault_R = is_string(column.type), np.zeros(len(column), np.uint8)
    values: list[bytes | None] = []
    left = sum(buffer.size for buffer in column.buffers() if buffer) if "view" not in str(column.type) else 1 << 62
    for i in range(len(column)):
        row = column.slice(i, 1)
        plain = row.view(BYTES_OF[column.type]) if text else row
        value = plain[0].as_py() if _valid(plain) else None
        left -= len(value or b"")
        if left < 0 or not _valid(plain):  # values that lie over each other might be larger than any memory
            fault_R[i] = DAMAGED
        elif text and not _valid(row):
            value, fault_R[i] = _without_stray_bytes(value)
        values.append(None if fault_R[i] else value)
    return Salvaged(pa.array(values, pa.large_binary()).view(pa.large_string() if text else pa.large_binary()), fault_R)


def _without_stray_bytes(value: bytes | None) -> tuple[bytes | None, int]:
    try:
        return decode_known(value or b"")[0].encode(), GOOD
    except UnicodeDecodeError:
        return None, NOT_UTF8


BYTES_OF = {
    pa.string(): pa.binary(),
    pa.large_string(): pa.large_binary(),
    pa.string_view(): pa.binary_view(),
}


def _indexed(column: pa.Array) -> Salvaged:
    """A bad value costs the rows that point to it."""
    found = indexed(column)
    assert found is not None
    values, fault_V = _part(found[0])
    index_R = found[1].fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    null_R = found[1].is_null().to_numpy(zero_copy_only=False)
    inside_R = (index_R >= 0) & (index_R < len(values))
    fault_R = np.full(len(column), DAMAGED, np.uint8)
    fault_R[inside_R] = fault_V[index_R[inside_R]]
    fault_R[null_R] = GOOD
    indices = pa.array(np.where(inside_R, index_R, 0), mask=null_R | (fault_R != GOOD))
    return Salvaged(pa.DictionaryArray.from_arrays(indices, values), fault_R)


def _struct(column: pa.Array) -> Salvaged:
    null_R = column.is_null().to_numpy(zero_copy_only=False)
    parts = [_part(column_at(column, i)) for i in range(column.type.num_fields)]
    fault_R = np.max([np.zeros(len(column), np.uint8), *(part.fault_R for part in parts)], axis=0)
    fault_R[null_R] = GOOD
    fields = [f.with_type(part.column.type) for f, part in zip(struct_fields(column.type), parts, strict=True)]
    fields = [field.with_nullable(True) for field in fields]
    mask = pa.array(null_R | (fault_R != GOOD))
    return Salvaged(pa.StructArray.from_arrays([part.column for part in parts], fields=fields, mask=mask), fault_R)


def _union(column: pa.Array) -> Salvaged:
    """A bad value costs the row that is of its type and place."""
    kind, rows = column.type, range(column.offset, column.offset + len(column))
    parts = [_part(column.field(i)) for i in range(kind.num_fields)]
    code_R = np.frombuffer(column.buffers()[1], np.int8)[rows.start : rows.stop]
    dense = kind.mode == "dense"
    place_R = np.frombuffer(column.buffers()[2], np.int32)[rows.start : rows.stop] if dense else np.arange(len(rows))
    fault_R = np.full(len(rows), DAMAGED, np.uint8)
    for code, part in zip(kind.type_codes, parts, strict=True):
        mine_R = (code_R == code) & (place_R >= 0) & (place_R < len(part.column))
        fault_R[mine_R] = part.fault_R[place_R[mine_R]]
    children = [part.column for part in parts]
    if not dense:
        codes = pa.array(np.where(np.isin(code_R, kind.type_codes), code_R, kind.type_codes[0]), pa.int8())
        return Salvaged(pa.UnionArray.from_sparse(codes, children, None, kind.type_codes), fault_R)
    codes = pa.array(np.where(fault_R == GOOD, code_R, kind.type_codes[0]), pa.int8())
    places = pa.array(np.where(fault_R == GOOD, place_R, 0), pa.int32())
    return Salvaged(pa.UnionArray.from_dense(codes, places, children, None, kind.type_codes), fault_R)


def _fixed_size_lists(column: pa.Array) -> Salvaged:
    width, rows = column.type.list_size, len(column)
    child, fault_C = _part(column.values.slice(column.offset * width, rows * width))
    null_R = column.is_null().to_numpy(zero_copy_only=False)
    fault_R = fault_C.reshape(rows, width).max(axis=1, initial=GOOD)
    fault_R[null_R] = GOOD
    mask = pa.array(null_R | (fault_R != GOOD))
    return Salvaged(pa.FixedSizeListArray.from_arrays(child, width, mask=mask), fault_R)


def _lists(column: pa.Array) -> Salvaged:
    """Lists and maps. A list whose range is not there, or begins within the one before, is bad."""
    wide = pa.types.is_large_list(column.type)
    rows, bits = len(column), np.dtype(np.int64 if wide else np.int32)
    offset_R1 = np.frombuffer(column.buffers()[1], bits)[column.offset : column.offset + rows + 1].astype(np.int64)
    child, fault_C = _part(column.values)
    null_R = column.is_null().to_numpy(zero_copy_only=False)
    fault_R, ranges, lengths, last = np.zeros(rows, np.uint8), [], np.zeros(rows, np.int64), 0
    for i in np.flatnonzero(~null_R):
        start, end = int(offset_R1[i]), int(offset_R1[i + 1])
        if not last <= start <= end <= len(child):
            fault_R[i] = DAMAGED
            continue
        last = end
        fault_R[i] = fault_C[start:end].max(initial=GOOD)
        if fault_R[i] == GOOD:
            ranges.append(np.arange(start, end))
            lengths[i] = end - start
    child = child.take(pa.array(np.concatenate([*ranges, np.zeros(0, np.int64)])))
    starts = pa.array(np.concatenate([[0], np.cumsum(lengths)]), mask=np.append(null_R | (fault_R != GOOD), False))
    if pa.types.is_map(column.type) and pa.types.is_struct(child.type):
        return Salvaged(pa.MapArray.from_arrays(starts.cast(pa.int32()), child.field(0), child.field(1)), fault_R)
    return Salvaged(pa.LargeListArray.from_arrays(starts, child), fault_R)
