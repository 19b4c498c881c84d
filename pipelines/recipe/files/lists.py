"""`lists` of a recipe: its files found, read and told by their content."""

import hashlib
import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from gristmill.filters.lists.build import BadListError, Entries, address_columns, phrase_columns
from gristmill.filters.lists.table import DOMAINS, KINDS, PHRASES, URLS, VERSION, ListFile, read_about, write
from gristmill.filters.names import nearest
from gristmill.filters.placed import place
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, files_at, near_files, read_named, shelf
from gristmill.pipelines.recipe.wording import RecipePath

STARTER = "starter/"


def read_lists(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[tuple[ListFile, ...], list[tuple[RecipePath, str]]]:
    """The lists of a recipe in `folder`, and what is wrong with others: where, and what to do."""
    return read_named(recipe, "lists", lambda name, asked: _read(name, asked, folder, fetch))


def _read(name: str, asked: schema.EntryList, folder: Path, fetch: Fetch | None) -> ListFile:
    if asked.kept is not None:
        try:
            table = folder / asked.kept
            found = read_about(table, name)
        except (OSError, ValueError) as error:
            raise ProblemError("kept", f"the run's list cannot be read: {error}") from None
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
    table = shelf() / f"{digest.hexdigest()}.list"
    if table.is_file():
        return table
    kind = parts[0].kind
    try:
        files_of = [file for part in parts for file in part.files]
        columns = phrase_columns(files_of) if kind == PHRASES else address_columns(parts)
    except BadListError as error:
        raise ProblemError(kind if len(parts) == 1 else "", str(error)) from None
    scratch = table.with_name(f"{table.name}-{os.getpid()}")
    write(scratch, name, [(part.label, part.kind) for part in parts], columns)
    os.replace(scratch, table)
    return table


def _parts(name: str, asked: schema.EntryList, folder: Path, fetch: Fetch | None) -> list[Entries]:
    """Which entries stand under which label: `<name>`, or `<name>.<kind>` where a list has several kinds."""
    named = {kind: getattr(asked, kind) for kind in (*KINDS, PHRASES) if getattr(asked, kind)}
    if asked.ut1 is not None:
        if named:
            raise ProblemError(
                "ut1", "a folder in UT1's layout is a list by itself; give the other files a list of their own"
            )
        return list(_categories(name, folder / Path(asked.ut1).expanduser()))
    if not named:
        raise ProblemError("", f"it names no files; write one of {', '.join((*KINDS, PHRASES, 'ut1'))}")
    if PHRASES in named and len(named) > 1:
        raise ProblemError(PHRASES, "phrases are looked for in texts, the rest in addresses: make two lists of them")
    several = len(named) > 1
    return [
        Entries(f"{name}.{kind}" if several else name, kind, tuple(_files(paths, kind, folder, fetch)))
        for kind, paths in named.items()
    ]


def _files(paths: list[str], kind: str, folder: Path, fetch: Fetch | None) -> Iterator[Path]:
    for path in paths:
        if path.startswith(STARTER):
            yield _shipped(path.removeprefix(STARTER), kind)
        else:
            yield from files_at(path, kind, folder, fetch, ", or `ut1` for one in UT1's layout")


def _shipped(name: str, kind: str) -> Path:
    room = files("gristmill.filters.data") / "lists"
    end = f".{kind}.txt"
    known = {one.name.removesuffix(end): Path(str(one)) for one in room.iterdir() if one.name.endswith(end)}
    if name not in known:
        raise ProblemError(kind, f"no shipped list '{STARTER}{name}' of {kind}; {nearest(name, known)}")
    return known[name]


def _categories(name: str, folder: Path) -> Iterator[Entries]:
    """UT1's layout: a folder a category, in it the files `domains` and `urls`."""
    if not folder.is_dir():
        raise ProblemError("ut1", f"'{folder.name}' is no folder{near_files(folder)}")
    found = False
    for category in sorted(one for one in folder.iterdir() if one.is_dir()):
        label = re.sub(r"\W", "_", category.name)
        for kind in (DOMAINS, URLS):
            file = category / kind
            if file.is_file() and file.stat().st_size:
                found = True
                yield Entries(f"{name}.{label}", kind, (file,))
    if not found:
        raise ProblemError("ut1", f"'{folder.name}' holds no folder with a file `domains` or `urls`, as UT1's has")
