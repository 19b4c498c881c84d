"""Files that a recipe names for its classifiers, lists and labels, and how one that is not there is told."""

import hashlib
import os
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from glob import glob, has_magic
from pathlib import Path
from typing import Any, TypeVar

from gristmill.filters.names import nearest
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.columns import curated_schema
from gristmill.pipelines.recipe.wording import RecipePath
from gristmill.pipelines.records import columns

T = TypeVar("T")

NAME = r"[a-z][a-z0-9_]*"
"""Of a classifier, a list or labels: the signals' names begin with it."""

Fetch = Callable[[str], Path | None]
"""The address of a file on an object store -> a copy of it on this machine; None where there is no such file."""


class ProblemError(Exception):
    """What is wrong with something that the recipe names, and under which of its keys."""

    def __init__(self, key: str, text: str):
        super().__init__(text)
        self.key, self.text = key, text


def why_unreadable(error: Exception) -> str:
    """In a few words, for a message that names the file."""
    damaged = "damaged gzip" if isinstance(error, zlib.error) else type(error).__name__
    return getattr(error, "strerror", None) or damaged


def file_sha256(file: Path) -> str:
    """In hexadecimal digits; read again where size or time of change differ from what they were."""
    status = file.stat()
    return _sha256(str(file), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _sha256(file: str, size: int, changed: int) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_named(
    recipe: schema.Recipe, key: str, read: Callable[[str, Any], T], example: str = ""
) -> tuple[tuple[T, ...], list[tuple[RecipePath, str]]]:
    """What `read(name, asked)` makes of everything under a key of the recipe, and what is wrong with the others: where,
    and what to do. Their names begin those of signals, so they may be no column's."""
    found: list[T] = []
    problems: list[tuple[RecipePath, str]] = []
    named: dict[str, Any] = getattr(recipe, key)
    taken = taken_names(recipe) if named else set()
    for name, asked in named.items():
        try:
            if not re.fullmatch(NAME, name):
                what = f"'{name}' is not a name for a signal; use small letters, digits and '_'{example}"
                raise ProblemError("", what)
            if name in taken:
                raise ProblemError("", f"'{name}' is a column of Gristmill's own; choose another name")
            found.append(read(name, asked))
        except ProblemError as problem:
            problems.append(((key, name, *([problem.key] if problem.key else [])), problem.text))
    return tuple(found), problems


def taken_names(recipe: schema.Recipe) -> set[str]:
    """Names of columns that stand beside signals."""
    return {
        *columns.VERDICTS.names,
        *(name for name, _ in (*columns.CLUSTER, *columns.WEIGHT)),
        *curated_schema(recipe).names,
        "text",
        "edits",
    }


def files_at(path: str, key: str, folder: Path, fetch: Fetch | None, instead: str = "") -> Iterator[Path]:
    """The files of a path, a pattern or an address. Raises ProblemError; `instead`: what may be named for a folder."""
    if "://" in path:
        got = fetch(path) if fetch else None
        if got is None:
            raise ProblemError(key, f"there is no file at '{path}'")
        yield got
        return
    own = Path(path).expanduser()
    at = folder / own
    pattern = has_magic(path) and not at.exists()
    matching = sorted(folder / one for one in glob(str(own), root_dir=folder, recursive=True)) if pattern else [at]
    if not matching or not all(one.is_file() for one in matching):
        what = f"is a folder; name its files{instead}" if at.is_dir() else "is no file"
        if pattern:
            what = "matches a folder; name files" if matching else "matches no file"
        raise ProblemError(key, f"'{path}' {what}{near_files(at)}")
    yield from matching


def near_files(path: Path) -> str:
    """ " (did you mean 'x'?)" where a file beside it has almost that name, else ""."""
    beside = [other.name for other in path.parent.iterdir() if other != path] if path.parent.is_dir() else []
    hint = nearest(path.name, beside) if beside else ""
    return f" ({hint})" if hint.startswith("did") else ""


def shelf() -> Path:
    """Where this machine keeps tables that were built from a recipe's files, by the hash of those."""
    folder = Path(tempfile.gettempdir()) / f"gristmill-lists-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
