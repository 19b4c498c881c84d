"""`lists` of a recipe: its files found, read and told by their content."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from gristmill.filters.lists.build import BadListError, Entries, address_columns, phrase_columns
from gristmill.filters.lists.table import DOMAINS, KINDS, PHRASES, URLS, VERSION, ListFile, read_about, write
from gristmill.filters.names import nearest
from gristmill.filters.placed import place
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.classifiers import NAME, Fetch, taken_names
from gristmill.pipelines.recipe.wording import RecipePath

STARTER = "starter/"


class _ProblemError(Exception):
    def __init__(self, key: str, text: str):
        super().__init__(text)
        self.key, self.text = key, text


def read_lists(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[tuple[ListFile, ...], list[tuple[RecipePath, str]]]:
    """The lists of a recipe in `folder`, and what is wrong with others: where, and what to do."""
    found: list[ListFile] = []
    problems: list[tuple[RecipePath, str]] = []
    for name, asked in recipe.lists.items():
        try:
            if not re.fullmatch(NAME, name):
                raise _ProblemError("", f"'{name}' is not a name for a signal; use small letters, digits and '_'")
            if name in taken_names(recipe):
                raise _ProblemError("", f"'{name}' is a column of Gristmill's own; choose another name")
            found.append(_read(name, asked, folder, fetch))
        except _ProblemError as problem:
            problems.append((("lists", name, *([problem.key] if problem.key else [])), problem.text))
    return tuple(found), problems


def _read(name: str, asked: schema.EntryList, folder: Path, fetch: Fetch | None) -> ListFile:
    if asked.kept is not None:
        try:
            table = folder / asked.kept
            found = read_about(table, name)
        except (OSError, ValueError) as error:
            raise _ProblemError("kept", f"the run's list cannot be read: {error}") from None
    else:
        parts = _parts(name, asked, folder, fetch)
        table = _table(name, parts)
        found = read_about(table, name)
    place(found, table)
    return found


def _table(name: str, parts: list[Entries]) -> Path:
    """The table of these entries, built where this machine has not built it before."""
    digest = hashlib.sha256(f"{VERSION} {name}".encode())
    for part in parts:
        for file in part.files:
            with file.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{part.label} {part.kind} {sha256}\n".encode())
    shelf = Path(tempfile.gettempdir()) / f"gristmill-lists-{os.getuid()}"
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    table = shelf / f"{digest.hexdigest()}.list"
    if table.is_file():
        return table
    kind = parts[0].kind
    try:
        files_of = [file for part in parts for file in part.files]
        columns = phrase_columns(files_of) if kind == PHRASES else address_columns(parts)
    except BadListError as error:
        raise _ProblemError(kind if len(parts) == 1 else "", str(error)) from None
    scratch = table.with_name(f"{table.name}-{os.getpid()}")
    write(scratch, name, [(part.label, part.kind) for part in parts], columns)
    os.replace(scratch, table)
    return table


def _parts(name: str, asked: schema.EntryList, folder: Path, fetch: Fetch | None) -> list[Entries]:
    """Which entries stand under which label: `<name>`, or `<name>.<kind>` where a list has several kinds."""
    named = {kind: getattr(asked, kind) for kind in (*KINDS, PHRASES) if getattr(asked, kind)}
    if asked.ut1 is not None:
        if named:
            raise _ProblemError(
                "ut1", "a folder in UT1's layout is a list by itself; give the other files a list of their own"
            )
        return list(_categories(name, folder / Path(asked.ut1).expanduser()))
    if not named:
        raise _ProblemError("", f"it names no files; write one of {', '.join((*KINDS, PHRASES, 'ut1'))}")
    if PHRASES in named and len(named) > 1:
        raise _ProblemError(PHRASES, "phrases are looked for in texts, the rest in addresses: make two lists of them")
    several = len(named) > 1
    return [
        Entries(f"{name}.{kind}" if several else name, kind, tuple(_files(paths, kind, folder, fetch)))
        for kind, paths in named.items()
    ]


def _files(paths: list[str], kind: str, folder: Path, fetch: Fetch | None) -> Iterator[Path]:
    for path in paths:
        if path.startswith(STARTER):
            yield _shipped(path.removeprefix(STARTER), kind)
        elif "://" in path:
            got = fetch(path) if fetch else None
            if got is None:
                raise _ProblemError(kind, f"there is no file at '{path}'")
            yield got
        else:
            at = folder / Path(path).expanduser()
            matching = sorted(at.parent.glob(at.name)) if "*" in at.name else [at]
            if not matching or not all(one.is_file() for one in matching):
                what = "is a folder; name its files, or `ut1` for one in UT1's layout" if at.is_dir() else "is no file"
                raise _ProblemError(kind, f"'{path}' {what}{_near(at)}")
            yield from matching


def _shipped(name: str, kind: str) -> Path:
    room = files("gristmill.filters.data") / "lists"
    end = f".{kind}.txt"
    known = {one.name.removesuffix(end): Path(str(one)) for one in room.iterdir() if one.name.endswith(end)}
    if name not in known:
        raise _ProblemError(kind, f"no shipped list '{STARTER}{name}' of {kind}; {nearest(name, known)}")
    return known[name]


def _categories(name: str, folder: Path) -> Iterator[Entries]:
    """UT1's layout: a folder a category, in it the files `domains` and `urls`."""
    if not folder.is_dir():
        raise _ProblemError("ut1", f"'{folder.name}' is no folder{_near(folder)}")
    found = False
    for category in sorted(one for one in folder.iterdir() if one.is_dir()):
        label = re.sub(r"\W", "_", category.name)
        for kind in (DOMAINS, URLS):
            file = category / kind
            if file.is_file() and file.stat().st_size:
                found = True
                yield Entries(f"{name}.{label}", kind, (file,))
    if not found:
        raise _ProblemError("ut1", f"'{folder.name}' holds no folder with a file `domains` or `urls`, as UT1's has")


def _near(path: Path) -> str:
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = nearest(path.name, beside) if beside else ""
    return f" ({hint})" if hint.startswith("did") else ""
