"""One record batch per uncompressed Arrow IPC file, written with its hash and mapped without a copy."""

import hashlib
import os
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc


class _HashingSink:
    """A file object that knows the sha256 and the size of what went through it."""

    closed = False

    def __init__(self, file: BinaryIO):
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.digest.update(view)
        self.size += view.nbytes
        self.file.write(view)
        return view.nbytes

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        """The file belongs to the caller."""


def write_batch(target: str | Path | BinaryIO, batch: pa.RecordBatch) -> tuple[int, str]:
    """Write a batch (its schema metadata too) and return (file bytes, sha256). Equal batches give equal bytes.

    A path appears only when the file is complete; a file object is written to and left open.
    """
    if isinstance(target, str | Path):
        path = Path(target)
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("wb") as file:
            written = write_batch(file, batch)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        return written
    # A slice is written with other buffer lengths than the same rows built afresh; a concatenation is always exact.
    batch = pa.concat_batches([batch, batch.slice(0, 0)])
    sink = _HashingSink(target)
    with pa.PythonFile(sink, mode="w") as file, ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.size, sink.digest.hexdigest()


def map_batch(path: str | Path) -> pa.RecordBatch:
    """The batch of such a file, as views of the memory map; no descriptor stays open while they live.

    Raises ValueError naming the file when it is no Arrow file, or holds several batches or compressed ones.
    """
    with pa.memory_map(str(path)) as file:
        try:
            reader = ipc.open_file(file)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path}: not an Arrow IPC file, or cut short ({error})") from error
        if reader.num_record_batches != 1:
            raise ValueError(f"{path}: {reader.num_record_batches} record batches, expected 1")
        batch = reader.get_batch(0)
        file.seek(0)
        whole = file.read_buffer()
    if not all(_lies_in(buffer, whole) for column in batch.columns for buffer in column.buffers()):
        raise ValueError(f"{path}: compressed, so it cannot be mapped; write it with write_batch")
    return batch


def _lies_in(buffer: pa.Buffer | None, whole: pa.Buffer) -> bool:
    return not buffer or whole.address <= buffer.address <= buffer.address + buffer.size <= whole.address + whole.size


def to_disk(path: Path) -> None:
    """fsync of a file or folder, so that a rename cannot be on disk before what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: str | Path) -> str:
    """sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
