"""Formats of a user's own: a function from an open file to records, each as a JSON line would hold it."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from gristmill.filters.registry import DeclaredError, line_in
from gristmill.pipelines.read.batches import Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import compression_of, open_file
from gristmill.pipelines.read.formats.json.reader import record_item
from gristmill.pipelines.read.nested import names_in
from gristmill.pipelines.read.reader import Reader, Seen
from gristmill.pipelines.read.streams import BrokenStreamError, pieces
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.dead_letters import dead_letter, too_long, unreadable
from gristmill.pipelines.records.elements import Split

RecordsOf = Callable[[IO[bytes]], Iterable[dict[str, Any]]]
"""An open file, decompressed -> its records: values that JSON knows, under the names that a recipe's `text`, `id` ...
give. The same file gives the same records, and nothing else is looked at."""


def reader_of(records_of: RecordsOf, suffixes: tuple[str, ...]) -> Reader:
    """The reader of a function. A record that JSON cannot hold, or that is too long, is a dead letter; where the
    function raises, what it gave before stays, and the rest of the file is one."""

    def read(split: Split, context: Context) -> Iterator[Item]:
        with open_file(split.path) as file:
            stream = stream_of(pieces(file, compression_of(split.path)))
            try:
                for number, record in enumerate(_records(records_of, stream)):
                    yield _item(record, number, split.path, context)
            except (MemoryError, OSError):
                raise
            except BrokenStreamError as error:
                yield unreadable(context.next_row(), split, str(error))
            except (Exception, SystemExit) as error:
                yield unreadable(context.next_row(), split, f"{_described(error, records_of)} (rest of the file)")

    def look(split: Split, records: int, source: Source) -> Seen:
        names: set[str] = set()
        try:
            with open_file(split.path) as file:
                stream = stream_of(pieces(file, compression_of(split.path)))
                for number, record in enumerate(_records(records_of, stream)):
                    if number == records:
                        return Seen(names, number, False)
                    names |= names_in(record)
        except (Exception, SystemExit):  # reading says what is wrong
            return Seen(names, len(names), False)
        return Seen(names, len(names), True)

    return Reader(suffixes=suffixes, items=read, look=look, holds_fields=True)


def _records(records_of: RecordsOf, stream: IO[bytes]) -> Iterable[dict[str, Any]]:
    found: object = records_of(stream)
    if not isinstance(found, Iterable) or isinstance(found, Mapping | str | bytes):
        raise DeclaredError(f"WrongType: the format's function gives a {type(found).__name__}, not dicts one by one")
    return found


def _described(error: BaseException, records_of: RecordsOf) -> str:
    """Type and line: a message may quote the document."""
    if isinstance(error, DeclaredError):
        return str(error)
    code = getattr(records_of, "__code__", None)
    if code is None or (line := line_in(code.co_filename, error)) is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(code.co_filename).name}:{line}"


def _item(record: dict[str, Any], number: int, path: str, context: Context) -> Item:
    if not isinstance(record, dict):
        what = f"WrongType: the format's function gives a {type(record).__name__}, not a dict"
        return dead_letter(context.next_row(), path, number, what, b"")
    try:
        data = json.dumps(record, ensure_ascii=False, sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        what = f"{type(error).__name__}: {_not_json(record)}"
        return dead_letter(context.next_row(), path, number, what, b"")
    limit = context.read.max_record_bytes
    if len(data) > limit:
        return dead_letter(context.next_row(), path, number, too_long(len(data), limit), data)
    return record_item(data, number, path, context)


def _not_json(record: dict[str, Any]) -> str:
    """Why, by the first field that JSON cannot hold: its name and type, never its value."""
    for name, value in record.items():
        try:
            json.dumps({name: value}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return f"field '{name}' holds half a character (a surrogate), which UTF-8 does not know"
        except (TypeError, ValueError, RecursionError):
            return f"field '{name}' is of the type {type(value).__name__}, which JSON does not know"
    return "its fields have names of different types"


def stream_of(source: Iterator[bytes]) -> IO[bytes]:
    """Pieces of bytes as a file to read from, once and forwards."""
    return io.BufferedReader(_Pieces(source))


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file to read from."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source, self._left = source, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            piece = next(self._source, None)
            if piece is None:
                return 0
            self._left = piece
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size
