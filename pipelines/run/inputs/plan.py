"""Inputs -> units: from the files and the recipe only, never from the number of workers."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import xxhash

from gristmill.pipelines.errors import InputError, utf8_text
from gristmill.pipelines.read.files import File
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.listing import Listing, SetAside, find_files
from gristmill.pipelines.read.reader import Piece
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.elements import Unit

NAMED = 10
"""Files that a note names; the others are counted."""


def plan_source(
    name: str, source: schema.Source, recipe_dir: Path, unit_bytes: int, notes: list[str] | None = None
) -> list[Unit]:
    """The units of one source, in the order of its paths; the same files and recipe give the same units.

    Files are cut into pieces of at most `unit_bytes` (or one row group, record batch or file that is larger), and small
    pieces are put together, in order. `notes` gets a line about what was set aside. Raises InputError for a path that
    matches nothing or cannot be listed, and for a source without a file.
    """
    reader = READERS[source.format]
    source = reader.resolve(source)
    if reader.inputs is not None:
        pieces = reader.inputs(source)
    else:
        files = _files(name, source, recipe_dir, reader.suffixes, [] if notes is None else notes)
        pieces = (piece for file in files for piece in reader.cut(file, unit_bytes, source))
    return [
        Unit(name, tuple(split for split, _ in group), sum(size for _, size in group))
        for group in _together(pieces, unit_bytes)
    ]


def _files(
    name: str, source: schema.Source, recipe_dir: Path, suffixes: tuple[str, ...], notes: list[str]
) -> list[File]:
    """The files of all paths, each once."""
    where = f"source '{name}', paths"
    if not source.paths:
        raise InputError("no paths", where=where, fix=f"name the {source.format} files: a file, folder, pattern or URL")
    found = Listing()
    for path in source.paths:
        found.extend(find_files(path, recipe_dir, suffixes, where))
    if found.aside:
        told = _told(list(dict.fromkeys(found.aside)))
        if not found.files:
            raise InputError(f"nothing that can be read: {told}", where=where, fix="name files, or folders of files")
        notes.append(f"source '{name}': set aside and not read: {told}")
    return found.each_once()


def _told(aside: list[SetAside]) -> str:
    named = ", ".join(f"{utf8_text(path)} ({why})" for path, why in aside[:NAMED])
    return named + (f", and {len(aside) - NAMED:,} more" if len(aside) > NAMED else "")


def _together(pieces: Iterable[Piece], unit_bytes: int) -> Iterator[list[Piece]]:
    """Neighbouring small pieces in groups of at most `unit_bytes`; one of half that or more is alone.

    Groups end where a hash says so (about every `unit_bytes` / 2), not only where they are full: a file that is added
    or removed changes its own group, and the units after it keep their keys. The hash is of the file's name and size,
    not of its folder, so that a copy of the input is cut alike.
    """
    half = max(1, unit_bytes // 2)
    group: list[Piece] = []
    total = 0
    for split, size in pieces:
        if group and (size >= half or total + size > unit_bytes):
            yield group
            group, total = [], 0
        group.append((split, size))
        total += size
        mark = f"{os.path.basename(split.path)}\0{split.size}\0{split.start}".encode(errors="surrogateescape")
        if xxhash.xxh3_64_intdigest(mark) < (size << 64) // half:
            yield group
            group, total = [], 0
    if group:
        yield group
