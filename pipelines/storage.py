"""A run directory on any file system: nothing becomes visible before it is complete.

Local folders and fsspec URLs have the same layout. A file is written under a temporary name on a local disk, then
appears at once: by rename on a local disk, by one put on an object store.
"""

import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import fsspec

PRIVATE = ("curated", "dropped", "dead", "_work")
"""Folders that hold raw text: mode 0700, removed by `gristmill clean`."""


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
    """A run directory. Paths are relative to it, with forward slashes."""

    root: str
    _scratch: str = field(default="_work/tmp", repr=False)

    @property
    def local(self) -> Path | None:
        """The folder, where it is on this machine; None on an object store."""
        return None if "://" in self.root else Path(self.root)

    def url(self, path: str) -> str:
        """Full address of a file of the run."""
        return f"{self.root.rstrip('/')}/{path}"

    def open(self, path: str) -> IO[bytes]:
        """Open for reading."""
        return fsspec.open(self.url(path), "rb").open()

    @contextmanager
    def on_disk(self, path: str) -> Iterator[Path]:
        """A finished file as a path on this machine, to be mapped: itself, or a copy that goes away at the end."""
        if self.local is not None:
            yield self.local / path
            return
        with self.temporary() as copy:
            fs, full = fsspec.url_to_fs(self.url(path))
            fs.get_file(full, str(copy))
            yield copy

    def exists(self, path: str) -> bool:
        """Whether a complete file stands there."""
        if self.local is not None:
            return (self.local / path).exists()
        fs, full = fsspec.url_to_fs(self.url(path))
        return fs.exists(full)

    def names(self, folder: str) -> list[str]:
        """Sorted file names in a folder; empty when there is none."""
        if self.local is not None:
            try:
                with os.scandir(self.local / folder) as entries:
                    return sorted(entry.name for entry in entries if entry.is_file())
            except FileNotFoundError:
                return []
        fs, full = fsspec.url_to_fs(self.url(folder))
        fs.invalidate_cache()
        if not fs.exists(full):
            return []
        return sorted(Path(item["name"]).name for item in fs.ls(full, detail=True) if item["type"] == "file")

    def read_json(self, path: str) -> Any:
        """Parse a JSON file; None when there is none."""
        try:
            with self.open(path) as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def write_json(self, path: str, value: Any) -> None:
        """Put a JSON file in one atomic step; keys in given order, so equal values give equal bytes."""
        with self.temporary() as scratch:
            scratch.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            self.publish(scratch, path)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A path on a local disk that does not exist yet; removed at the end if it was not published."""
        folder = self.local / self._scratch if self.local is not None else Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            yield path
        finally:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def publish(self, scratch: Path, path: str) -> None:
        """Make a finished file visible under its name; replaces an older one."""
        if self.local is not None:
            target = self.local / path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(scratch, target)
        else:
            fs, full = fsspec.url_to_fs(self.url(path))
            fs.put_file(str(scratch), full)

    def delete(self, path: str) -> None:
        """Remove a file or a folder with everything in it; nothing happens when there is none."""
        if self.local is not None:
            target = self.local / path
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
            return
        fs, full = fsspec.url_to_fs(self.url(path))
        if fs.exists(full):
            fs.rm(full, recursive=True)

    def prepare(self) -> None:
        """Create the folders; those that hold raw text are readable by their owner only."""
        if self.local is None:
            return
        self.local.mkdir(parents=True, exist_ok=True)
        for name in PRIVATE:
            folder = self.local / name
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        shutil.rmtree(self.local / self._scratch, ignore_errors=True)  # left by killed workers of an earlier run
        (self.local / self._scratch).mkdir()
