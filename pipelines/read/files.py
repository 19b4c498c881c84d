"""Where input files are, and how they are opened: those of this machine by plain path, all others through fsspec."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import fsspec
import pyarrow as pa

from pipelines.errors import InputError
from pipelines.records.elements import Split
from pipelines.storage.addresses import check_address, is_remote
from pipelines.storage.remote import RemoteFile, attempt, connect, etag_of, value_of
from pipelines.storage.remote import info as remote_info

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}

PLAN_AGAIN = "run again: planning takes the files as they are now"


@dataclass(frozen=True, slots=True)
class File:
    """A file as planning sees it."""

    path: str
    size: int
    etag: str


def compression_of(path: str) -> str | None:
    """ "gzip", "zstd" or None, by the name of the file."""
    return COMPRESSIONS.get(os.path.splitext(path)[1].lower())


def _stem(path: str) -> str:
    """The path in lower case, less the suffix of its compression."""
    path = path.lower()
    return os.path.splitext(path)[0] if compression_of(path) else path


def find_files(path: str, recipe_dir: Path, suffixes: tuple[str, ...], where: str) -> list[File]:
    """The files of one path of a recipe (a file, a folder, a pattern or a URL), sorted by path.

    Folders are searched through, for names that end in a suffix; hidden files (. and _) are left out. `where` names the
    recipe's key in errors. Raises InputError when nothing matches.
    """
    apart = is_remote(path)
    if apart:
        check_address(path, where)
    try:
        found = _find_remote(path, suffixes) if apart else _find_local(path.split("://")[-1], recipe_dir, suffixes)
    except OSError as error:
        what = f"cannot list '{path}': {error.strerror or type(error).__name__}: {error.filename or path}"
        raise InputError(
            what, where=where, fix="check the rights, and that the address or link leads somewhere"
        ) from error
    if found:
        return sorted(found, key=lambda file: file.path)
    names = ", ".join(suffixes)
    fix = f"check the path; a folder is searched for {names}, a pattern such as '{path.rstrip('/')}/*' takes any file"
    if not apart:
        fix += f"; relative paths start from {recipe_dir.absolute()}"
    raise InputError(f"nothing matches '{path}'", where=where, fix=fix)


def _find_local(path: str, recipe_dir: Path, suffixes: tuple[str, ...]) -> list[File]:
    full = os.path.normpath(os.path.join(recipe_dir.absolute(), os.path.expanduser(path)))
    matches = [full] if os.path.lexists(full) else glob.glob(full, recursive=True)
    files: list[File] = []
    for match in matches:
        if os.path.isdir(match):
            files += [_local_file(name) for name in _walk(match) if _stem(name).endswith(suffixes)]
        else:
            files.append(_local_file(match))
    return files


def _walk(folder: str) -> Iterator[str]:
    def fail(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (os.path.join(parent, name) for name in names if not name.startswith((".", "_")))


def _local_file(path: str) -> File:
    stat = os.stat(path)
    return File(path, stat.st_size, str(stat.st_mtime_ns))


def _find_remote(path: str, suffixes: tuple[str, ...]) -> list[File]:
    try:
        return attempt(lambda: _list_remote(path, suffixes), path, InputError)
    except FileNotFoundError:
        return []


def _list_remote(path: str, suffixes: tuple[str, ...]) -> list[File]:
    fs, inner = connect(path)
    if glob.has_magic(inner):
        matches: dict[str, dict[str, Any]] = fs.glob(inner, detail=True)
        if not matches:
            fs.ls(inner.split("*")[0].rpartition("/")[0])  # says so where there is no such folder or bucket
    else:
        matches = {inner: fs.info(inner)}
    files: list[File] = []
    for match, known in matches.items():
        if known["type"] != "directory":
            files.append(_remote_file(fs, known))
            continue
        for name, info in fs.find(match, detail=True).items():
            below = name[len(match) :].strip("/").split("/")
            if _stem(name).endswith(suffixes) and not any(part.startswith((".", "_")) for part in below):
                files.append(_remote_file(fs, info))
    return files


def _remote_file(fs: fsspec.AbstractFileSystem, info: dict[str, Any]) -> File:
    return File(fs.unstrip_protocol(info["name"]), int(info["size"] or 0), etag_of(info))


def open_file(path: str) -> IO[bytes]:
    """The raw bytes of a file, seekable. Raises OSError as this machine's file system does, InputError as a store."""
    if is_remote(path):
        return cast(IO[bytes], _open_remote(path))
    return open(local_path(path), "rb", buffering=0)


def open_arrow(path: str) -> pa.NativeFile:
    """For pyarrow's readers; local files are memory-mapped, so that nothing is copied before it is decoded."""
    if is_remote(path):
        return pa.PythonFile(_open_remote(path), mode="r")
    return pa.memory_map(local_path(path))


def local_path(path: str) -> str:
    """file:///data/a -> /data/a"""
    return path.split("://")[-1]


def _open_remote(path: str) -> RemoteFile:
    """A store that fails ends the run: to go on without the file would give another result than the next run."""
    try:
        return RemoteFile(path, InputError)
    except FileNotFoundError as error:
        raise InputError("the file is gone since it was planned", where=path, fix=PLAN_AGAIN) from error


def check_unchanged(split: Split) -> None:
    """Raises InputError when a file is gone or no longer what was planned: its unit would not mean the same."""
    try:
        same = _same_remote(split) if is_remote(split.path) else _same_local(split)
    except FileNotFoundError as error:
        raise InputError("the file is gone since it was planned", where=split.path, fix=PLAN_AGAIN) from error
    except OSError:
        return  # not ours to judge: opening it says what is wrong, and that is a dead letter
    if not same:
        raise InputError("the file has changed since it was planned", where=split.path, fix=PLAN_AGAIN)


def _same_local(split: Split) -> bool:
    now = _local_file(split.path)
    return (now.size, now.etag) == (split.size, split.etag)


def _same_remote(split: Split) -> bool:
    """By what was known at planning and is known now: a listing of a web server may lack the size."""
    info = remote_info(split.path, InputError)
    if info is None:
        raise FileNotFoundError(split.path)
    key, _, value = split.etag.partition("=")
    same_size = not split.size or not info["size"] or split.size == info["size"]
    return same_size and (not info.get(key) or value_of(info, key) == value)
