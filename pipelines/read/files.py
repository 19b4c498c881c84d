"""Where input files are, and how they are opened: all through fsspec, local ones by plain path."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fsspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from pipelines.elements import Split
from pipelines.errors import InputError

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
SUFFIXES = {
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".arrows", ".feather", ".ipc"),
    "text": (".txt", ".text", ".md", ".rst"),
    "html": (".html", ".htm", ".xhtml"),
    "warc": (".warc",),
    "wet": (".wet", ".warc"),
}
"""What a folder is searched for; files that a path or pattern names are taken whatever they are called."""

ETAG_KEYS = (
    "etag",
    "ETag",
    "md5Hash",
    "md5",
    "content_md5",
    "mtime",
    "last_modified",
    "LastModified",
    "updated",
    "created",
)
"""Where file systems keep what changes with a file, best first."""


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


def find_files(path: str, recipe_dir: Path, form: str, where: str) -> list[File]:
    """The files of one path of a recipe (a file, a folder, a pattern or a URL), sorted by path.

    Folders are searched through, for names that fit the format; hidden files (. and _) are left out. `where` names the
    recipe's key in errors. Raises InputError when nothing matches.
    """
    remote = "://" in path and not path.startswith(("file://", "local://"))
    try:
        found = _find_remote(path, form) if remote else _find_local(path.split("://")[-1], recipe_dir, form)
    except OSError as error:
        what = f"cannot list '{path}': {error.strerror or type(error).__name__}: {error.filename or path}"
        raise InputError(
            what, where=where, fix="check the rights, and that the address or link leads somewhere"
        ) from error
    if found:
        return sorted(found, key=lambda file: file.path)
    names = ", ".join(SUFFIXES[form])
    fix = f"check the path; a folder is searched for {names}, a pattern such as '{path.rstrip('/')}/*' takes any file"
    if not remote:
        fix += f"; relative paths start from {recipe_dir.absolute()}"
    raise InputError(f"nothing matches '{path}'", where=where, fix=fix)


def _find_local(path: str, recipe_dir: Path, form: str) -> list[File]:
    full = os.path.normpath(os.path.join(recipe_dir.absolute(), os.path.expanduser(path)))
    matches = [full] if os.path.lexists(full) else glob.glob(full, recursive=True)
    files: list[File] = []
    for match in matches:
        if os.path.isdir(match):
            files += [_local_file(name) for name in _walk(match) if _stem(name).endswith(SUFFIXES[form])]
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


def _find_remote(path: str, form: str) -> list[File]:
    fs, inner = fsspec.core.url_to_fs(path)
    matches: list[str] = fs.glob(inner) if glob.has_magic(inner) else [inner] if fs.exists(inner) else []
    files: list[File] = []
    for match in matches:
        if not fs.isdir(match):
            files.append(_remote_file(fs, fs.info(match)))
            continue
        for name, info in fs.find(match, detail=True).items():
            below = name[len(match) :].strip("/").split("/")
            if _stem(name).endswith(SUFFIXES[form]) and not any(part.startswith((".", "_")) for part in below):
                files.append(_remote_file(fs, info))
    return files


def _remote_file(fs: fsspec.AbstractFileSystem, info: dict[str, Any]) -> File:
    etag = next((str(info[key]) for key in ETAG_KEYS if info.get(key)), "")
    return File(fs.unstrip_protocol(info["name"]), int(info["size"] or 0), etag)


def open_file(path: str) -> IO[bytes]:
    """The raw bytes of a file, seekable; OSError as the file system raises it."""
    fs, inner = fsspec.core.url_to_fs(path)
    if isinstance(fs, LocalFileSystem):
        return open(inner, "rb", buffering=0)
    return fs.open(inner, "rb")


def open_arrow(path: str) -> pa.NativeFile:
    """For pyarrow's readers; local files are memory-mapped, so that nothing is copied before it is decoded."""
    fs, inner = fsspec.core.url_to_fs(path)
    if isinstance(fs, LocalFileSystem):
        return pa.memory_map(inner)
    return pa.PythonFile(fs.open(inner, "rb"), mode="r")


def check_unchanged(split: Split) -> None:
    """Raises InputError when a local file is gone or no longer what was planned: its unit would not mean the same."""
    if "://" in split.path:
        return
    fix = "run again: planning takes the files as they are now"
    try:
        now = _local_file(split.path)
    except FileNotFoundError as error:
        raise InputError("the file is gone since it was planned", where=split.path, fix=fix) from error
    except OSError:
        return  # not ours to judge: opening it says what is wrong, and that is a dead letter
    if (now.size, now.etag) != (split.size, split.etag):
        raise InputError("the file has changed since it was planned", where=split.path, fix=fix)
