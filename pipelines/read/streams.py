"""Bytes of a file, decompressed piece by piece, in bounded memory; a broken file gives all that comes before the
break."""

import bz2
import codecs
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import pyarrow as pa
import zstandard

from gristmill.pipelines.read.marks import BZIP2, GZIP_DEFLATE, LZ4, WIDE_BOMS, XZ, ZSTD, ZSTD_DICTIONARY

RAW_BYTES = 1 << 20
"""Read at a time where nothing is decompressed."""
GZIP_BYTES = 1 << 14
"""Fed to zlib at a time: at most 1,032 times as much comes out, 17 MB."""
ZSTD_BYTES = 1 << 10
"""Fed to zstd at a time: four bytes may stand for a block of 128 KiB, so at most 33 MB come out."""
ZSTD_WINDOW_BYTES = 1 << 31
"""What `zstd --long=31` writes and libzstd reads at most; memory is taken only as far as a frame fills its window."""
DICTIONARY_BYTES = 1 << 25
"""Dictionaries in use have at most some hundred KB."""
NO_DICTIONARY = "the file was packed with a zstd dictionary and does not bring it in a skippable frame at its beginning"


TOLD_BYTES = 32
"""Of a file, for how it is packed and written."""
MAGIC = {
    "gzip": re.compile(re.escape(GZIP_DEFLATE)),
    "zstd": re.compile(re.escape(ZSTD) + rb"|[\x50-\x5f]" + re.escape(ZSTD_DICTIONARY[1:])),
    "bzip2": re.compile(re.escape(BZIP2) + rb"[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90)"),
    "xz": re.compile(re.escape(XZ)),
    "lz4": re.compile(re.escape(LZ4)),
}
NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
WIDE_ASCII = {
    re.compile(rb"[\t\n\r -~]\0\0\0"): "utf-32le",
    re.compile(rb"\0\0\0[\t\n\r -~]"): "utf-32be",
    re.compile(rb"[\t\n\r -~]\0(?!\0)"): "utf-16le",
    re.compile(rb"\0[\t\n\r -~]"): "utf-16be",
}
LZ4_BYTES = 1 << 16
"""Asked for at a time: what an early end costs at most."""
XZ_MEMORY_BYTES = 1 << 30
"""The largest dictionary that `xz` writes by itself has 64 MB."""
UNPACK: dict[str, Callable[[], Any]] = {
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY_BYTES),
}


class BrokenStreamError(Exception):
    """The file ends early or cannot be decompressed from here on; all before was delivered. `member`: see
    gzip_pieces."""

    def __init__(self, reason: str, member: int = 0):
        super().__init__(reason)
        self.member = member


def compression_in(file: IO[bytes], named: str | None) -> str | None:
    """How a file is packed, by its first bytes; by its name (`named`) where they are neither packed nor text."""
    start = file.tell()
    head = file.read(TOLD_BYTES)
    file.seek(start)
    for compression, magic in MAGIC.items():
        if magic.match(head):
            return compression
    return named if NO_TEXT.search(head) and not head.startswith(tuple(WIDE_BOMS)) else None


def pieces(file: IO[bytes], named: str | None) -> Iterator[bytes]:
    """The file's bytes from its position to its end, decompressed. Raises BrokenStreamError after the last good
    byte."""
    compression = compression_in(file, named)
    if compression == "gzip":
        return (data for _, data in gzip_pieces(file))
    if compression == "zstd":
        return _zstd_pieces(file)
    if compression in UNPACK:
        return _bounded_pieces(file, compression)
    if compression == "lz4":
        return _lz4_pieces(file)
    return iter(lambda: file.read(RAW_BYTES), b"")


def can_be_cut(file: IO[bytes], named: str | None) -> bool:
    """Whether lines can be found from any byte of the file on: it is not packed, and a byte of a line's end is one."""
    start = file.tell()
    wide = wide_encoding(file.read(TOLD_BYTES))
    file.seek(start)
    return wide is None and compression_in(file, named) is None


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32, by the mark that a file begins with, else by the NULs beside its first ASCII character."""
    for mark, encoding in WIDE_BOMS.items():
        if head.startswith(mark):
            return encoding
    for begins, encoding in WIDE_ASCII.items():
        if begins.match(head):
            return encoding
    return None


def as_utf8(source: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a text; of one in UTF-16 or UTF-32, as UTF-8. What is no character there is none in UTF-8, so that
    it costs its record and no other."""
    decoder: codecs.IncrementalDecoder | None = None
    for i, piece in enumerate(source):
        if i == 0 and (encoding := wide_encoding(piece)):
            decoder = codecs.getincrementaldecoder(encoding)("surrogatepass" if "16" in encoding else "replace")
        yield decoder.decode(piece).encode("utf-8", "surrogatepass") if decoder else piece
    if decoder and decoder.getstate()[0]:
        raise BrokenStreamError("EOFError: the file ends within a character")


