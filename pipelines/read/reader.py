"""What a format is: the names of its files, how one is cut into splits, how a split is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gristmill.pipelines.read.batches import Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import File
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.elements import Records, Split

Piece = tuple[Split, int]
"""A split and about what it costs to read, in bytes."""


def whole(file: File, unit_bytes: int, source: schema.Source) -> Iterator[Piece]:
    """The cut of a format that can be read from its beginning only."""
    yield split_of(file, 0, file.size), file.size


def split_of(file: File, start: int, end: int) -> Split:
    """A piece of a file; what `start` and `end` count is the format's business."""
    return Split(file.path, start, end, file.size, file.etag)


def neighbours(sizes: list[int], unit_bytes: int) -> Iterator[tuple[int, int]]:
    """(start, end) of runs of neighbours that sum to at most `unit_bytes`, or of one that is larger."""
    start = total = 0
    for i, size in enumerate(sizes):
        if i > start and total + size > unit_bytes:
            yield start, i
            start, total = i, 0
        total += size
    if start < len(sizes):
        yield start, len(sizes)


class Seen(NamedTuple):
    """Names of the fields of some records; `whole`: there are no other records."""

    names: set[str]
    records: int
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One format: exactly one of `items` and `batches` reads it.

    The records of all splits of a file are the records of the file, in order, wherever it is cut; whatever is wrong
    inside a file is a dead letter, never an error; memory is bounded by `read.max_record_bytes`.
    """

    suffixes: tuple[str, ...] = ()
    """What a folder is searched for, before the suffix of a compression; files that a path names are taken anyhow."""
    cut: Callable[[File, int, schema.Source], Iterator[Piece]] = whole
    """(file, unit_bytes, source) -> its pieces, in order. What has no readable footer is one: reading it says why."""
    items: Callable[[Split, Context], Iterator[Item]] | None = None
    """Record by record: documents, dead letters, records that are no input."""
    batches: Callable[[Split, Context], Iterator[Records]] | None = None
    """Column by column, for formats that are stored so."""
    inputs: Callable[[schema.Source], Iterator[Piece]] | None = None
    """Of a format that knows where its input lies and takes no paths; it looks itself whether a file has changed."""
    look: Callable[[Split, int, schema.Source], Seen] | None = None
    """(the split that begins a file, a number, source) -> the fields of at most so many records, without judging them:
    whether a recipe's names are spelt right. Whatever is wrong inside the file is no record. None: nobody looks."""
    holds_fields: bool = False
    """Whether a record's text is one of its fields, which a recipe names with `text`."""
    holds_pages: bool = False
    """Whether records are HTML pages, or made of some: what those are extracted with is then loaded before forking."""
    needs_paths: bool = False
    """Whether what it makes of a file depends on how the recipe names it: then `paths` travel to workers."""
    resolve: Callable[[schema.Source], schema.Source] = lambda source: source
    """Of a format that is another one with some keys filled in."""
