"""Object stores and other addresses that fsspec opens: patience with hiccups, errors in our words, no credentials.

Nothing here outlives a fork: fsspec forgets its file systems and its thread in a forked child, so every call asks for
them again and none is kept. What runs for as long as a run does (the parent of forked workers) calls none of this.
"""

import contextlib
import errno
import io
import logging
import os
import random
import re
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

from gristmill.filters.imports import Later
from gristmill.pipelines.errors import GristmillError, RecipeError, RunnerError, causes, shortage
from gristmill.pipelines.storage.addresses import CREDENTIALS, ENDPOINTS, EXTRAS, is_remote, protocol_of, redacted

fsspec = Later("fsspec")
# Where nobody listens it would print a traceback for each try of what we try again, and say once.
logging.getLogger("gcsfs").addHandler(logging.NullHandler())

T = TypeVar("T")
TRIES = 5
WAIT_SECONDS = 0.5
"""Before the second try; doubled before each further one, and shortened by up to half so that workers spread out."""
BLOCK_BYTES = 8 << 20
"""Read ahead of an open file."""
PUT_BYTES, AT_ONCE = 16 << 20, 4
"""A larger file goes up and down in pieces of this size, so many at once: 64 MiB of memory at most."""

WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "r2", "memory")
"""Protocols of stores where a put is visible at its end only. Elsewhere a file is put aside and renamed."""
UNFINISHED = ".unfinished"
PRECONDITION_FAILED = 412

ETAG_KEYS = (
    "etag",
    "ETag",
    "md5Hash",
    "md5",
    "content_md5",
    "mtime",
    "blob_id",
    "last_modified",
    "LastModified",
    "updated",
    "created",
)
"""Where file systems keep what changes with a file, best first."""

_PASSING = {
    # Of packages that need not be installed, so by name.
    *("HTTPClientError", "EndpointConnectionError", "ConnectTimeoutError", "ResponseParserError"),  # botocore
    *("ClientConnectionError", "ClientPayloadError", "ServerTimeoutError"),  # aiohttp
    *("IncompleteRead", "RemoteDisconnected"),  # http.client
    *("ConnectTimeout", "ReadTimeout", "ChunkedEncodingError"),  # requests
    *("TransportError", "ServiceRequestError", "ServiceResponseError"),  # google.auth, azure
}
_PASSING_NUMBERS = {
    *(errno.EBUSY, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED),
    *(errno.EPIPE, errno.ENETUNREACH),
}
_FINAL = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
_PASSING_STATUS = frozenset((408, 425, 429, 500, 502, 503, 504))


def connect(url: str) -> tuple[Any, str]:
    """The file system and the path in it, without what an earlier listing left in memory."""
    fs, path = fsspec.url_to_fs(url, **_options(protocol_of(url)))
    fs.invalidate_cache()
    return fs, path


def _options(protocol: str) -> dict[str, Any]:
    """Of our making; what fsspec's configuration or the environment says comes first."""
    if EXTRAS.get(protocol) != "s3":
        return {}
    given = fsspec.config.conf.get("s3", {})
    options: dict[str, Any] = {"max_concurrency": AT_ONCE, "default_block_size": PUT_BYTES}
    if not {"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"} & os.environ.keys():
        options["config_kwargs"] = {"retries": {"mode": "standard", "total_max_attempts": 3}}
    return {name: value for name, value in options.items() if name not in given}


def attempt(work: Callable[[], T], url: str, kind: type[GristmillError] = RunnerError) -> T:
    """The result of some work on an address, tried again while what fails is likely to pass.

    Raises FileNotFoundError and FileExistsError as they come, and everything else in our words: InputError where `kind`
    says so; else RecipeError where the address or its rights are wrong, RunnerError where the store does not answer.
    What is wrong with a file of this machine, or with a file's content, is left as it is.
    """
    if not is_remote(url):
        return work()
    for number in range(TRIES):
        try:
            return work()
        except (GristmillError, TypeError, AttributeError, LookupError, ValueError, MemoryError):
            raise
        except Exception as error:
            if shortage(error, "") is not None:  # of this machine, not of the store
                raise
            if passes(error) and number + 1 < TRIES:
                time.sleep(WAIT_SECONDS * 2**number * random.SystemRandom().uniform(0.5, 1))
                continue
            if isinstance(error, FileNotFoundError | FileExistsError) and _code(error) != "NoSuchBucket":
                raise
            if _status(error) == PRECONDITION_FAILED:
                raise FileExistsError(url) from None
            raise explain(error, url, kind) from None  # the causes may quote requests, and those hold signatures
    raise AssertionError


