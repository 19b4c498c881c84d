"""A run directory on any file system: nothing becomes visible before it is complete.

Local folders and fsspec URLs have the same layout. A file is written under a temporary name on a local disk, then
appears at once: by rename on a local disk, by one put on an object store.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.records.sealed import seal, unseal
from gristmill.pipelines.storage import remote
from gristmill.pipelines.storage.addresses import check_address, is_remote
from gristmill.pipelines.storage.layout import PRIVATE, is_ours, stem_of

READ_BYTES = 1 << 20
LISTED = 8
"""Files of one folder of an object store that are asked for one by one: of more, the folder is listed."""


class HashingFile:
    """A write-only file that knows the sha256 and the size of what went through it."""

    def __init__(self, file: IO[bytes]):
        self._file, self._sha, self.size, self.closed = file, hashlib.sha256(), 0, False

    def write(self, data: Any) -> int:
        """Write any buffer; returns its length in bytes."""
        view = memoryview(data)
        self._sha.update(view)
        self.size += view.nbytes
        self._file.write(view)
        return view.nbytes

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Flush the file below."""
        self._file.flush()

    def close(self) -> None:
        """Close the file below; the hash stays readable."""
        if not self.closed:
            self.closed = True
            self._file.close()

    def readable(self) -> bool:
        """False."""
        return False

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """False."""
        return False

    @property
    def sha256(self) -> str:
        """Of everything written so far, in hex."""
        return self._sha.hexdigest()