def gzip_pieces(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """(offset of its gzip member in the file, decompressed bytes) per piece: CDX indexes address WARC records by
    member."""
    end = file.tell()  # of `pending` in the file
    pending = b""
    first = True
    while True:
        while not pending:
            pending = file.read(GZIP_BYTES)
            if not pending:
                return
            end += len(pending)
            if not first:
                pending = pending.lstrip(b"\0")  # gzip allows zero padding after a member
        first = False
        member = end - len(pending)
        decoder, begins = zlib.decompressobj(wbits=31), True
        while not decoder.eof:
            if not pending:
                pending = file.read(GZIP_BYTES)
                end += len(pending)
                if not pending:
                    raise BrokenStreamError("EOFError: the gzip stream ends early", member)
            before = None if begins else decoder.copy()
            try:
                data, error = decoder.decompress(pending), None
            except zlib.error as raised:
                data, error = _up_to_the_break(before or zlib.decompressobj(wbits=31), pending), raised
            begins = False
            if data:
                yield member, data
            if error:
                raise BrokenStreamError(f"{type(error).__name__}: {error}", member)
            pending = decoder.unused_data
        pending = pending.lstrip(b"\0")


def _up_to_the_break(decoder: "zlib._Decompress", data: bytes) -> bytes:
    """What zlib makes of the bytes before the one it fails at; in one call it would give nothing."""
    good = []
    for byte in data:
        try:
            good.append(decoder.decompress(bytes((byte,))))
        except zlib.error:
            break
    return b"".join(good)


def _bounded_pieces(file: IO[bytes], compression: str) -> Iterator[bytes]:
    """All streams of a bzip2 or xz file, with zero padding between and behind them."""
    decoder, fresh, pending = UNPACK[compression](), True, b""
    while pending or (pending := file.read(RAW_BYTES)):
        if fresh and not (pending := pending.lstrip(b"\0")):
            continue
        fresh = False
        try:
            data = decoder.decompress(pending, RAW_BYTES)
            while not decoder.eof and not decoder.needs_input:
                yield data
                data = decoder.decompress(b"", RAW_BYTES)
        except (OSError, lzma.LZMAError) as error:
            raise BrokenStreamError(f"{type(error).__name__}: the {compression} stream is damaged: {error}") from error
        if data:
            yield data
        pending = b""
        if decoder.eof:
            decoder, fresh, pending = UNPACK[compression](), True, decoder.unused_data
    if not fresh:
        raise BrokenStreamError(f"EOFError: the {compression} stream ends early")


def _lz4_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """All frames of an lz4 file."""
    with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "lz4") as stream:
        while True:
            try:
                data = stream.read(LZ4_BYTES)
            except OSError as error:
                raise BrokenStreamError(f"OSError: the lz4 stream is damaged or ends early: {error}") from error
            if not data:
                return
            yield data


def _zstd_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """All frames of a zstd file. zstandard's own stream reader ends without a word where a file is cut off."""
    decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(file), max_window_size=ZSTD_WINDOW_BYTES)
    frame = decompressor.decompressobj()
    fresh = True
    for block in iter(lambda: file.read(RAW_BYTES), b""):
        start = 0
        while start < len(block):
            fed = block[start : start + ZSTD_BYTES]
            start += len(fed)
            while fed:
                try:
                    data = frame.decompress(fed)
                except zstandard.ZstdError as error:
                    if "memory" in str(error):  # "Allocation error : not enough memory" says nothing about the file
                        raise MemoryError(f"the window of a zstd frame: {error}") from error
                    if "ictionary mismatch" in str(error):
                        raise BrokenStreamError(f"MissingDictionary: {NO_DICTIONARY}") from error
                    raise BrokenStreamError(f"ZstdError: {error}") from error
                fresh, fed = False, b""
                if data:
                    yield data
                if frame.eof:
                    fed, frame, fresh = frame.unused_data, decompressor.decompressobj(), True
    if not fresh:
        raise BrokenStreamError("EOFError: the zstd stream ends early")


def _dictionary(file: IO[bytes]) -> zstandard.ZstdCompressionDict | None:
    """The dictionary that the file begins with, which may itself be packed; None where it begins with none."""
    start = file.tell()
    magic, size = file.read(4), int.from_bytes(file.read(4), "little")
    if magic != ZSTD_DICTIONARY:
        file.seek(start)
        return None
    data = file.read(size) if size <= DICTIONARY_BYTES else b""
    if len(data) < size:
        raise BrokenStreamError("BrokenDictionary: the zstd dictionary at the beginning is cut off or beyond all sizes")
    if data.startswith(ZSTD):
        data, packed = b"", io.BytesIO(data)
        for piece in _zstd_pieces(packed):
            data += piece
            if len(data) > DICTIONARY_BYTES:
                raise BrokenStreamError("BrokenDictionary: the zstd dictionary at the beginning is beyond all sizes")
    return zstandard.ZstdCompressionDict(data)
