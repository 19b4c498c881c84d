"""Lines of a byte range in bounded memory: a line of any length is either held whole or passed by."""

from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from gristmill.pipelines.read.streams import RAW_BYTES, BrokenStreamError, as_utf8, can_be_cut, pieces
from gristmill.pipelines.records.dead_letters import Passing, too_long
from gristmill.pipelines.records.elements import Split


class Line(NamedTuple):
    """A line without its end; `offset` is its first byte in the (decompressed) file."""

    offset: int
    data: bytes


class LostLine(NamedTuple):
    """A line that was not held: too long, or the stream broke in it (then it stands for the rest of the file)."""

    offset: int
    passed: Passing
    error: str


def lines(pieces: Iterable[bytes], offset: int, limit: int) -> Iterator[Line | LostLine]:
    """Lines of a stream that begins at `offset`; ends are LF or CR LF, the last line needs none.

    Lines of more than `limit` bytes are not held. A broken stream ends with one LostLine.
    """
    rest = b""
    passing: Passing | None = None  # the line at `offset`, where it is too long to hold
    error = ""
    source = iter(pieces)
    while True:
        try:
            piece = next(source, b"")
        except BrokenStreamError as broken:
            error = str(broken)
            break
        if not piece:
            break
        if passing:
            head, newline, piece = piece.partition(b"\n")
            passing.feed(head)
            if not newline:
                continue
            yield LostLine(offset, passing, too_long(passing.length, limit))
            offset += passing.length + 1
            passing = None
        found = (rest + piece if rest else piece).split(b"\n")
        rest = found.pop()
        for data in found:
            if len(data) > limit:
                yield LostLine(offset, Passing(data), too_long(len(data), limit))
            else:
                yield Line(offset, data[:-1] if data[-1:] == b"\r" else data)
            offset += len(data) + 1
        if len(rest) > limit:
            passing, rest = Passing(rest), b""
    if error:
        yield LostLine(offset, passing or Passing(rest), error)
    elif passing:
        yield LostLine(offset, passing, too_long(passing.length, limit))
    elif rest:
        yield Line(offset, rest.removesuffix(b"\r"))


def lines_of_split(file: IO[bytes], split: Split, named: str | None, limit: int) -> Iterator[Line | LostLine]:
    """The lines that begin in a split. Of a file that cannot be cut, whatever its name says (`named`: how it is
    packed), the split that begins it has all lines, as UTF-8."""
    if can_be_cut(file, named):
        return lines_of_range(file, split.start, split.end, limit)
    return lines(as_utf8(pieces(file, named)), 0, limit) if split.start == 0 else iter(())


def lines_of_range(file: IO[bytes], start: int, end: int, limit: int) -> Iterator[Line | LostLine]:
    """The lines that begin in bytes [start, end) of an uncompressed file; ranges that meet give each line once."""
    first = start
    if start:
        file.seek(start - 1)
        first = _next_line(file, start - 1, end)
    if first >= end:
        return
    file.seek(first)
    for line in lines(iter(lambda: file.read(RAW_BYTES), b""), first, limit):
        if line.offset >= end:
            return
        yield line


def _next_line(file: IO[bytes], position: int, end: int) -> int:
    """Where the first line after `position` begins; `end` when none begins before it."""
    while position < end:
        piece = file.read(min(RAW_BYTES, end - position))
        if not piece:
            break
        found = piece.find(b"\n")
        if found >= 0:
            return position + found + 1
        position += len(piece)
    return end