@dataclass(frozen=True)
class Store:
    """A run directory. Paths are relative to it, with forward slashes. Holds no credentials: it travels to workers."""

    root: str
    _scratch: str = field(default="_work/tmp", repr=False)

    @classmethod
    def at(cls, where: "str | Path | Store") -> "Store":
        """The run directory at a local path or an address.

        Raises RecipeError for an address that holds credentials, or that nothing here opens.
        """
        if isinstance(where, Store):
            return where
        text = str(where)
        if not text or "\0" in text:
            fix = "name a folder, or an address such as s3://bucket/run"
            raise RecipeError(f"'{text}' is no path", where="the run directory", fix=fix)
        if not is_remote(text):
            return cls(str(Path(os.path.expanduser(text.split("://")[-1])).absolute()))
        check_address(text, "the run directory")
        return cls(text.rstrip("/"))

    @property
    def local(self) -> Path | None:
        """The folder, where it is on this machine; None on an object store."""
        return None if is_remote(self.root) else Path(self.root)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.root.rstrip("/").rsplit("/", 1)[-1]

    def url(self, path: str) -> str:
        """Full address of a file of the run."""
        return f"{self.root.rstrip('/')}/{path}"

    def open(self, path: str) -> IO[bytes]:
        """Open for reading. Raises FileNotFoundError."""
        if self.local is not None:
            return self._file(path).open("rb")
        return io.BufferedReader(remote.RemoteFile(self.url(path)))

    @contextmanager
    def on_disk(self, path: str) -> Iterator[Path]:
        """A finished file as a path on this machine, to be mapped: itself, or a copy that goes away at the end."""
        if self.local is not None:
            yield self.local / path
            return
        with self.temporary() as copy:
            remote.download(self.url(path), copy)
            yield copy

    @contextmanager
    def folder_on_disk(self, *wanted: str) -> Iterator[Path]:
        """The run as a folder on this machine: itself, or a copy that goes away at the end.

        `wanted`: the files and the folders that a copy has to hold, with all in them; those that do not exist are left
        out.
        """
        if self.local is not None:
            yield self.local
            return
        with self.temporary() as copy:
            copy.mkdir()
            self.copy_to(copy, *wanted)
            yield copy

    def copy_to(self, folder: Path, *wanted: str) -> None:
        """Copy files, and folders with all in them, into a folder on this machine; what does not exist is left out."""
        for path in wanted:
            for below in self._below(path):
                target = folder / path / below if below else folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with self.on_disk(f"{path}/{below}" if below else path) as file:
                    shutil.move(file, target) if self.local is None else shutil.copyfile(file, target)

    def _below(self, path: str) -> list[str]:
        """The files below a folder; [""] where it is a file."""
        if self.local is None:
            return list(remote.find(self.url(path)))
        if not (self.local / path).is_dir():
            return [""] if (self.local / path).exists() else []
        files = (self.local / path).rglob("*")
        return sorted(file.relative_to(self.local / path).as_posix() for file in files if file.is_file())

    def below(self, folder: str) -> list[str]:
        """Sorted paths of all files in a folder and in its folders."""
        return [f"{folder}/{path}" for path in self._below(folder) if path]

    def exists(self, path: str) -> bool:
        """Whether a complete file stands there, or a folder."""
        if self.local is not None:
            return (self.local / path).exists()
        return remote.exists(self.url(path))

    def names(self, folder: str) -> list[str]:
        """Sorted file names in a folder; empty when there is none."""
        if self.local is None:
            return remote.names(self.url(folder))
        try:
            with os.scandir(self.local / folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_file())
        except FileNotFoundError:
            return []

    def parts(self, dataset: str, unit: str = "") -> list[str]:
        """The parts of a dataset, by name; those of one unit only, where it is given by its key."""
        names = [name for name in self.names(dataset) if name.startswith(stem_of(unit))]
        return [path for name in names if is_ours(path := f"{dataset}/{name}")]

    def entries(self, folder: str = "") -> list[str]:
        """Sorted names of all that lies directly in a folder of the run directory, or in itself, folders too; empty
        when there is none."""
        if self.local is None:
            return remote.entries(self.url(folder) if folder else self.root)
        try:
            return sorted(os.listdir(self.local / folder))
        except FileNotFoundError:
            return []

    def signs(self, paths: Iterable[str]) -> dict[str, str]:
        """What changes with a file, without reading it: path -> "size time" or "size tag"; none of a file that is gone.

        On this machine the time is that of the last change of the file itself (ctime): unlike the time of its content
        nothing sets it back.
        """
        if self.local is None:
            return self._remote_signs(paths)
        found = {}
        for path in paths:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                stat = (self.local / path).stat()
                found[path] = f"{stat.st_size} {stat.st_ctime_ns}"
        return found

    def _remote_signs(self, paths: Iterable[str]) -> dict[str, str]:
        folders: dict[str, list[str]] = {}
        for path in paths:
            folders.setdefault(path.rpartition("/")[0], []).append(path)
        found = {}
        for folder, wanted in folders.items():
            listed = remote.infos(self.url(folder)) if len(wanted) > LISTED else {}
            for path in wanted:
                name = path.rpartition("/")[2]
                known = listed.get(name) if len(wanted) > LISTED else remote.info(self.url(path))
                if known is not None:
                    found[path] = f"{known['size']} {remote.etag_of(known)}"
        return found

    def sha256(self, path: str) -> str:
        """Of a file, read in pieces. Raises FileNotFoundError."""
        digest = hashlib.sha256()
        with self.open(path) as file:
            while piece := file.read(READ_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def size(self) -> int:
        """Bytes of all files of the run."""
        if self.local is None:
            return sum(remote.find(self.root).values())
        return sum(file.stat().st_size for file in self.local.rglob("*") if file.is_file())

    def read_bytes(self, path: str) -> bytes:
        """All of a file. Raises FileNotFoundError."""
        return remote.read(self.url(path)) if self.local is None else self._file(path).read_bytes()

    def _file(self, path: str) -> Path:
        """On this machine. What is no file is not there: to read a pipe would be to wait for ever."""
        assert self.local is not None
        file = self.local / path
        if not file.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
        return file

    def read_json(self, path: str) -> Any:
        """Parse a JSON file; None when there is none."""
        try:
            return json.loads(self.read_bytes(path))
        except FileNotFoundError:
            return None

    def write_bytes(self, path: str, data: bytes) -> None:
        """Put a file in one atomic step."""
        if self.local is None:
            remote.write(self.url(path), data)
            return
        with self.temporary() as scratch:
            scratch.write_bytes(data)
            self.publish(scratch, path)

    def write_json(self, path: str, value: Any) -> None:
        """Put a JSON file in one atomic step; keys in given order, so equal values give equal bytes."""
        self.write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())

    def read_sealed(self, path: str) -> dict[str, Any] | None:
        """A sealed JSON file; None when there is none. Raises DamageError when it is not as it was written."""
        try:
            return unseal(self.read_bytes(path), self.url(path))
        except FileNotFoundError:
            return None

    def write_sealed(self, path: str, value: dict[str, Any]) -> None:
        """Put a sealed JSON file in one atomic step; equal values give equal bytes."""
        self.write_bytes(path, seal(value))

    def create(self, path: str, data: bytes) -> bool:
        """Put a small file unless there is one; False when there is."""
        if self.local is None:
            return remote.create(self.url(path), data)
        (self.local / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            file = (self.local / path).open("xb", buffering=0)
        except FileExistsError:
            return False
        try:
            with file:
                if file.write(data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.local / path))
        except OSError:  # a full disk has room for an empty file
            (self.local / path).unlink(missing_ok=True)
            raise
        return True

    def sync(self, paths: Iterable[str]) -> None:
        """Wait until finished files, and their names, are on the disk: before something else names them.

        Many at once cost little more than one. What a store has taken it has stored.
        """
        if self.local is None:
            return
        files = [self.local / path for path in paths]
        for place in (*files, *dict.fromkeys(file.parent for file in files)):
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A path on a local disk that does not exist yet; removed at the end if it was not published."""
        folder = self.local / self._scratch if self.local is not None else Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"gristmill-{os.getpid()}-{uuid.uuid4().hex}"
        try:
            yield path
        finally:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def publish(self, scratch: Path, path: str) -> None:
        """Make a finished file visible under its name; replaces an older one."""
        if self.local is None:
            remote.upload(scratch, self.url(path))
            return
        target = self.local / path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(scratch, target)

    def delete(self, path: str) -> None:
        """Remove a file or a folder with everything in it; nothing happens when there is none."""
        if self.local is None:
            remote.delete(self.url(path))
            return
        target = self.local / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Create the folders; those that hold raw text are readable by their owner only. A store has no folders."""
        if self.local is None:
            return
        self.local.mkdir(parents=True, exist_ok=True)
        for name in PRIVATE:
            folder = self.local / name
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        self.clear_scratch()  # what killed workers of an earlier run left

    def clear_scratch(self) -> None:
        """Remove what lies half written on this machine: nobody works here any more."""
        if self.local is not None:
            shutil.rmtree(self.local / self._scratch, ignore_errors=True)
            (self.local / self._scratch).mkdir(exist_ok=True)
