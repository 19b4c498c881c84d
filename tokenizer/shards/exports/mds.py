"""MosaicML streaming's MDS, version 2: a folder a split with `index.json` and shards of samples.

A shard (streaming/base/format/mds/writer.py): samples (uint32), where each begins and the last ends (uint32), the
columns as JSON, the samples. A sample: the sizes of its columns that have no fixed one (uint32), then all columns in
the order of their names. An array of one dimension: 4 times the dimensions plus the width of a length, the length, the
values.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.shards.exports.asked import TEXT, Asked, whole
from gristmill.tokenizer.shards.exports.contents import Piece, Split
from gristmill.tokenizer.shards.exports.writing import Entry, Output

SHARD_BYTES = 1 << 26
INDEX = "index.json"
HASH = "sha256"
NEVER_NULL = ("bytes", "doc_id", "lang", "source", "text")
"""Of texts: MDS knows no missing values."""
ARRAY_OF_1 = ((1 << 2) | 0, "<u1"), ((1 << 2) | 1, "<u2"), ((1 << 2) | 2, "<u4")
"""First byte and type of the length, the narrowest first."""


def mds(asked: Asked) -> list[Output]:
    """`train/index.json`, `train/shard.00000.mds`, ..., and so for every split."""
    outputs = []
    for split in asked.splits:
        columns = _columns(split, asked.content == TEXT)
        config = _config(columns)
        samples = []
        for number, pieces in enumerate(split.files(SHARD_BYTES)):
            outputs.append(whole(f"{split.name}/{_name(number)}", _shard(pieces, columns, config)))
            samples.append(sum(piece.end - piece.begin for piece in pieces))
        outputs.append(whole(f"{split.name}/{INDEX}", _index(split.name, samples, config)))
    return [*outputs, *asked.tokenizer_files()]


def _name(number: int) -> str:
    return f"shard.{number:05d}.mds"


def _columns(split: Split, is_text: bool) -> dict[str, tuple[str, int | None]]:
    """Column -> (encoding, bytes of a value), sorted by name."""
    piece = split.pieces()[0]
    schema = piece.block.read(0, 0).schema
    return {name: _encoding(schema.field(name).type) for name in sorted(schema.names)
            if not is_text or name in NEVER_NULL}  # fmt: skip


def _encoding(kind: pa.DataType) -> tuple[str, int | None]:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"ndarray:{pa.array([], kind.value_type).to_numpy().dtype.name}", None
    if pa.types.is_floating(kind):
        return f"float{kind.bit_width}", kind.bit_width // 8
    return ("int", 8) if pa.types.is_integer(kind) else ("str", None)


def _config(columns: Mapping[str, tuple[str, int | None]]) -> dict[str, Any]:
    return {
        "column_encodings": [encoding for encoding, _ in columns.values()],
        "column_names": list(columns),
        "column_sizes": [size for _, size in columns.values()],
        "compression": None,
        "format": "mds",
        "hashes": [HASH],
        "size_limit": SHARD_BYTES,
        "version": 2,
    }


def _shard(
    pieces: Sequence[Piece], columns: Mapping[str, tuple[str, int | None]], config: Mapping[str, Any]
) -> Callable[[Mapping[str, Entry]], bytes]:
    def make(_: Mapping[str, Entry]) -> bytes:
        samples = [sample for piece in pieces for sample in _samples(piece.read(), columns)]
        about = json.dumps(config, sort_keys=True).encode()
        first = 4 * (len(samples) + 2) + len(about)
        begin_D1 = first + np.cumsum([0, *map(len, samples)])
        return b"".join([np.uint32(len(samples)).tobytes(), begin_D1.astype("<u4").tobytes(), about, *samples])

    return make


def _samples(batch: pa.RecordBatch, columns: Mapping[str, tuple[str, int | None]]) -> list[bytes]:
    fields = [_values(batch.column(name), encoding) for name, (encoding, _) in columns.items()]
    varying = [n for n, (_, size) in enumerate(columns.values()) if size is None]
    return [
        np.array([len(values[n]) for n in varying], "<u4").tobytes() + b"".join(values)
        for values in zip(*fields, strict=True)
    ]


def _values(column: pa.Array, encoding: str) -> list[bytes]:
    if encoding == "str":
        return [value.encode() for value in column.to_pylist()]
    if encoding.startswith("ndarray"):
        flat = column.flatten().to_numpy(zero_copy_only=False)
        edges = np.concatenate([[0], np.cumsum(np.asarray(column.value_lengths()))]).tolist()
        return [_array(flat[begin:end]) for begin, end in itertools.pairwise(edges)]
    kind = np.int64 if encoding == "int" else np.dtype(encoding)
    return [value.tobytes() for value in column.to_numpy(zero_copy_only=False).astype(kind)]


def _array(values: np.ndarray) -> bytes:
    """The values with their shape; the type is the column's."""
    first, length = next(one for one in ARRAY_OF_1 if len(values) <= np.iinfo(one[1]).max)
    return bytes([first]) + np.array(len(values), length).tobytes() + values.tobytes()


def _index(split: str, samples: Sequence[int], config: Mapping[str, Any]) -> Callable[[Mapping[str, Entry]], bytes]:
    def make(done: Mapping[str, Entry]) -> bytes:
        shards = []
        for number, count in enumerate(samples):
            file = done[f"{split}/{_name(number)}"]
            data = {"basename": _name(number), "bytes": file.bytes, "hashes": {HASH: file.sha256}}
            shards.append({**config, "raw_data": data, "samples": count, "zip_data": None})
        return json.dumps({"shards": shards, "version": 2}, sort_keys=True).encode()

    return make
