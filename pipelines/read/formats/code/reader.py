"""Code: each file of a folder, or of a tar or zip archive, as a document with its path, language and licence."""

import glob
import os
from collections.abc import Iterator
from functools import lru_cache

from gristmill.pipelines.errors import utf8_text
from gristmill.pipelines.read.batches import Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.texts import REPLACED
from gristmill.pipelines.read.files import compression_of, local_path, open_file
from gristmill.pipelines.read.formats.archives import BrokenArchiveError, Entry, entries, is_tar, is_zip
from gristmill.pipelines.read.formats.code.languages import PROSE, language_of
from gristmill.pipelines.read.formats.code.licences import HEAD_BYTES, LICENCE_BYTES, Licences, is_licence, spdx_in
from gristmill.pipelines.read.formats.code.unwanted import why_unwanted
from gristmill.pipelines.read.formats.whole_files import hold
from gristmill.pipelines.read.html.pages import dropped_page, page_document
from gristmill.pipelines.read.reader import Reader, Seen
from gristmill.pipelines.read.streams import pieces
from gristmill.pipelines.recipe.languages.codes import CODE
from gristmill.pipelines.records.dead_letters import Passing, unreadable
from gristmill.pipelines.records.elements import Split
from gristmill.pipelines.storage.addresses import is_remote

FIELDS = {"path", "programming_language", "license", "license_file", "license_place", "charset", REPLACED}


def read_code(split: Split, context: Context) -> Iterator[Item]:
    """The files of an archive, or the one file: documents, dropped ones (binary, vendored, generated, minified), dead
    letters."""
    limit = context.read.max_record_bytes
    if not (is_tar(split.path) or is_zip(split.path)):
        with open_file(split.path) as file:
            body, error = hold(pieces(file, compression_of(split.path)), limit)
        entry = Entry(_below(split.path, tuple(context.source.paths)), 0, body, error)
        if body or error:
            yield _item(entry, _licence_on_disk(split.path, entry.path), split, context)
        return
    try:
        licences = Licences()
        for entry in entries(split.path, split.size, LICENCE_BYTES, is_licence):
            if isinstance(entry.body, bytes) and not entry.error:
                licences.add(entry.path, entry.body)
    except BrokenArchiveError:
        pass  # said where the files are read
    try:
        for entry in entries(split.path, split.size, limit):
            if entry.body or entry.error:
                yield _item(entry, licences.nearest(entry.path), split, context)
    except BrokenArchiveError as error:
        yield unreadable(context.next_row(), split, str(error))


def _item(entry: Entry, licence: tuple[str, str | None] | None, split: Split, context: Context) -> Item:
    place = (split.path, entry.offset)
    if isinstance(entry.body, Passing):
        return entry.body.dead_letter(context.next_row(), *place, entry.error)
    record = {"path": entry.path}
    language = language_of(entry.path, entry.body)
    if language is not None:
        record["programming_language"] = language
    if own := spdx_in(entry.body[:HEAD_BYTES].decode("utf-8", "replace")):
        record["license"], record["license_place"] = own, "file"
    elif licence is not None:
        record["license_file"] = licence[0]
        if licence[1] is not None:
            record["license"] = licence[1]
    if rule := why_unwanted(entry.path, entry.body):
        return dropped_page(entry.body, record, rule, context, place)
    said = CODE if language is not None and language not in PROSE else None
    return page_document(entry.body, record, "text", context, place, said=said)


def _below(path: str, sources: tuple[str, ...]) -> str:
    """A file's path below the folder that the recipe names; its name where a pattern did."""
    for source in sources:
        folder = os.sep + local_path(source).strip("./" + os.sep) + os.sep
        if not glob.has_magic(source) and folder in path:
            return utf8_text(path.split(folder, 1)[1]).replace(os.sep, "/")
    return utf8_text(os.path.basename(path))


def _licence_on_disk(path: str, below: str) -> tuple[str, str | None] | None:
    """Of the nearest folder, not above the one that the recipe names; of files on this machine only."""
    if is_remote(path):
        return None
    folder = os.path.dirname(local_path(path))
    inside = os.path.dirname(below)
    while True:
        if found := _licence_in(folder):
            name, licence = found
            return (f"{inside}/{name}" if inside else name), licence
        if not inside:
            return None
        folder, inside = os.path.dirname(folder), os.path.dirname(inside)


@lru_cache(4096)
def _licence_in(folder: str) -> tuple[str, str | None] | None:
    licences = Licences()
    try:
        names = sorted(filter(is_licence, os.listdir(folder)))
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                licences.add(utf8_text(name), file.read(LICENCE_BYTES))
    except OSError:
        return None
    return licences.nearest("x") if names else None


READER = Reader(suffixes=("",), items=read_code, look=lambda *_: Seen(FIELDS, 1, True), needs_paths=True)
