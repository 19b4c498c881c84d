"""Writes the files of an export: each appears whole, an export that was killed goes on where it was.

A format says which files there are and how to make them, piece by piece (`Output`). While they are written, JOURNAL has
a line for every piece that is on disk; MANIFEST, written last, lists all files with their sha256.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from gristmill.tokenizer.shards.arrow_file import file_sha256, to_disk

MANIFEST, JOURNAL = "export.json", ".export.jsonl"
READ_AT_ONCE = 1 << 22


class ForeignFolderError(ValueError):
    """The folder holds something else, or is being written by another export."""


@dataclass(frozen=True)
class Entry:
    """A file, as the manifest lists it."""

    path: str
    bytes: int
    sha256: str


Made = Iterable[bytes | memoryview]


@dataclass(frozen=True)
class Output:
    """One file, as pieces that follow each other. A piece depends on nothing but the corpus and the files before."""

    path: str
    """In the export's folder."""
    pieces: Sequence[Callable[[Mapping[str, Entry]], Made]]
    """Each is given the files that are written, by path."""


@dataclass
class Mark:
    """A line of the journal: how far a file has come."""

    path: str
    pieces: int
    bytes: int
    sha256: str


def write_export(
    folder: Path, about: Mapping[str, Any], outputs: Sequence[Output], tell: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Write the outputs in their order, then the manifest, which it returns: `about` and `files`.

    What an earlier call with an equal `about` wrote is read and compared, and only the rest written. `tell` hears how
    many outputs of how many are done. Raises ForeignFolderError, before anything is written, for a folder with other
    files, or of another export.
    """
    check_folder(folder, about)
    folder.mkdir(parents=True, exist_ok=True)
    with _journal(folder, about) as (journal, marks):
        done: dict[str, Entry] = {}
        for number, output in enumerate(outputs):
            if tell is not None:
                tell(number, len(outputs))
            done[output.path] = _write(folder, output, marks.get(output.path), journal, done)
        manifest = {**about, "files": [asdict(entry) for entry in done.values()]}
        _replace(folder / MANIFEST, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
        (folder / JOURNAL).unlink()
    return manifest


def check_folder(folder: Path, about: Mapping[str, Any]) -> None:
    """Raises ForeignFolderError unless the folder is absent, empty, or of an export with an equal `about`."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ForeignFolderError("it is a file")
    found = _about(folder)
    if found is None and any(path.name != JOURNAL for path in folder.iterdir()):
        raise ForeignFolderError("it holds files that no export wrote")
    if found is not None and found != json.loads(json.dumps(about)):
        differ = sorted(key for key in {*found, *about} if found.get(key) != json.loads(json.dumps(about.get(key))))
        raise ForeignFolderError(f"it holds another export, with other {', '.join(differ)}")


def _about(folder: Path) -> dict[str, Any] | None:
    """What the export in a folder is, finished or not; None where there is none."""
    try:
        if (folder / MANIFEST).exists():
            about = json.loads((folder / MANIFEST).read_bytes())
            return {key: value for key, value in about.items() if key != "files"}
        with (folder / JOURNAL).open("rb") as lines:
            return dict(json.loads(next(lines, b"")))
    except (OSError, ValueError, TypeError, AttributeError):
        return None


@contextmanager
def _journal(folder: Path, about: Mapping[str, Any]) -> Iterator[tuple[IO[bytes], dict[str, Mark]]]:
    """The journal, locked and open for more lines, and how far each file has come."""
    with (folder / JOURNAL).open("a+b") as journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ForeignFolderError("another export is writing to it now") from error
        journal.seek(0)
        lines = journal.read().splitlines(keepends=True)
        whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
        marks = {mark["path"]: Mark(**mark) for mark in whole[1:]}
        if (folder / MANIFEST).exists():
            entries = json.loads((folder / MANIFEST).read_bytes())["files"]
            marks |= {entry["path"]: Mark(pieces=-1, **entry) for entry in entries}
        journal.truncate(sum(len(line) for line in lines if line.endswith(b"\n")))
        if not whole:
            _append(journal, about)
        yield journal, marks


def _append(journal: IO[bytes], value: Mapping[str, Any]) -> None:
    journal.write((json.dumps(value, ensure_ascii=False) + "\n").encode())
    journal.flush()
    os.fsync(journal.fileno())


def _write(folder: Path, output: Output, mark: Mark | None, journal: IO[bytes], done: Mapping[str, Entry]) -> Entry:
    path = folder / output.path
    if mark is not None and path.is_file() and path.stat().st_size == mark.bytes and file_sha256(path) == mark.sha256:
        return Entry(output.path, mark.bytes, mark.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    begun, digest = _begun(partial, mark)
    with partial.open("r+b" if begun else "wb") as file:
        size = file.seek(0, os.SEEK_END)
        for number in range(begun, len(output.pieces)):
            for part in output.pieces[number](done):
                file.write(part)
                digest.update(part)
                size += memoryview(part).nbytes
            file.flush()
            os.fsync(file.fileno())
            _append(journal, asdict(Mark(output.path, number + 1, size, digest.hexdigest())))
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    to_disk(path.parent)
    return Entry(output.path, size, digest.hexdigest())


def _begun(partial: Path, mark: Mark | None) -> tuple[int, Any]:
    """(how many pieces of a file are on disk, the hash of them). What lies behind them is cut off."""
    if mark is not None and mark.pieces > 0 and partial.is_file() and partial.stat().st_size >= mark.bytes:
        os.truncate(partial, mark.bytes)
        digest = hashlib.sha256()
        with partial.open("rb") as file:
            while data := file.read(READ_AT_ONCE):
                digest.update(data)
        if digest.hexdigest() == mark.sha256:
            return mark.pieces, digest
    return 0, hashlib.sha256()


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    to_disk(path.parent)
