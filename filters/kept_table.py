"""A table that a run keeps as one file: columns of numbers by the hash of an entry, memory-mapped, so that workers
share them. What it is of stands in the file's metadata."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from gristmill.filters.counters import Counters
from gristmill.filters.kernels.text import items
from gristmill.filters.placed import placed_at


def hash_strings(entries: pa.Array) -> np.ndarray:
    """uint64 by the bytes of each string of a large_string column."""
    counters = Counters(entries)
    hash_D = np.empty(len(entries), np.uint64)
    items.hash_strings(counters.data_B, counters.start_D1, hash_D)
    return hash_D


def write(file: Path, kind: str, about: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> None:
    """Write a table; the same columns give the same bytes. `about`: any JSON values, `version` and `entries` among
    them."""
    schema = pa.schema(
        [pa.field(key, pa.from_numpy_dtype(values.dtype)) for key, values in columns.items()],
        metadata={f"gristmill.{kind}": json.dumps(about)},
    )
    with pa.OSFile(str(file), "wb") as sink, ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch([pa.array(values) for values in columns.values()], schema=schema))


def read_about(file: Path, kind: str, version: int) -> tuple[dict[str, Any], str, int]:
    """(what a table says of itself, sha256, bytes). Raises ValueError for a file that is none of this kind and
    version."""
    try:
        with pa.memory_map(str(file)) as source:
            about = json.loads((ipc.open_file(source).schema.metadata or {})[f"gristmill.{kind}".encode()])
    except (pa.ArrowInvalid, KeyError, ValueError):
        raise ValueError(f"'{file.name}' is no {kind} that a run keeps") from None
    if about["version"] != version:
        raise ValueError(f"'{file.name}' was kept by another version of Gristmill; name the original files")
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return about, sha256, file.stat().st_size


@cache
def mapped(sha256: str, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(what a table says of itself, its columns), mapped once per process: before a fork, so that workers share what is
    made of it. Raises KeyError where the file was not placed."""
    batch = ipc.open_file(pa.memory_map(placed_at(sha256))).get_batch(0)
    about = json.loads(batch.schema.metadata[f"gristmill.{kind}".encode()])
    return about, {name: batch.column(name).to_numpy() for name in batch.schema.names}
