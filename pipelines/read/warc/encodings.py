"""Bodies of HTTP responses without their transfer and content encodings, in bounded memory.

Crawlers store bodies as they came, or decoded with the header kept, or cut off. So the bytes decide: what does not
begin as its encoding does is taken as it is, if it is text, and of a body that is cut off what there is.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import brotli
import zstandard

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.marks import COMPRESS, GZIP, WIDE_BOMS, ZSTD
from gristmill.pipelines.records.dead_letters import too_long

ZSTD_WINDOW_BYTES = 1 << 27
CHUNK = re.compile(rb"(?:\r?\n)?([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has (WHATWG MIME sniffing, section 7.2)."""
SNIFFED_BYTES = 1445
"""As WHATWG MIME sniffing looks at."""
LEAST_BYTES = 64
"""Of text, that a body without a mark of its encoding gives before it ends or is damaged. Of 6,000 bodies of random
bytes one gives so much."""
FED_BYTES = 1 << 10
"""At a time: zstd makes at most 33 MB of so much, the others stop at the limit."""
NAMES = {"x-gzip": "gzip", "gzip": "gzip", "deflate": "deflate", "br": "br", "zstd": "zstd", "chunked": "chunked"}
NAMES |= {"compress": "compress", "x-compress": "compress"}
"""Encodings that change the bytes. `identity`, `none`, `utf-8` and unknown words say nothing."""
PADDING = b"\0\t\r\n "
DAMAGE = (zlib.error, zstandard.ZstdError, brotli.error)
CANNOT = "BrokenHttp: the body cannot be decoded as its Content-Encoding says"


class Body(NamedTuple):
    """`cut`: the body ends before its encoding does."""

    data: bytes
    cut: bool


def decoded(body: bytes, transfer: str | None, content: str | None, limit: int) -> Body:
    """The body without the encodings that the two headers name, the last one first.

    Raises BadRecordError where it is encoded and cannot be decoded, or is longer than `limit` without an encoding.
    """
    names = [NAMES[name] for name in _names(f"{content or ''},{transfer or ''}") if name in NAMES]
    cut = False
    for name in reversed(names):
        body, was_cut = _dechunked(body) if name == "chunked" else _unpacked(body, name, limit)
        cut = cut or was_cut
    if content and body.startswith(GZIP):  # packed once more than its header says
        body, was_cut = _unpacked(body, "gzip", limit)
        cut = cut or was_cut
    return Body(body, cut)


def unsaid(body: bytes, limit: int) -> Body:
    """The body of a page or text without the chunks, gzip or zstd that it is in though no header says so."""
    if CHUNK.match(body) and not (found := _dechunked(body)).cut:
        body = found.data
    return _unpacked(body, "", limit) if body.startswith((GZIP, ZSTD)) else Body(body, False)


def is_text(data: bytes) -> bool:
    """Whether the beginning of a body has no bytes that only binary files have."""
    return data.startswith(tuple(WIDE_BOMS)) or not CONTROL.search(data, 0, SNIFFED_BYTES)


def _names(header: str) -> Iterator[str]:
    return (name.strip().strip("\"'").lower() for name in header.split(","))


def _unpacked(body: bytes, name: str, limit: int) -> Body:
    """By what the bytes begin with, for headers are mixed up; by the name where the encoding has no mark of its own."""
    if body.startswith(COMPRESS):
        raise BadRecordError("BrokenHttp: the body is packed by `compress`, which is not read")
    zlib_header = len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    ways: list[Callable[[], Any]] = []
    if body.startswith(GZIP):
        ways = [lambda: zlib.decompressobj(wbits=31)]
    elif body.startswith(ZSTD):
        ways = [_Zstd]
    elif name == "br":
        ways = [_Brotli]
    elif zlib_header or name == "deflate":  # many servers send deflate without the zlib header
        ways = [lambda: zlib.decompressobj(wbits=15), lambda: zlib.decompressobj(wbits=-15)]
    for way in ways:
        found = _run(way, body, limit)
        if found is not None and not (found.cut and is_text(body)):
            return found
    if is_text(body) and not body.startswith(ZSTD):
        return Body(body, False)
    if name != "br" and (found := _run(_Brotli, body, limit)) and not found.cut:
        return found
    raise BadRecordError(CANNOT)


def _run(make: Callable[[], Any], body: bytes, limit: int) -> Body | None:
    """What a decoder makes of a body, all its members; None where it is none of its kind."""
    pieces: list[bytes] = []
    length, marked = 0, body.startswith((GZIP, ZSTD))
    decoder, rest = make(), memoryview(body)
    member: list[bytes] = []  # what of it was fed
    try:
        while len(rest):
            member.append(bytes(rest[:FED_BYTES]))
            rest = rest[FED_BYTES:]
            pieces.append(decoder.decompress(member[-1], limit + 1 - length))
            length += len(pieces[-1])
            if length > limit:
                raise BadRecordError(f"{too_long(length, limit)} (decoded, at least)")
            if decoder.eof:
                rest = memoryview(decoder.unused_data + bytes(rest))
                if bytes(rest[:2]) != body[:2]:  # without a checksum, damage may look like the end
                    cut = not marked and bool(bytes(rest).strip(PADDING))
                    return _likely(b"".join(pieces), cut, marked)
                decoder, member = make(), []
    except DAMAGE:
        pieces.append(_up_to_the_damage(make(), member, limit + 1 - length))
        return _likely(b"".join(pieces), True, marked)
    return _likely(b"".join(pieces), not decoder.eof, marked)


def _likely(data: bytes, cut: bool, marked: bool) -> Body | None:
    """What was decoded. None for what ended in no order and is nothing, or is there by chance: of an encoding without a
    mark (br, deflate)."""
    by_chance = not marked and (len(data) < LEAST_BYTES or not is_text(data))
    return None if cut and (by_chance or not data) else Body(data, cut)


def _up_to_the_damage(decoder: Any, member: list[bytes], most: int) -> bytes:
    """What a decoder makes of the last bytes that were fed, before the one that it fails at; a wrong checksum costs
    nothing so, as in browsers."""
    for fed in member[:-1]:
        decoder.decompress(fed, 1 << 40)
    good: list[bytes] = []
    with suppress(*DAMAGE):
        for byte in member[-1]:
            good.append(decoder.decompress(bytes((byte,)), most))
    return b"".join(good)[:most]


class _Brotli:
    """brotli's decoder, with the names that zlib's has."""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()
        self.unused_data = b""  # it fails at what follows

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    def decompress(self, data: bytes, most: int) -> bytes:
        return bytes(self._decoder.process(data, output_buffer_limit=most))


class _Zstd:
    """zstd's decoder, likewise."""

    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).decompressobj()

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data)

    def decompress(self, data: bytes, most: int) -> bytes:
        return bytes(self._decoder.decompress(data))


def _dechunked(body: bytes) -> Body:
    """The chunks that are there (RFC 9112, section 7.1); the body itself where it does not begin with one."""
    chunks: list[bytes] = []
    at = 0
    while size := CHUNK.match(body, at):
        length = int(size[1], 16)
        end = min(size.end() + length, len(body) + 1)  # behind the body, where it is cut
        if not chunks and end < len(body) and not body.startswith((b"\r\n", b"\n"), end):
            return Body(body, False)  # a text that begins with a number
        chunks.append(body[size.end() : end])
        at = end
        if not length:
            return Body(b"".join(chunks), False) if chunks or not body[end:].strip() else Body(body, False)
    return Body(b"".join(chunks), True) if chunks else Body(body, False)
