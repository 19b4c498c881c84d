"""Values of a JSON file one after another, in bounded memory: the elements of an array, or objects that simply follow
each other, on one line or laid out over many."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from gristmill.pipelines.read.lines import Line, LostLine
from gristmill.pipelines.read.marks import BOM
from gristmill.pipelines.read.streams import BrokenStreamError
from gristmill.pipelines.records.dead_letters import Passing, too_long

LOOK_BYTES = 1 << 16
"""From which a file's layout is told."""
NEAR_THE_END = 16
"""A parser that stops so many bytes before the end may have met half a word, number or escape."""
WINDOW_BYTES, KEY_BYTES = 256, 256
"""Of a damaged value, looked at first, and twice as many each time: where brackets never close, the next value begins
soon. Of the beginning of the next one, looked at beyond."""
NOT_CLOSED = "EOFError: the file ends inside of an array that is not closed; whatever followed is lost"

_BETWEEN = re.compile(rb"[\s,]*")
_SCALAR = re.compile(rb'[^\s,\[\]{}"]+')
_TOKEN = re.compile(rb'["\\{}\[\]]')
_FIRST_KEY = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*"\s*:)', re.DOTALL)
# latin-1 gives a character a byte: positions are those of the file, and bytes that are no UTF-8 cost their value only.
_scan = json.JSONDecoder().raw_decode


def holds_values(beginning: bytes) -> bool:
    """Whether a file that begins so holds JSON values, rather than JSON lines: an array, or an object that goes on
    beyond its line (or shares it) where no other line is an object by itself."""
    data = beginning.removeprefix(BOM).lstrip()
    if data[:1] == b"[":
        return True
    if data[:1] != b"{":
        return False
    return not any(line.startswith(b"{") and _is_object(line) for line in data.split(b"\n"))


def _is_object(line: bytes) -> bool:
    try:
        json.loads(line.decode("latin-1"))
    except (ValueError, RecursionError):
        return False
    return True


def values(pieces: Iterable[bytes], limit: int) -> Iterator[Line | LostLine]:
    """Each value of the stream with its place and bytes; what is no JSON is handed on as it is.

    A value of more than `limit` bytes is not held. After a value that is no JSON the next begins behind the bracket
    that closes it, or where an object begins with the same key as the first of the file, whichever comes first: one
    lost quotation mark costs one record. A broken stream, and an array that is not closed, end with one LostLine.
    """
    source = _Source(iter(pieces))
    source.skip(BOM)
    in_array = False
    key: re.Pattern[bytes] | None = None
    while True:
        source.skip_all(_BETWEEN)
        mark = source.peek()
        if mark == b"":
            break
        if mark == b"]" or (mark == b"[" and not in_array):
            in_array = mark == b"["
            source.take(1)
            continue
        start = source.offset
        found = source.value(limit, key)
        if isinstance(found, bytes):
            yield Line(start, found)
            key = key or _first_key(found)
        else:
            yield LostLine(start, found, source.error if source.broke_in_value else too_long(found.length, limit))
        if source.broke_in_value:
            return
    if source.error or in_array:
        yield LostLine(source.offset, Passing(), source.error or NOT_CLOSED)


def _first_key(value: bytes) -> re.Pattern[bytes] | None:
    """What begins an object like this one, behind a comma, a bracket or the end of a line."""
    found = _FIRST_KEY.match(value)
    return re.compile(rb"[\]},\[\n]\s*(?=\{\s*" + re.escape(found[1]) + rb")") if found else None


