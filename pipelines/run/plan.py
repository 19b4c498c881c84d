"""Inputs -> units: from the files and the recipe only, never from the number of workers."""

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import xxhash

from pipelines.errors import InputError
from pipelines.read.files import File, compression_of, find_files
from pipelines.read.formats.arrow import record_batches
from pipelines.read.formats.bundled import bundled_source
from pipelines.read.formats.machine import plan_machine
from pipelines.read.formats.parquet import row_groups
from pipelines.recipe import schema
from pipelines.records.elements import Split, Unit

Piece = tuple[Split, int]
"""A split and about what it costs to read, in bytes."""


def plan_source(name: str, source: schema.Source, recipe_dir: Path, unit_bytes: int) -> list[Unit]:
    """The units of one source, in the order of its paths; the same files and recipe give the same units.

    Files are cut into pieces of at most `unit_bytes` (or one row group, record batch or file that is larger), and small
    pieces are put together, in order. Raises InputError for a path that matches nothing or cannot be listed.
    """
    if source.format == "machine":
        pieces = plan_machine(source.max_bytes)
    else:
        source = bundled_source(source) if source.format == "bundled" else source
        files = _files(name, source, recipe_dir)
        pieces = (piece for file in files for piece in cut(file, source.format, unit_bytes))
    return [
        Unit(name, tuple(split for split, _ in group), sum(size for _, size in group))
        for group in _together(pieces, unit_bytes)
    ]


def _files(name: str, source: schema.Source, recipe_dir: Path) -> list[File]:
    """The files of all paths, each once."""
    where = f"source '{name}', paths"
    if not source.paths:
        raise InputError("no paths", where=where, fix=f"name the {source.format} files: a file, folder, pattern or URL")
    found = (file for path in source.paths for file in find_files(path, recipe_dir, source.format, where))
    return list({file.path: file for file in found}.values())


def cut(file: File, form: str, unit_bytes: int) -> Iterator[Piece]:
    """The pieces of one file. What cannot be cut, or has no readable footer, is one piece."""
    if form == "jsonl" and compression_of(file.path) is None:
        parts = max(1, -(-file.size // unit_bytes))
        edges = [file.size * i // parts for i in range(parts + 1)]
        for start, end in pairwise(edges):
            yield Split(file.path, start, end, file.size, file.etag), end - start
    elif form == "parquet":
        groups = row_groups(file.path)
        for start, end in _runs(groups, unit_bytes):
            yield Split(file.path, start, end, file.size, file.etag), sum(groups[start:end])
        if not groups:
            yield Split(file.path, 0, 0, file.size, file.etag), file.size
    elif form == "arrow" and (count := record_batches(file.path)) is not None:
        for start, end in _runs([file.size // max(1, count)] * count, unit_bytes):
            yield Split(file.path, start, end, file.size, file.etag), file.size * (end - start) // count
    elif form == "arrow":
        yield Split(file.path, 0, -1, file.size, file.etag), file.size
    else:
        yield Split(file.path, 0, file.size, file.size, file.etag), file.size


def _runs(sizes: list[int], unit_bytes: int) -> Iterator[tuple[int, int]]:
    """(start, end) of runs of neighbours that sum to at most `unit_bytes`, or of one that is larger."""
    start = total = 0
    for i, size in enumerate(sizes):
        if i > start and total + size > unit_bytes:
            yield start, i
            start, total = i, 0
        total += size
    if start < len(sizes):
        yield start, len(sizes)


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
        mark = f"{os.path.basename(split.path)}\0{split.size}\0{split.start}".encode()
        if xxhash.xxh3_64_intdigest(mark) < (size << 64) // half:
            yield group
            group, total = [], 0
    if group:
        yield group
