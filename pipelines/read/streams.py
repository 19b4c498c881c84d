"""Bytes of a file, decompressed piece by piece, in bounded memory; a broken file gives all that comes before the
break."""

import io
import zlib
from collections.abc import Iterator
from typing import IO

import zstandard

RAW_BYTES = 1 << 20
"""Read at a time where nothing is decompressed."""
GZIP_BYTES = 1 << 14
"""Fed to zlib at a time: at most 1,032 times as much comes out, 17 MB."""
ZSTD_BYTES = 1 << 10
"""Fed to zstd at a time: four bytes may stand for a block of 128 KiB, so at most 33 MB come out."""
ZSTD_WINDOW_BYTES = 1 << 31
"""What `zstd --long=31` writes and libzstd reads at most; memory is taken only as far as a frame fills its window."""
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
"""Of a skippable frame at the beginning of a file, which holds the dictionary of those behind it (IIPC, .warc.zst)."""
DICTIONARY_BYTES = 1 << 25
"""Dictionaries in use have at most some hundred KB."""
NO_DICTIONARY = "the file was packed with a zstd dictionary and does not bring it in a skippable frame at its beginning"


class BrokenStreamError(Exception):
    """The file ends early or cannot be decompressed from here on; all before was delivered. `member`: see
    gzip_pieces."""

    def __init__(self, reason: str, member: int = 0):
        super().__init__(reason)
        self.member = member


def pieces(file: IO[bytes], compression: str | None) -> Iterator[bytes]:
    """The file's bytes from its position to its end, decompressed. Raises BrokenStreamError after the last good
    byte."""
    if compression == "gzip":
        return (data for _, data in gzip_pieces(file))
    if compression == "zstd":
        return _zstd_pieces(file)
    return iter(lambda: file.read(RAW_BYTES), b"")


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
        decoder = zlib.decompressobj(wbits=31)
        while not decoder.eof:
            if not pending:
                pending = file.read(GZIP_BYTES)
                end += len(pending)
                if not pending:
                    raise BrokenStreamError("EOFError: the gzip stream ends early", member)
            before = decoder.copy()
            try:
                data, error = decoder.decompress(pending), None
            except zlib.error as raised:
                data, error = _up_to_the_break(before, pending), raised
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
    if magic != DICTIONARY_MAGIC:
        file.seek(start)
        return None
    data = file.read(size) if size <= DICTIONARY_BYTES else b""
    if len(data) < size:
        raise BrokenStreamError("BrokenDictionary: the zstd dictionary at the beginning is cut off or beyond all sizes")
    if data.startswith(ZSTD_MAGIC):
        data, packed = b"", io.BytesIO(data)
        for piece in _zstd_pieces(packed):
            data += piece
            if len(data) > DICTIONARY_BYTES:
                raise BrokenStreamError("BrokenDictionary: the zstd dictionary at the beginning is beyond all sizes")
    return zstandard.ZstdCompressionDict(data)
