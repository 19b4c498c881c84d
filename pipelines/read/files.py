"""Where input files are, and how they are opened: those of this machine by plain path, all others through fsspec."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

import pyarrow as pa

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.records.elements import Split
from gristmill.pipelines.storage.addresses import is_remote
from gristmill.pipelines.storage.remote import RemoteFile, value_of
from gristmill.pipelines.storage.remote import info as remote_info

COMPRESSIONS = {
    ".gz": "gzip",
    ".zst": "zstd",
    ".zstd": "zstd",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".lz4": "lz4",
}

PLAN_AGAIN = "run again: planning takes the files as they are now"


@dataclass(frozen=True, slots=True)
class File:
    """A file as planning sees it."""

    path: str
    size: int
    etag: str


def compression_of(path: str) -> str | None:
    """ "gzip", "zstd", "bzip2", "xz", "lz4" or None, by the name of the file; whoever reads it goes by its bytes."""
    return COMPRESSIONS.get(os.path.splitext(path)[1].lower())


def open_file(path: str) -> IO[bytes]:
    """The raw bytes of a file, seekable. Raises OSError as this machine's file system does, InputError as a store."""
    if is_remote(path):
        return cast(IO[bytes], _open_remote(path))
    return open(local_path(path), "rb", buffering=0)


def open_arrow(path: str) -> pa.NativeFile:
    """For pyarrow's readers; local files are memory-mapped, so that nothing is copied before it is decoded."""
    if is_remote(path):
        return pa.PythonFile(_open_remote(path), mode="r")
    if path.isprintable() or path.isascii():
        return pa.memory_map(local_path(path))
    with open(local_path(path), "rb") as file:  # pyarrow takes no name that is not UTF-8
        return pa.BufferReader(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def local_path(path: str) -> str:
    """file:///data/a -> /data/a"""
    return path.split("://")[-1]


def _open_remote(path: str) -> RemoteFile:
    """A store that fails ends the run: to go on without the file would give another result than the next run."""
    try:
        return RemoteFile(path, InputError)
    except FileNotFoundError as error:
        raise InputError("the file is gone since it was planned", where=path, fix=PLAN_AGAIN) from error


@contextmanager
def unchanged(split: Split) -> Iterator[None]:
    """Stands around the reading of a split: InputError when its file is not what was planned, before, or after it.

    What is read of a file while it changes may be old and new, and whatever reading raises may come of that.
    """
    before = _check(split)
    try:
        yield
    except Exception:
        _check(split)
        raise
    if _check(split) != before:
        raise InputError("the file was replaced while it was read", where=split.path, fix=PLAN_AGAIN)


def _check(split: Split) -> int:
    """The file's inode, 0 on a store. Raises InputError when it is gone or no longer what was planned."""
    try:
        if is_remote(split.path):
            same, inode = _same_remote(split), 0
        else:
            now = os.stat(split.path)
            same, inode = (now.st_size, str(now.st_mtime_ns)) == (split.size, split.etag), now.st_ino
    except FileNotFoundError as error:
        raise InputError("the file is gone since it was planned", where=split.path, fix=PLAN_AGAIN) from error
    except OSError:
        return 0  # not ours to judge: opening it says what is wrong, and that is a dead letter
    if not same:
        raise InputError("the file has changed since it was planned", where=split.path, fix=PLAN_AGAIN)
    return inode


def _same_remote(split: Split) -> bool:
    """By what was known at planning and is known now: a listing of a web server may lack the size."""
    info = remote_info(split.path, InputError)
    if info is None:
        raise FileNotFoundError(split.path)
    key, _, value = split.etag.partition("=")
    same_size = not split.size or not info["size"] or split.size == info["size"]
    return same_size and (not info.get(key) or value_of(info, key) == value)
