"""Formats of a user's own: a function from an open file to records, each as a JSON line would hold it."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

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
                for number, record in enumerate(records_of(stream)):
                    yield _item(record, number, split.path, context)
            except (MemoryError, OSError):
                raise
            except BrokenStreamError as error:
                yield unreadable(context.next_row(), split, str(error))
            except Exception as error:  # its message may quote the document
                what = f"{type(error).__name__}: raised by the format's function (rest of the file)"
                yield unreadable(context.next_row(), split, what)

    def look(split: Split, records: int, source: Source) -> Seen:
        names: set[str] = set()
        try:
            with open_file(split.path) as file:
                stream = stream_of(pieces(file, compression_of(split.path)))
                for number, record in enumerate(records_of(stream)):
                    if number == records:
                        return Seen(names, number, False)
                    names |= names_in(record)
        except Exception:  # reading says what is wrong
            return Seen(names, len(names), False)
        return Seen(names, len(names), True)

    return Reader(suffixes=suffixes, items=read, look=look, holds_fields=True)


def _item(record: dict[str, Any], number: int, path: str, context: Context) -> Item:
    try:
        data = json.dumps(record, ensure_ascii=False, sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return dead_letter(context.next_row(), path, number, f"{type(error).__name__}: the record is not JSON", b"")
    limit = context.read.max_record_bytes
    if len(data) > limit:
        return dead_letter(context.next_row(), path, number, too_long(len(data), limit), data)
    return record_item(data, number, path, context)


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
