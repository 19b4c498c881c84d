"""Columns of a record batch -> one JSON object per row, column by column: no Python object where values need no
escape."""

import base64
import datetime
import decimal
import json
import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.read.fields import to_json

MUST_ESCAPE = '["\\\\\\x00-\\x1f]'
"""What a JSON string cannot hold as it is (RFC 8259, section 7)."""


def json_values(column: pa.Array, parsed: bool = False) -> pa.Array:
    """The JSON text of each value, as large_string without nulls. Strings must be valid UTF-8.

    Times become ISO 8601 strings, decimals strings, bytes base64, NaN and infinities null. `parsed`: the column's
    strings are JSON themselves, and stand as what they say where they do.
    """
    kind = column.type
    if parsed:
        return pa.array([to_json(_parsed(value)) for value in column.to_pylist()], pa.large_string())
    if pa.types.is_null(kind):
        return pa.array(["null"] * len(column), pa.large_string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _strings(column.cast(pa.large_string()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.fill_null(column.cast(pa.large_string()), "null")
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind) and not pa.types.is_interval(kind):
        return _strings(column.cast(pa.large_string()))
    if pa.types.is_dictionary(kind):
        return json_values(column.cast(kind.value_type))
    return pa.array([to_json(_plain(value)) for value in column.to_pylist()], pa.large_string())


def _strings(column: pa.Array) -> pa.Array:
    special = pc.fill_null(pc.match_substring_regex(column, MUST_ESCAPE), False)
    quoted = _join('"', column, '"')
    if pc.any(special).as_py():
        escaped = [to_json(value) for value in column.filter(special).to_pylist()]
        quoted = pc.replace_with_mask(quoted, special, pa.array(escaped, pa.large_string()))
    return pc.fill_null(quoted, "null")


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
        return _plain(json.loads(value))
    except (TypeError, ValueError, RecursionError):
        return _plain(value)


def _plain(value: Any) -> Any:
    """A value of to_pylist as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return str(value)
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