def passes(error: BaseException) -> bool:
    """Whether trying again may help: the server is busy or the connection broke, but nothing was refused."""
    if isinstance(error, _FINAL):
        return False
    if any(type(cause).__name__ == "FileExpired" for cause in causes(error)):
        return False
    status = _status(error)
    if status is not None:
        return status in _PASSING_STATUS
    return any(
        isinstance(cause, ConnectionError | TimeoutError)
        or (isinstance(cause, OSError) and cause.errno in _PASSING_NUMBERS)
        or any(base.__name__ in _PASSING for base in type(cause).__mro__)
        for cause in causes(error)
    )


def _status(error: BaseException) -> int | None:
    """The HTTP status of a refusal, wherever the store's package keeps it."""
    for cause in causes(error):
        response = getattr(cause, "response", None)
        if isinstance(response, dict):
            return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if type(cause).__module__ == "aiohttp.http_exceptions":
            continue  # its `code` is always 400: the answer broke off, whatever it was
        for name in ("status", "code", "status_code"):
            value = getattr(cause, name, None)
            if str(value).isdigit():
                return int(str(value))
    return None


def _code(error: BaseException) -> str:
    """What the store calls the error, such as AccessDenied; else the exception's name. Never its message."""
    for cause in causes(error):
        response = getattr(cause, "response", None)
        if isinstance(response, dict) and re.fullmatch(r"\w+", str(response.get("Error", {}).get("Code"))):
            return response["Error"]["Code"]
    return type(error).__name__


def explain(error: BaseException, url: str, kind: type[GristmillError] = RunnerError) -> GristmillError:
    """The error of ours for what a store answered."""
    shown, code, status = redacted(url), _code(error), _status(error)
    ours = kind if kind is not RunnerError else RecipeError
    if code == "NoSuchBucket":
        return _no_bucket(url, ours)
    if isinstance(error, PermissionError) or status in (401, 403) or "Credential" in code:
        credentials = CREDENTIALS.get(EXTRAS.get(protocol_of(url), ""), "see docs/running.md, Storage")
        fix = f"give credentials that may list, read, write and delete there: {credentials}"
        return ours(f"no permission for {_bucket(url)} ({code})", where=shown, fix=fix)
    if code == "FileExpired":
        fix = "run again: planning takes the files as they are now"
        return kind("the file has changed while it was read", where=shown, fix=fix)
    if passes(error):
        endpoint = ENDPOINTS.get(EXTRAS.get(protocol_of(url), ""))
        asked = f"its endpoint ({endpoint}), proxy and state" if endpoint else "network, proxy and its state"
        fix = f"check {asked}, then run the same command again: what is "
        what = f"the store does not answer after {TRIES} tries ({code})"
        return kind(what, where=shown, fix=f"{fix}finished is kept")
    return kind(f"the store refused ({code})", where=shown, fix="see docs/running.md, Storage")


def _no_bucket(url: str, kind: type[GristmillError] = RecipeError) -> GristmillError:
    return kind(f"there is no bucket {_bucket(url)}", where=redacted(url), fix="create it, or correct the address")


def _bucket(url: str) -> str:
    """s3://bucket/a/b -> s3://bucket"""
    return f"{protocol_of(url)}://{urlsplit(url).netloc.rpartition('@')[2]}"


def exists(url: str) -> bool:
    """Whether there is a file, or anything below it. An error is an error: fsspec's own `exists` takes it for no."""
    return info(url) is not None


def info(url: str, kind: type[GristmillError] = RunnerError) -> dict[str, Any] | None:
    """What the store knows of a file; None when there is none."""

    def look() -> dict[str, Any]:
        fs, path = connect(url)
        return fs.info(path)

    try:
        return attempt(look, url, kind)
    except FileNotFoundError:
        return None


def names(url: str) -> list[str]:
    """Sorted names of the files in a folder; empty when there is none."""
    return sorted(name for name, item in infos(url).items() if item["type"] == "file")


def entries(url: str) -> list[str]:
    """Sorted names of the files and folders in a folder; empty when there is none."""
    return sorted(infos(url))


def infos(url: str) -> dict[str, dict[str, Any]]:
    """What the store knows of the files and folders in a folder, by name; empty when there is none."""

    def look() -> dict[str, dict[str, Any]]:
        fs, path = connect(url)
        found = {item["name"].rstrip("/"): item for item in fs.ls(path, detail=True)}
        found.pop(path.rstrip("/"), None)  # an object whose key ends in a slash stands for the folder itself
        return {Path(name).name: item for name, item in found.items()}

    try:
        return attempt(look, url)
    except FileNotFoundError:
        return {}


def etag_of(known: dict[str, Any]) -> str:
    """What changes with a file, as key=value: listing a folder and asking for a file may give different keys."""
    return next((f"{key}={value_of(known, key)}" for key in ETAG_KEYS if known.get(key)), "")


