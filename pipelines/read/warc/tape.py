"""A WARC or ARC file as one run of bytes: looked into before it is consumed, with a way on behind damage."""

import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from gristmill.pipelines.read.marks import GZIP_DEFLATE
from gristmill.pipelines.read.streams import BrokenStreamError, compression_in, gzip_pieces, pieces
from gristmill.pipelines.read.warc.arc import MAX_LINE_BYTES, arc_head

WARC_MAGIC = b"WARC/"
SEARCH_BYTES = 1 << 20


class Mark(NamedTuple):
    """A place on the tape, and where what it is packed in begins: on the tape, and in the file."""

    position: int
    start: int
    stored: int


class Tape:
    """Decompressed bytes behind a position. `error` is set once the stream has broken and nothing more can come."""

    def __init__(self, file: IO[bytes], compression: str | None):
        self.position = 0
        self.error = ""
        self._file, self._compression = file, compression_in(file, compression)
        self._window = bytearray()
        self._starts: list[
            tuple[int, int]
        ] = []  # position and stored offset where each gzip member, or the file, begins
        self._broken_member = 0
        self._source = self._from(0)

    def _from(self, stored: int) -> Iterator[tuple[int, bytes]]:
        """(stored offset of the member, bytes) from a place in the file on."""
        self._file.seek(stored)
        if self._compression == "gzip":
            return gzip_pieces(self._file)
        return ((stored, piece) for piece in pieces(self._file, self._compression))

    def holds(self, count: int) -> bool:
        """Whether `count` more bytes can be had; they are then in the window."""
        while len(self._window) < count and not self.error:
            try:
                member, piece = next(self._source, (0, b""))
            except BrokenStreamError as broken:
                self.error, self._broken_member = str(broken), broken.member
                break
            if not piece:
                break
            if not self._starts or self._starts[-1][1] != member:
                self._starts.append((self.position + len(self._window), member))
            self._window += piece
        return len(self._window) >= count

    def peek(self, count: int, ahead: int = 0) -> bytes:
        """The next bytes, at most `count`; those `ahead` bytes from here."""
        self.holds(ahead + count)
        return bytes(memoryview(self._window)[ahead : ahead + count])

    def take(self, count: int) -> bytes:
        """The next bytes, at most `count`, consumed."""
        data = self.peek(count)
        del self._window[: len(data)]
        self.position += len(data)
        while len(self._starts) > 1 and self._starts[1][0] <= self.position:
            del self._starts[0]
        return data

    def place(self) -> int:
        """Where the next byte is stored: the offset of its gzip member, as in CDX indexes; else the position."""
        if self._compression != "gzip":
            return self.position
        self.holds(1)
        if not self._window:
            return self._broken_member
        while len(self._starts) > 1 and self._starts[1][0] <= self.position:
            del self._starts[0]
        return self._starts[0][1]

    def begins_member(self, ahead: int) -> bool:
        """Whether a gzip member begins `ahead` bytes from here."""
        return any(start == self.position + ahead for start, _ in self._starts)

    def mark(self, ahead: int) -> Mark:
        """The place `ahead` bytes from here, which the window holds, to come back to."""
        position = self.position + ahead
        if self._compression is None:
            return Mark(position, position, position)
        start, stored = max(start for start in self._starts if start[0] <= position)
        return Mark(position, start, stored)

    def rewind(self, mark: Mark) -> None:
        """Goes back to a place, by reading again from where its gzip member or the file begins."""
        self._starts, self._window, self.error = [], bytearray(), ""
        self.position = mark.start
        self._source = self._from(mark.stored)
        while self.position < mark.position and self.take(min(SEARCH_BYTES, mark.position - self.position)):
            pass

    def next_member(self) -> bool:
        """After an error: goes on at the next gzip member that holds a WARC record. False: there is none."""
        if self._compression != "gzip" or not self.error:
            return False
        stored = self._find_member(self._broken_member + 1)
        if stored is None:
            return False
        self.position += len(self._window)
        self._window, self._starts, self.error = bytearray(), [], ""
        self._source = self._from(stored)
        return True

    def _find_member(self, after: int) -> int | None:
        self._file.seek(after)
        data, start = self._file.read(SEARCH_BYTES), after
        while data:
            found = data.find(GZIP_DEFLATE)
            while found >= 0:
                if _opens_record(data[found : found + 4096]):
                    return start + found
                found = data.find(GZIP_DEFLATE, found + 1)
            tail = data[-4096:] if len(data) > 4096 else b""
            more = self._file.read(SEARCH_BYTES)
            start += len(data) - len(tail)
            data = tail + more if more else b""
        return None


def _opens_record(data: bytes) -> bool:
    """Whether a gzip member begins here whose content begins as a record does."""
    try:
        begun = zlib.decompressobj(wbits=31).decompress(data, MAX_LINE_BYTES)
        return begun.startswith(WARC_MAGIC) or arc_head(begun) is not None
    except zlib.error:
        return False
