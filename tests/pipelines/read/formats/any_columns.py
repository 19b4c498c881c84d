"""Arrow arrays of any type, made of random bits: valid in their layout, whatever their values say."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ZONES = [None, "UTC", "utc", "Z", "GMT+1", "tzutc()", "Mars/Phobos", "+25:00", "+08:00", "Asia/Shanghai", "时区"]
UNITS = ["s", "ms", "us", "ns"]
NAMES = ["a", "b", "a", "text", "", "标题", "doc_id", "row", "x\x00\x1b[1m\n", 'quote"\\']


class Unknown(pa.ExtensionType):
    """An extension type; readers that do not register it see its storage."""

    def __init__(self, storage: pa.DataType = pa.int16()):
        super().__init__(storage, "tests.unknown")

    def __arrow_ext_serialize__(self) -> bytes:
        return b"\xff\x00"

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> "Unknown":
        return cls(storage)


def fixed_types(rng: random.Random) -> list[pa.DataType]:
    unit, zone = rng.choice(UNITS), rng.choice(ZONES)
    return [
        pa.null(), pa.bool_(), pa.int8(), pa.uint8(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(),
        pa.date32(), pa.date64(), pa.time32(rng.choice(UNITS[:2])), pa.time64(rng.choice(UNITS[2:])),
        pa.timestamp(unit, zone), pa.duration(unit), pa.month_day_nano_interval(),
        pa.decimal32(9, 3), pa.decimal64(18, -2), pa.decimal128(38, 10), pa.decimal256(76, 0), pa.binary(5),
    ]  # fmt: skip


TEXTS = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]


def any_array(rng: random.Random, rows: int, depth: int = 2) -> pa.Array:
    """Of a random type and random bits; about one row in eight is null."""
    makers = [_fixed, _fixed, _fixed, _texts, _texts]
    makers += [_list, _fixed_list, _map, _struct, _dictionary, _runs, _union, _extension] if depth else []
    return rng.choice(makers)(rng, rows, depth)


def _nulls(rng: random.Random, rows: int) -> np.ndarray:
    return np.array([rng.random() < 0.125 for _ in range(rows)], bool)


def _fixed(rng: random.Random, rows: int, depth: int) -> pa.Array:
    kind = rng.choice(fixed_types(rng))
    if pa.types.is_null(kind):
        return pa.nulls(rows)
    bits = rng.randbytes(max(1, rows * kind.bit_width // 8 + 1))
    validity = pa.array(~_nulls(rng, rows)).buffers()[1]
    made = pa.Array.from_buffers(kind, rows, [validity, pa.py_buffer(bits)])
    return made if rng.random() < 0.7 else made.take(pa.array([0] * rows)) if rows else made


def _texts(rng: random.Random, rows: int, depth: int) -> pa.Array:
    pool = [b"plain", "文字".encode(), b'"\\\n\x00', b"\xff\xfe", b"", b"x" * 40, rng.randbytes(9)]
    kind = rng.choice(TEXTS)
    wide = pa.large_binary() if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind) else pa.binary()
    if "view" in str(kind):
        wide = pa.binary_view()
    nulls = _nulls(rng, rows)
    made = pa.array([None if nulls[i] else rng.choice(pool) for i in range(rows)], wide)
    return made.view(kind)


def _offsets(rng: random.Random, rows: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([rng.randrange(4) for _ in range(rows)])])


def _list(rng: random.Random, rows: int, depth: int) -> pa.Array:
    starts = _offsets(rng, rows)
    child = any_array(rng, int(starts[-1]), depth - 1)
    mask = pa.array(_nulls(rng, rows))
    kind = rng.choice([pa.ListArray, pa.LargeListArray, pa.ListViewArray])
    if kind is pa.ListViewArray:
        sizes = pa.array(np.diff(starts), pa.int32())
        return kind.from_arrays(pa.array(starts[:-1], pa.int32()), sizes, child, mask=mask)
    bits = pa.int32() if kind is pa.ListArray else pa.int64()
    return kind.from_arrays(pa.array(starts, bits), child, mask=mask)


def _fixed_list(rng: random.Random, rows: int, depth: int) -> pa.Array:
    width = rng.randrange(1, 3)
    child = any_array(rng, rows * width, depth - 1)
    return pa.FixedSizeListArray.from_arrays(child, width, mask=pa.array(_nulls(rng, rows)))


def _map(rng: random.Random, rows: int, depth: int) -> pa.Array:
    starts = _offsets(rng, rows)
    keys = any_array(rng, int(starts[-1]), 0)
    while keys.null_count:
        keys = any_array(rng, int(starts[-1]), 0)
    return pa.MapArray.from_arrays(pa.array(starts, pa.int32()), keys, any_array(rng, int(starts[-1]), depth - 1))


def _struct(rng: random.Random, rows: int, depth: int) -> pa.Array:
    children = [any_array(rng, rows, depth - 1) for _ in range(rng.randrange(1, 4))]
    fields = [pa.field(rng.choice(NAMES), child.type) for child in children]
    return pa.StructArray.from_arrays(children, fields=fields, mask=pa.array(_nulls(rng, rows)))


def _dictionary(rng: random.Random, rows: int, depth: int) -> pa.Array:
    values = any_array(rng, 5, depth - 1)
    nulls = _nulls(rng, rows)
    indices = pa.array([None if nulls[i] else rng.randrange(5) for i in range(rows)], pa.int8())
    return pa.DictionaryArray.from_arrays(indices, values)


def _runs(rng: random.Random, rows: int, depth: int) -> pa.Array:
    column = pa.array([rng.choice([1, 2, None]) for _ in range(rows)]) if rng.random() < 0.5 else _texts(rng, rows, 0)
    try:
        return pc.run_end_encode(column)
    except pa.ArrowNotImplementedError:
        return column


def _union(rng: random.Random, rows: int, depth: int) -> pa.Array:
    codes = pa.array([rng.randrange(2) for _ in range(rows)], pa.int8())
    if rng.random() < 0.5:
        return pa.UnionArray.from_sparse(codes, [any_array(rng, rows, depth - 1) for _ in range(2)])
    places = pa.array([rng.randrange(3) for _ in range(rows)], pa.int32())
    return pa.UnionArray.from_dense(codes, places, [any_array(rng, 3, depth - 1) for _ in range(2)])


def _extension(rng: random.Random, rows: int, depth: int) -> pa.Array:
    storage = any_array(rng, rows, depth - 1)
    kind = storage.type
    if isinstance(kind, pa.ExtensionType) or pa.types.is_union(kind) or pa.types.is_run_end_encoded(kind):
        return storage  # pyarrow reads back other buffers than it wrote where the storage has no validity
    return pa.ExtensionArray.from_storage(Unknown(kind), storage)