class _Source:
    """Bytes of a stream from `offset` on, as far as they are needed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held, self._text, self._at = b"", "", 0
        self._ended = False
        self.offset = 0
        self.error = ""
        self.broke_in_value = False

    def peek(self) -> bytes:
        """The next byte; none at the end."""
        if self._at == len(self._held):
            self._more(1)
        return self._held[self._at : self._at + 1]

    def take(self, length: int) -> bytes:
        """The next bytes, which are held."""
        data = self._held[self._at : self._at + length]
        self._at += length
        self.offset += length
        return data

    def skip(self, prefix: bytes) -> None:
        """Passes by a prefix, where it is there."""
        self._more(len(prefix))
        if self._held.startswith(prefix):
            self.take(len(prefix))

    def skip_all(self, pattern: re.Pattern[bytes]) -> None:
        """Passes by all that the pattern matches, over pieces."""
        while self.peek() and (found := pattern.match(self._held, self._at)) and found.end() > self._at:
            self.take(found.end() - self._at)

    def value(self, limit: int, key: re.Pattern[bytes] | None) -> bytes | Passing:
        """The value that begins here: its bytes, or what passed of one that is too long, or that a broken stream cut
        off."""
        if self.peek() not in b'{["':
            return self._scalar(limit)
        while True:
            try:
                end = _scan(self._text, self._at)[1] - self._at
            except (ValueError, RecursionError) as error:
                length = len(self._held) - self._at
                if _is_half(error, len(self._held)) and length <= limit and self._more(length):
                    continue
                return self._damaged(limit, key)
            return self.take(end) if end <= limit else Passing(self.take(end))

    def _scalar(self, limit: int) -> bytes | Passing:
        data = b""
        while self.peek() and len(data) <= limit and (found := _SCALAR.match(self._held, self._at)):
            data += self.take(found.end() - self._at)
        return data or self.take(1)

    def _damaged(self, limit: int, key: re.Pattern[bytes] | None) -> bytes | Passing:
        """A value that is no JSON, or longer than the limit: to the bracket that closes it, or to the next object."""
        if self._at > LOOK_BYTES:  # an error counts the lines before it, from where the text begins
            self._held, self._text, self._at = self._held[self._at :], self._text[self._at :], 0
        brackets = _Brackets()
        data, passed = b"", None
        window = WINDOW_BYTES
        while self.peek():
            stop = min(len(self._held), self._at + window)
            end = brackets.close(self._held, self._at, stop)
            ahead = end if end >= 0 else stop + KEY_BYTES
            if key is not None and (found := key.search(self._held, self._at + 1, ahead)) and found.start() < stop:
                end = found.end()
            part = self.take((end if end >= 0 else stop) - self._at)
            window *= 2
            if passed is not None:
                passed.feed(part)
            elif len(data) + len(part) > limit:
                passed, data = Passing(data + part), b""
            else:
                data += part
            if end >= 0:
                break
        else:
            self.broke_in_value = bool(self.error)
        if self.broke_in_value:
            return passed or Passing(data)
        return passed or data.rstrip(b" \t\r\n,")

    def _more(self, wanted: int) -> bool:
        """Reads on by at least so many bytes: what is held doubles, so that a value is looked at in linear time."""
        new, length = [], 0
        while length < wanted and not self._ended:
            try:
                piece = next(self._pieces, None)
            except BrokenStreamError as error:
                piece, self.error = None, str(error)
            self._ended = piece is None
            if piece:
                new.append(piece)
                length += len(piece)
        if new:
            self._held, self._at = b"".join(chain((self._held[self._at :],), new)), 0
            self._text = self._held.decode("latin-1")
        return bool(new)


def _is_half(error: Exception, length: int) -> bool:
    """Whether a parser stopped because it has not seen the rest of a value."""
    return isinstance(error, json.JSONDecodeError) and (
        error.msg.startswith("Unterminated string") or error.pos >= length - NEAR_THE_END
    )


class _Brackets:
    """Brackets outside of strings, over pieces."""

    def __init__(self) -> None:
        self._depth, self._in_string, self._escaped = 0, False, False

    def close(self, piece: bytes, start: int, stop: int) -> int:
        """Where in piece[start:stop] the first bracket is closed, behind it; -1: not there."""
        escaped_at = start if self._escaped else -1
        for found in _TOKEN.finditer(piece, start, stop):
            mark, at = found[0], found.start()
            if at == escaped_at:
                continue
            if self._in_string:
                if mark == b"\\":
                    escaped_at = at + 1
                self._in_string = mark != b'"'
            elif mark == b'"':
                self._in_string = True
            elif mark != b"\\":
                self._depth += 1 if mark in b"{[" else -1
                if self._depth == 0:
                    return found.end()
        self._escaped = escaped_at == stop
        return -1
