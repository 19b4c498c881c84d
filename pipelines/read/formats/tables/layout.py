"""What lies behind an Arrow column or schema, whatever its type: names, storage, and values behind indices.

Names may be any bytes, and pyarrow decodes them only where it is asked for them: so nothing here asks a schema, a
batch or a struct for all of its names or columns at once.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def field_names(fields: Iterable[pa.Field]) -> list[str]:
    """The fields' names, each once: what is not UTF-8 is escaped, and the second `a` is `a (2)`."""
    names: dict[str, None] = {}
    for field in fields:
        name = first = _name(field)
        number = 1
        while name in names:
            number += 1
            name = f"{first} ({number})"
        names[name] = None
    return list(names)


def schema_names(schema: pa.Schema) -> list[str]:
    """The names of a schema's columns, each once."""
    return field_names(schema.field(i) for i in range(len(schema)))


def nested_names(schema: pa.Schema) -> set[str]:
    """The names of a schema's columns, and those of fields within them: `data.body`, `items.*.text`."""
    names = schema_names(schema)
    found = set(names)

    def look(kind: pa.DataType, path: str) -> None:
        if pa.types.is_struct(kind):
            for field in struct_fields(kind):
                found.add(f"{path}.{_name(field)}")
                look(field.type, f"{path}.{_name(field)}")
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            found.add(f"{path}.*")
            look(kind.value_type, f"{path}.*")

    for i, name in enumerate(names):
        look(schema.field(i).type, name)
    return found


def _name(field: pa.Field) -> str:
    try:
        return field.name
    except UnicodeDecodeError as error:
        return error.object.decode(errors="backslashreplace")


def struct_fields(kind: pa.StructType) -> list[pa.Field]:
    """The fields of a struct type."""
    return [kind.field(i) for i in range(kind.num_fields)]


def column_at(columns: pa.StructArray, number: int) -> pa.Array:
    """The storage of a struct's field, or of a batch's column by way of `to_struct_array`; nulls where pyarrow knows no
    such type (intervals of months, which Java writes) or has read no such runs."""
    try:
        return stored(columns.field(number))
    except (KeyError, pa.ArrowInvalid):
        return pa.nulls(len(columns))


def stored(column: pa.Array) -> pa.Array:
    """The column without its extension type, and runs as a dictionary: they are the same to whoever asks for rows."""
    while isinstance(column, pa.ExtensionArray):
        column = column.storage
    if not pa.types.is_run_end_encoded(column.type):
        return column
    rows = np.arange(column.offset, column.offset + len(column))
    run_R = np.searchsorted(column.run_ends.to_numpy(), rows, side="right").astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(run_R), stored(column.values), safe=False)


def indexed(column: pa.Array) -> tuple[pa.Array, pa.Array] | None:
    """(values, indices into them) of a dictionary-encoded column; None for any other."""
    return (stored(column.dictionary), column.indices) if pa.types.is_dictionary(column.type) else None


def decoded(column: pa.Array) -> pa.Array:
    """The column with every value in its place; texts and bytes with 64-bit offsets, so that no size is too large."""
    found = indexed(column)
    if found is None:
        return column
    values, indices = found
    return decoded(_large(values)).take(indices)


def decoded_bytes(column: pa.Array) -> np.ndarray | None:
    """About how many bytes each row takes once decoded; None where nothing is encoded."""
    found = indexed(column)
    if found is None:
        return None
    values, indices = found
    if not (is_string(values.type) or is_binary(values.type)):
        return np.full(len(column), values.nbytes // max(1, len(values)), np.int64)
    lengths = pc.binary_length(_large(values)).take(indices)
    return pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64)


def is_string(kind: pa.DataType) -> bool:
    """Text of any layout."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_binary(kind: pa.DataType) -> bool:
    """Bytes of any layout of variable length."""
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _large(values: pa.Array) -> pa.Array:
    if is_string(values.type):
        return values.cast(pa.large_string())
    return values.cast(pa.large_binary()) if is_binary(values.type) else values
