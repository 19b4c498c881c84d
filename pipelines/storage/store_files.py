"""The files of a run on an object store, as DuckDB opens them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import IO, Any, cast

import fsspec

from gristmill.pipelines.errors import GristmillError
from gristmill.pipelines.storage import remote
from gristmill.pipelines.storage.store import Store


class StoreFiles(fsspec.AbstractFileSystem):
    """The files of a run on an object store, as DuckDB asks for them: run://ledger/part.parquet."""

    protocol = "run"
    cachable = False

    def __init__(self, store: Store):
        super().__init__()
        self._store = store
        self.failures: list[GristmillError] = []
        """What the store refused: DuckDB makes text of it."""

    def open(self, path: str, mode: str = "rb", **_: Any) -> IO[bytes]:
        """For reading. DuckDB reads a footer, then the columns of a query."""
        with self._noted():
            return cast(IO[bytes], _File(self._store.url(self._strip_protocol(path)), self._noted))

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except GristmillError as error:
            self.failures.append(error)
            raise

    def glob(self, path: str, **_: Any) -> list[str]:
        """The path itself: every file is named in full."""
        return [path]

    def size(self, path: str) -> int:
        """In bytes."""
        found = remote.info(self._store.url(self._strip_protocol(path)))
        if found is None:
            raise FileNotFoundError(path)
        return found["size"]

    def modified(self, path: str) -> datetime:
        """Always the same: a part is named by its content."""
        return datetime(2000, 1, 1, tzinfo=UTC)


class _File(remote.RemoteFile):
    def __init__(self, url: str, noted: Callable[[], AbstractContextManager[None]]):
        super().__init__(url)
        self._noted = noted

    def read(self, size: int | None = -1) -> bytes:
        with self._noted():
            return super().read(size)
