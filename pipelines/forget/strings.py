"""The strings of a table in which a value may stand: columns of strings, replacements of edits, numbers of the recipe's
own columns, first bytes of dead letters."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.pii.known.sought import Sought

NAMES = frozenset(
    "doc_id unit cluster duplicate_of duplicate_in sha256 source lang script verdict step rules".split()  # noqa: SIM905
)
"""Columns that hold hashes of ours and words of ours or of the recipe: nobody's values."""
FIXED_NUMBERS = frozenset("row bytes offset length".split())  # noqa: SIM905


def spans(batch: pa.RecordBatch, sought: Sought, seen: set[str] | None = None) -> np.ndarray:
    """int64[D]: how many values stand in the strings of each row. seen: gets these values."""
    count_D = np.zeros(batch.num_rows, np.int64)
    for name, _, column in _columns(batch):
        if name == "first_bytes":
            held = [bool(value) and sought.in_bytes(value, seen) for value in column.to_pylist()]
            count_D += np.array(held, bool)
        elif pa.types.is_integer(column.type):
            count_D += _as_numbers(column, sought, seen)
        elif pa.types.is_list(column.type):
            inner = sought.edits(column.flatten().field("text"), seen)
            parent = pc.list_parent_indices(column).to_numpy()
            np.add.at(count_D, parent[inner.doc_E], 1)
        else:
            np.add.at(count_D, sought.edits(column, seen).doc_E, 1)
    return count_D


def masked(batch: pa.RecordBatch, sought: Sought) -> pa.RecordBatch:
    """The same rows without the values. A number of the recipe's becomes null; first bytes that hold one, empty."""
    for name, place, column in _columns(batch):
        new = column
        if name == "first_bytes":
            kept = [b"" if v and sought.in_bytes(v) else v for v in column.to_pylist()]
            new = pa.array(kept, column.type)
        elif pa.types.is_integer(column.type):
            held = _as_numbers(column, sought)
            new = pc.if_else(pa.array(held), pa.scalar(None, column.type), column) if held.any() else column
        elif pa.types.is_list(column.type):
            new = _of_edits(column, sought)
        else:
            new = sought.mask(column)[0]
        if new is not column:
            batch = batch.set_column(place, batch.schema.field(place), new)
    return batch


def _columns(batch: pa.RecordBatch) -> Iterator[tuple[str, int, pa.Array]]:
    """(name, place, column) of those that are looked through."""
    for place, field in enumerate(batch.schema):
        kind = field.type
        texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or field.name == "first_bytes"
        edits = (
            pa.types.is_list(kind)
            and pa.types.is_struct(kind.value_type)
            and kind.value_type.get_field_index("text") >= 0
        )
        numbers = pa.types.is_integer(kind) and field.name not in FIXED_NUMBERS
        if (texts or edits or numbers) and field.name not in NAMES:
            yield field.name, place, batch.column(place)


def _as_numbers(column: pa.Array, sought: Sought, seen: set[str] | None = None) -> np.ndarray:
    """bool[D]: which numbers of a column are one of the values."""
    found = np.zeros(len(column), bool)
    found[sought.edits(column.cast(pa.string()), seen).doc_E] = True
    return found


def _of_edits(column: pa.Array, sought: Sought) -> pa.Array:
    """A column of edits whose replacements hold no value."""
    column = pa.concat_arrays([column])  # from its own beginning
    inner = column.flatten()
    text, edits = sought.mask(inner.field("text"))
    if not len(edits):
        return column
    fields = list(column.type.value_type)
    values = [text if field.name == "text" else inner.field(field.name) for field in fields]
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(column).fill_null(0).to_numpy())]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(values, fields=fields))
