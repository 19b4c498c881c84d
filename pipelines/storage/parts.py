"""Writes the parts of one unit: bounded files whose names carry the hash of their bytes.

A second attempt of the same unit writes the same bytes under the same names, so attempts cannot disagree.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from gristmill.filters.batch import each_value
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.receipts import Part, Receipt
from gristmill.pipelines.storage.addresses import redacted
from gristmill.pipelines.storage.layout import stem_of
from gristmill.pipelines.storage.store import HashingFile, Store

UNIQUE = ("doc_id", "id", "url", "sha256", "first_bytes")
"""Columns whose values hardly repeat."""
FROM_ITS_RUN = "build the index again from its run"
NUL = pa.scalar(b"\0", pa.large_binary())
ROLL_BYTES = 256 * 2**20
"""A part is closed when it has grown beyond this: an unsplittable file is one unit of several parts."""


class PartWriter:
    """Parts of one dataset, opened when the first rows come; no rows, no part. Use as a context manager."""

    def __init__(
        self,
        store: Store,
        dataset: str,
        unit: str,
        *,
        format: str = "arrow",
        compression: str | None = "zstd",
        content: tuple[str, ...] = (),
    ):
        """`content` names the string columns that a row's order-independent digest covers; the first one is its id."""
        self._store, self._dataset, self._unit = store, dataset, unit
        self._format, self._compression, self._content = format, compression, content
        self._stack = ExitStack()
        self._writer: pa.ipc.RecordBatchFileWriter | pq.ParquetWriter | None = None
        self._digest = 0
        self.parts: list[Part] = []

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._finish()
        elif self._writer is not None:
            self._file.close()
        self._stack.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows; every batch has the schema of the first."""
        if batch.num_rows == 0:
            return
        if self._writer is None:
            self._start(batch.schema)
        self._writer.write_batch(batch)  # type: ignore[union-attr]
        self._rows += batch.num_rows
        if self._content:
            self._digest = (self._digest + row_digest(batch, self._content)) % 2**128
        if self._file.size > ROLL_BYTES:
            self._finish()

    def _start(self, schema: pa.Schema) -> None:
        self._scratch: Path = self._stack.enter_context(self._store.temporary())
        self._file = HashingFile(self._scratch.open("wb"))
        self._rows, self._digest = 0, 0
        if self._format == "parquet":
            # Texts and ids hardly repeat: a dictionary of them costs time, statistics of them space, for nothing.
            short = [field.name for field in schema if field.name not in UNIQUE and field.type != pa.large_string()]
            self._writer = pq.ParquetWriter(
                self._file,
                schema,
                compression=self._compression or "none",
                compression_level=1,
                use_dictionary=[name for name in short if pa.types.is_string(schema.field(name).type)],
                write_statistics=short,
            )
        else:
            options = pa.ipc.IpcWriteOptions(
                compression=self._compression and pa.Codec(self._compression, 1), use_threads=False
            )
            self._writer = pa.ipc.new_file(pa.PythonFile(self._file, "w"), schema, options=options)

    def _finish(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._file.close()
        self._writer = None
        name = f"{stem_of(self._unit)}-{len(self.parts):02d}-{self._file.sha256[:16]}.{self._format}"
        path = f"{self._dataset}/{name}"
        self._store.publish(self._scratch, path)
        content = f"{self._digest:032x}" if self._content else ""
        self.parts.append(Part(self._dataset, path, self._rows, self._file.size, self._file.sha256, content))


def put_part(store: Store, file: Path, stem: str, suffix: str, *, dataset: str, rows: int, published: str = "") -> Part:
    """Publish a finished file that another writer made, named by its bytes: `<stem>-<hash><suffix>`."""
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    size, path = file.stat().st_size, f"{stem}-{sha256[:16]}{suffix}"
    store.publish(file, path)
    return Part(dataset, path, rows, size, sha256, published=published)


def check_part(path: str) -> None:
    """Reads every byte of a part, at a path or an address, for which no receipt stands that was looked at. Raises
    DamageError where they are not those that its name tells of."""
    folder, _, name = path.rpartition("/")
    store, told = Store.at(folder), name.rpartition(".")[0].rpartition("-")[2]
    if not store.exists(name):
        raise DamageError("a file of fingerprints is missing", where=redacted(path), fix=FROM_ITS_RUN)
    if not store.sha256(name).startswith(told):
        raise DamageError("a file of fingerprints is damaged", where=redacted(path), fix=FROM_ITS_RUN)


def row_digest(batch: pa.RecordBatch, columns: Iterable[str]) -> int:
    """Sum over rows of xxh3_128 of the rows' values, mod 2**128: equal for the same rows in any order or grouping."""
    values = [_row_bytes(batch.column(name)) for name in columns]
    rows = pc.binary_join_element_wise(*values, NUL, null_handling="replace")
    return sum(map(xxhash.xxh3_128_intdigest, each_value(rows))) % 2**128


def _row_bytes(column: pa.Array) -> pa.Array:
    """large_binary; a null reads as ""."""
    if pa.types.is_large_list(column.type):
        values = np.ascontiguousarray(column.flatten().to_numpy())
        start_D1 = np.zeros(len(column) + 1, np.int64)
        np.cumsum(pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False), out=start_D1[1:])
        buffers = [None, pa.py_buffer(start_D1 * values.itemsize), pa.py_buffer(values)]
        return pa.Array.from_buffers(pa.large_binary(), len(column), buffers)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.large_binary())
    if pa.types.is_list(column.type):  # most have nothing in them, and a list of Python takes longer than a text
        some = pc.not_equal(pc.list_value_length(column), 0).fill_null(True)
        written = [None if value is None else str(value).encode() for value in column.filter(some).to_pylist()]
        empty = pa.repeat(pa.scalar(b"[]", pa.large_binary()), len(column))
        return pc.replace_with_mask(empty, some, pa.array(written, pa.large_binary()))
    return pa.array([None if value is None else str(value).encode() for value in column.to_pylist()], pa.large_binary())


def add_content(digests: Iterable[str]) -> str:
    """The digest of a dataset from those of its parts."""
    return f"{sum(int(digest, 16) for digest in digests) % 2**128:032x}"


def read_parts(
    store: Store, receipt: Receipt, dataset: str, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The batches of a dataset of one unit, in order; of some columns only, where they are named.

    Raises DamageError for a part that cannot be read: its receipt stood, so the file system has not noticed.
    """
    for part in receipt.of(dataset):
        yield from read_part(store, part.path, columns)


def read_part(store: Store, path: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of one part, as `read_parts` gives them."""
    try:
        with store.open(path) as file:
            yield from (_parquet if path.endswith(".parquet") else _arrow)(file, columns)
    except (pa.ArrowInvalid, OSError) as error:
        what = f"a part of this run cannot be read ({type(error).__name__})"
        fix = "delete this file, then run the same command again: it is made again"
        raise DamageError(what, where=store.url(path), fix=fix) from error


def _arrow(file: IO[bytes], columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    names = pa.ipc.open_file(file).schema.names
    included = [names.index(name) for name in columns] if columns else None
    reader = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=included, use_threads=False))
    for index in range(reader.num_record_batches):
        yield reader.get_batch(index)


def _parquet(file: IO[bytes], columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    """One batch per row group: they do not depend on which columns are read."""
    reader = pq.ParquetFile(file)
    for group in range(reader.num_row_groups):
        yield from reader.read_row_group(group, columns).combine_chunks().to_batches()
