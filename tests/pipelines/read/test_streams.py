"""Compressed streams: everything before a break is delivered, and the break is told."""

import gzip
import io
import random

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.read import streams
from pipelines.read.streams import BrokenStreamError, gzip_pieces, pieces

RNG = random.Random(1)
DATA = "".join(f"line {i} 第{i}行 {RNG.random()}\n" for i in range(30_000)).encode()


def pack(compression: str, data: bytes) -> bytes:
    return gzip.compress(data, mtime=0) if compression == "gzip" else zstandard.ZstdCompressor().compress(data)


def unpack(packed: bytes, compression: str) -> tuple[bytes, str]:
    found, error = [], ""
    try:
        for piece in pieces(io.BytesIO(packed), compression):
            found.append(piece)
    except BrokenStreamError as broken:
        error = str(broken)
    return b"".join(found), error


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_whole_file__in_one_or_more_members(compression) -> None:
    parts = [DATA[:100], b"", DATA[100:5000], DATA[5000:]]
    packed = b"".join(pack(compression, part) for part in parts)
    assert unpack(packed, compression) == (DATA, "")
    assert unpack(b"", compression) == (b"", "")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.9, 0.99999])
def test_cut_file__gives_what_is_there(compression, share) -> None:
    packed = pack(compression, DATA)
    found, error = unpack(packed[: int(len(packed) * share)], compression)
    assert DATA.startswith(found)
    assert len(found) >= len(DATA) * (share - 0.25)
    assert error == f"EOFError: the {compression} stream ends early"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_damaged_file__gives_what_comes_before(compression) -> None:
    packed = bytearray(pack(compression, DATA))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
    found, error = unpack(bytes(packed), compression)
    assert len(found) >= len(DATA) * 0.2
    assert DATA[: len(DATA) // 5] == found[: len(DATA) // 5]
    assert error.split(":")[0] in {"error", "ZstdError"}


def test_gzip__a_wrong_checksum_costs_no_data() -> None:
    packed = bytearray(pack("gzip", DATA))
    packed[-6] ^= 1
    found, error = unpack(bytes(packed), "gzip")
    assert found == DATA
    assert "incorrect data check" in error


def test_gzip__padding_is_no_damage_and_garbage_is() -> None:
    assert unpack(pack("gzip", DATA) + b"\0" * 70_000, "gzip") == (DATA, "")
    assert unpack(pack("gzip", DATA) + b"\0\0trailing", "gzip")[0] == DATA
    assert unpack(pack("gzip", DATA) + b"\0\0trailing", "gzip")[1]
    assert unpack(b"not gzip at all", "gzip")[1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=12), st.integers(1, 300))
def test_gzip__members_are_told_by_their_offset(parts, read_bytes) -> None:
    packed = [pack("gzip", part) for part in parts]
    offsets = [sum(map(len, packed[:i])) for i in range(len(packed))]
    before = streams.GZIP_BYTES
    streams.GZIP_BYTES = read_bytes
    try:
        found: dict[int, bytes] = {}
        for member, data in gzip_pieces(io.BytesIO(b"".join(packed))):
            found[member] = found.get(member, b"") + data
    finally:
        streams.GZIP_BYTES = before
    assert found == {offset: part for offset, part in zip(offsets, parts, strict=True) if part}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_bomb__comes_in_bounded_pieces(compression) -> None:
    packed = pack(compression, b"\0" * 300_000_000)
    assert max(map(len, pieces(io.BytesIO(packed), compression))) <= 34_000_000