def value_of(known: dict[str, Any], key: str) -> str:
    """One of the things that a store knows of a file, as text."""
    value = known[key]
    return str(value.timestamp() if isinstance(value, datetime) else value)


def find(url: str) -> dict[str, int]:
    """Path below the address -> size, of all files in all folders there, sorted."""

    def look() -> dict[str, int]:
        fs, path = connect(url)
        found = fs.find(path, detail=True)
        return {name[len(path) :].strip("/"): int(item["size"] or 0) for name, item in sorted(found.items())}

    return attempt(look, url)


def read(url: str) -> bytes:
    """All bytes of a small file. Raises FileNotFoundError."""

    def get() -> bytes:
        fs, path = connect(url)
        return fs.cat_file(path)

    return attempt(get, url)


def write(url: str, data: bytes) -> None:
    """Put a small file, at once; replaces an older one."""
    _put(url, lambda fs, path: fs.pipe_file(path, data))


def upload(file: Path, url: str) -> None:
    """Put a file, at once: a large one in pieces that become visible together."""
    pieces = {"chunksize": PUT_BYTES} if EXTRAS.get(protocol_of(url)) == "s3" else {}
    _put(url, lambda fs, path: fs.put_file(str(file), path, **pieces))


def create(url: str, data: bytes) -> bool:
    """Put a small file unless there is one; False when there is.

    A look, then one conditional request where the store has it (S3: If-None-Match, GCS: generation 0), else a put.
    Where an answer was lost and the second try meets our own file, that is a success: give all data a token.
    """
    try:
        if not exists(url):
            _put(url, lambda fs, path: fs.pipe_file(path, data, mode="create"), conditional=True)
        return read(url) == data
    except (FileExistsError, FileNotFoundError):  # another was faster, or has just removed its own
        with contextlib.suppress(FileNotFoundError):
            return read(url) == data
        return False


def _put(url: str, put: Callable[[Any, str], object], conditional: bool = False) -> None:
    def work() -> None:
        fs, path = connect(url)
        if conditional or protocol_of(url) in WHOLE:
            put(fs, path)
            return
        folder, name = path.rsplit("/", 1)
        unfinished = f"{folder}/{UNFINISHED}/{uuid.uuid4().hex}"
        fs.makedirs(f"{folder}/{UNFINISHED}", exist_ok=True)
        put(fs, unfinished)
        try:
            fs.mv(unfinished, f"{folder}/{name}")
        except OSError:  # some protocols do not rename onto a file
            fs.rm_file(path)
            fs.mv(unfinished, path)

    try:
        attempt(work, url)
    except FileNotFoundError as error:  # a store without folders has one thing that can be missing
        raise _no_bucket(url) from error


def download(url: str, file: Path) -> None:
    """Copy a file to this machine. Raises FileNotFoundError."""

    def get() -> None:
        fs, path = connect(url)
        fs.get_file(path, str(file))

    attempt(get, url)


def delete(url: str) -> None:
    """Remove a file, or a folder with everything in it; nothing happens when there is none."""

    def remove() -> None:
        fs, path = connect(url)
        if EXTRAS.get(protocol_of(url)) != "s3":
            fs.rm(path, recursive=True)
            return
        found = fs.find(path)
        if len(found) > 1:
            fs.rm(found)  # one request for many, and s3fs keeps to itself what the store refused of them
            found = fs.find(path)
        for one in found:
            fs.rm_file(one)

    with contextlib.suppress(FileNotFoundError):
        attempt(remove, url)


class RemoteFile(io.RawIOBase):
    """A file of a store, open for reading; a read that fails is tried again from where it began."""

    def __init__(self, url: str, kind: type[GristmillError] = RunnerError):
        """Raises FileNotFoundError, or the error of ours that `attempt` describes."""
        self._url, self._kind = url, kind
        self._file: IO[bytes] = attempt(self._open, url, kind)

    def _open(self) -> IO[bytes]:
        fs, path = connect(self._url)
        return fs.open(path, "rb", block_size=BLOCK_BYTES)

    def read(self, size: int | None = -1) -> bytes:
        """As of any raw file."""
        start = self._file.tell()

        def again() -> bytes:
            if self._file.tell() != start:
                self._file.seek(start)
            return self._file.read(-1 if size is None else size)

        return attempt(again, self._url, self._kind)

    def readall(self) -> bytes:
        """From here to the end."""
        return self.read(-1)

    def readinto(self, buffer: Any) -> int:
        """As of any raw file."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any raw file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any raw file."""
        return self._file.tell()

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """As the file below: a web server may not offer it."""
        return self._file.seekable()

    def close(self) -> None:
        """Closes the file below."""
        if not self.closed:
            self._file.close()
        super().close()
