"""JSON: lines, cut by byte range where nothing is compressed; and files of arrays or of objects over many lines."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.batches import Document, Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.texts import REPLACED, decode_known
from gristmill.pipelines.read.fields import json_type
from gristmill.pipelines.read.files import File, compression_of, open_file
from gristmill.pipelines.read.formats.json import stream as json_stream
from gristmill.pipelines.read.formats.json.lines import explained, objects_in
from gristmill.pipelines.read.lines import Line, LostLine, lines, lines_of_split
from gristmill.pipelines.read.listing import fits
from gristmill.pipelines.read.marks import BOM, WIDE_BOMS
from gristmill.pipelines.read.nested import names_in
from gristmill.pipelines.read.reader import Piece, Reader, Seen, split_of, whole
from gristmill.pipelines.read.streams import BrokenStreamError, as_utf8, pieces
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.dead_letters import dead_letter
from gristmill.pipelines.records.elements import Split

LOOK_BYTES = 1 << 20

UNREADABLE = (ValueError, RecursionError)
"""Of JSON, of UTF-8, BadRecordError, too many digits, too deep."""

_decode = json.JSONDecoder(parse_constant=lambda name: None).decode
"""NaN and Infinity, which Python's json writes and JSON does not know, read as null."""


def read_jsonl(split: Split, context: Context) -> Iterator[Item]:
    """Each line that begins in the split: a document, or a dead letter. Blank lines are no records."""
    if has_values(split.path):
        yield from read_json(split, context)
        return
    with open_file(split.path) as file:
        found = lines_of_split(file, split, compression_of(split.path), context.read.max_record_bytes)
        yield from _documents(found, split, context)


def read_json(split: Split, context: Context) -> Iterator[Item]:
    """Each value of the file: a document, or a dead letter."""
    with open_file(split.path) as file:
        found = json_stream.values(as_utf8(pieces(file, compression_of(split.path))), context.read.max_record_bytes)
        yield from _documents(found, split, context)


def _documents(found: Iterable[Line | LostLine], split: Split, context: Context) -> Iterator[Item]:
    for line in found:
        if isinstance(line, LostLine):
            yield line.passed.dead_letter(context.next_row(), split.path, line.offset, line.error)
            continue
        data = line.data.removeprefix(BOM)  # on any line: files that begin with one are joined by `cat`
        if not data or data.isspace():
            continue
        try:
            record = parse(data)
        except UNREADABLE as error:
            yield from _not_one_object(error, data, line.offset, split.path, context)
        else:
            yield _item(record, data, line.offset, split.path, context)


def _not_one_object(error: Exception, data: bytes, offset: int, path: str, context: Context) -> Iterator[Item]:
    """Of a line, or value, that is not an object: the objects that it consists of, or a dead letter that says what is
    wrong."""
    objects = objects_in(data)
    if objects is None:
        yield dead_letter(context.next_row(offset), path, offset, explained(error), data)
        return
    for place, part in objects:
        yield record_item(part, offset + place, path, context)


def record_item(
    data: bytes, offset: int, path: str, context: Context, parsed: Callable[[bytes], dict] | None = None
) -> Item:
    """The document of one JSON object, or its dead letter; `parsed`: of a format that finds a record's fields
    otherwise."""
    try:
        record = (parsed or parse)(data)
    except UNREADABLE as error:
        return dead_letter(context.next_row(offset), path, offset, error, data)
    return _item(record, data, offset, path, context)


def _item(record: dict, data: bytes, offset: int, path: str, context: Context) -> Item:
    row = context.next_row(offset)
    try:
        text = context.fields.take_text(record)
        own_id = context.fields.take_id(record)
        url, language, typed, meta = context.fields.take_rest(record)
    except UNREADABLE as error:
        return dead_letter(row, path, offset, error, data)
    identity = context.identify(own_id, data)
    return context.not_sampled(identity) or Document(row, identity, own_id, text, url, language, len(data), meta, typed)


def parse(data: bytes) -> dict:
    """The object of one line. Raises BadRecordError, and what decoding UTF-8 and JSON raises."""
    try:
        record = _decode(data.decode())
    except ValueError as error:
        for mark, encoding in WIDE_BOMS.items():
            if data.startswith(mark):
                name = encoding.upper()[: len("UTF-16")]
                raise BadRecordError(f"WrongEncoding: {name}; JSON lines are UTF-8 (RFC 8259, section 8.1)") from None
        if not isinstance(error, UnicodeDecodeError):
            raise
        text, replaced = decode_known(data)
        record = _decode(text)
        if type(record) is dict:
            record[REPLACED] = replaced
    if type(record) is not dict:
        raise BadRecordError(f"WrongType: the record is {json_type(record)}, not an object")
    return record


def has_values(path: str) -> bool:
    """Whether a file that is called .json, as both are, holds JSON values and not lines."""
    if not fits(path, (".json",)):
        return False
    beginning = b""
    with suppress(OSError, BrokenStreamError), open_file(path) as file:
        for piece in as_utf8(pieces(file, compression_of(path))):
            beginning += piece
            if len(beginning) >= json_stream.LOOK_BYTES:
                break
    return json_stream.holds_values(beginning[: json_stream.LOOK_BYTES])


def cut(file: File, unit_bytes: int, source: Source) -> Iterator[Piece]:
    """By byte range: a line belongs to the piece in which it begins. What is compressed, or an array, is one piece."""
    if compression_of(file.path) is not None or has_values(file.path):
        yield from whole(file, unit_bytes, source)
        return
    parts = max(1, -(-file.size // unit_bytes))
    for start, end in pairwise(file.size * i // parts for i in range(parts + 1)):
        yield split_of(file, start, end), end - start


def look(split: Split, records: int, source: Source) -> Seen:
    """The keys of the first records, over about 1 MB."""
    if has_values(split.path):
        return look_json(split, records, source)
    return _look(split, records, partial(lines, offset=0, limit=LOOK_BYTES))


def look_json(split: Split, records: int, source: Source) -> Seen:
    """The keys of the first values, over about 1 MB."""
    return _look(split, records, partial(json_stream.values, limit=LOOK_BYTES))


def _look(split: Split, records: int, cut_up: Callable[[Iterator[bytes]], Iterator[Line | LostLine]]) -> Seen:
    names: set[str] = set()
    count = 0
    beginning = _Beginning()
    with suppress(OSError), open_file(split.path) as file:
        for line in cut_up(beginning.of(as_utf8(pieces(file, compression_of(split.path))))):
            if count == records:
                return Seen(names, count, False)
            if isinstance(line, Line):
                data = line.data.removeprefix(BOM)
                with suppress(*UNREADABLE):
                    names |= _names(data)
                    count += 1
    return Seen(names, count, beginning.whole)


def _names(data: bytes) -> set[str]:
    try:
        return names_in(parse(data))
    except UNREADABLE:
        if objects := objects_in(data):
            return set().union(*(names_in(parse(part)) for _, part in objects))
        raise


class _Beginning:
    """The first pieces of a stream; a line of any length must not be waited for."""

    whole = True

    def of(self, source: Iterator[bytes]) -> Iterator[bytes]:
        """Pieces of LOOK_BYTES together, and the one that goes beyond."""
        left = LOOK_BYTES
        for piece in source:
            if left <= 0:
                self.whole = False
                return
            yield piece
            left -= len(piece)


READER = Reader(suffixes=(".jsonl", ".ndjson", ".json"), cut=cut, items=read_jsonl, look=look, holds_fields=True)
JSON = replace(READER, suffixes=(".json",), cut=whole, items=read_json, look=look_json)
