"""Columns of a record batch -> one JSON object per row, column by column: no Python object where values need no
escape, and no value that Python's types cannot hold."""

import base64
import decimal
import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.batch import text_buffers
from gristmill.pipelines.read.fields import to_json
from gristmill.pipelines.read.formats.tables.layout import (
    column_at,
    field_names,
    indexed,
    is_string,
    stored,
    struct_fields,
)
from gristmill.pipelines.read.formats.tables.time_texts import time_texts

MUST_ESCAPE = '["\\\\\\x00-\\x1f]'
"""What a JSON string cannot hold as it is (RFC 8259, section 7)."""


def json_values(column: pa.Array, parsed: bool = False) -> pa.Array:
    """The JSON text of each value of a valid column of any type, as large_string without nulls.

    Times become ISO 8601 strings, decimals strings, bytes base64, maps lists of pairs (their keys may repeat), NaN and
    infinities null. `parsed`: the column's strings are JSON themselves, and stand as what they say where they do.
    """
    column = stored(column)
    kind = column.type
    if parsed:
        return _texts(to_json(_parsed(value)) for value in column.to_pylist())
    if (found := indexed(column)) is not None:
        values, indices = found
        return pc.fill_null(json_values(values).take(indices), "null")
    if is_string(kind):
        return _strings(column.cast(pa.large_string()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.fill_null(column.cast(pa.large_string()), "null")
    if pa.types.is_temporal(kind):
        return _strings(time_texts(column))
    if pa.types.is_struct(kind):
        names = field_names(struct_fields(kind))
        objects = json_objects(names, [json_values(column_at(column, i)) for i in range(len(names))], len(column))
        return pc.if_else(column.is_valid(), objects, "null") if column.null_count else objects
    if len(column) == 0:
        return pa.array([], pa.large_string())
    if pa.types.is_union(kind):
        return _texts(_one(value) for value in column)
    if pa.types.is_nested(kind):
        return _lists(column)
    return _texts(to_json(_plain(value)) for value in column.to_pylist())


def _texts(values: Iterable[str]) -> pa.Array:
    return pa.array(list(values), pa.large_string())


def _strings(column: pa.Array) -> pa.Array:
    quoted = _join('"', column, '"')
    if _has_to_escape(column):
        special = pc.fill_null(pc.match_substring_regex(column, MUST_ESCAPE), False)
        escaped = [to_json(value) for value in column.filter(special).to_pylist()]
        quoted = pc.replace_with_mask(quoted, special, pa.array(escaped, pa.large_string()))
    return pc.fill_null(quoted, "null")


def _has_to_escape(column: pa.Array) -> bool:
    """Whether MUST_ESCAPE is in any value of a large_string column: a look at all bytes at once."""
    data_B, start_D1 = text_buffers(column)
    data_B = data_B[start_D1[0] : start_D1[-1]]
    return bool(((data_B < 0x20) | (data_B == ord('"')) | (data_B == ord("\\"))).any())


def _lists(column: pa.Array) -> pa.Array:
    """Lists of any layout, and maps as lists of pairs."""
    kind = column.type
    if pa.types.is_fixed_size_list(kind):
        width, rows = kind.list_size, range(column.offset, column.offset + len(column))
        spans = [(row * width, row * width + width) for row in rows]
    elif pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        sizes = column.sizes.to_pylist()
        spans = [(start, start + size) for start, size in zip(column.offsets.to_pylist(), sizes, strict=True)]
    else:
        spans = list(pairwise(column.offsets.to_pylist()))
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    child = stored(column.values).slice(first, last - first)
    if pa.types.is_map(kind):
        pairs = _join("[", json_values(column_at(child, 0)), ",", json_values(column_at(child, 1)), "]")
        texts = pairs.to_pylist()
    else:
        texts = json_values(child).to_pylist()
    lists = zip(column.is_valid().to_pylist(), spans, strict=True)
    return _texts(
        f"[{','.join(texts[start - first : end - first])}]" if valid else "null" for valid, (start, end) in lists
    )


def _one(scalar: pa.Scalar) -> str:
    """The JSON text of one value of a union."""
    while isinstance(scalar, pa.UnionScalar) and scalar.value is not None:
        scalar = scalar.value
    return json_values(pa.repeat(scalar, 1))[0].as_py() if scalar.is_valid else "null"


def json_objects(names: Sequence[str], values: Sequence[pa.Array], rows: int) -> pa.Array:
    """{"name":value,...} per row, as large_string; `values` are the columns' JSON texts, as `json_values` gives
    them."""
    if not names:
        return pa.array(["{}"] * rows, pa.large_string())
    parts: list[str | pa.Array] = []
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        parts += [("," if i else "{") + to_json(name) + ":", value]
    return _join(*parts, "}")


def _join(*parts: str | pa.Array) -> pa.Array:
    """Concatenation row by row; a null in any part gives null."""
    columns = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*columns, pa.scalar("", pa.large_string()))


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return _plain(value)


def _plain(value: Any) -> Any:
    """A value of to_pylist, of a type without parts, as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
