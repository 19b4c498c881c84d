"""Compressed streams: everything before a break is delivered, and the break is told."""

import bz2
import gzip
import io
import lzma
import random
from functools import cache

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.read import streams
from gristmill.pipelines.read.streams import BrokenStreamError, as_utf8, can_be_cut, gzip_pieces, pieces

RNG = random.Random(1)
DATA = "".join(f"line {i} 第{i}行 {RNG.random()}\n" for i in range(30_000)).encode()


PACK = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lz4": lambda data: pa.Codec("lz4").compress(data, asbytes=True),
}


@cache
def pack(compression: str, data: bytes) -> bytes:
    return PACK[compression](data)


def unpack(packed: bytes, compression: str) -> tuple[bytes, str]:
    found, error = [], ""
    try:
        for piece in pieces(io.BytesIO(packed), compression):
            found.append(piece)
    except BrokenStreamError as broken:
        error = str(broken)
    return b"".join(found), error


@pytest.mark.parametrize("compression", PACK)
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


@pytest.mark.parametrize("compression", ["bzip2", "xz", "lz4"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99999])
def test_cut_file__of_coarse_blocks_is_told(compression, share) -> None:
    packed = pack(compression, DATA)
    found, error = unpack(packed[: int(len(packed) * share)], compression)
    assert DATA.startswith(found)
    assert compression in error


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("named", [None, *PACK])
def test_compression__is_told_by_the_bytes(compression, named) -> None:
    assert unpack(pack(compression, DATA), named) == (DATA, "")
    assert unpack(DATA, named) == (DATA, "")


def test_compression__of_a_beginning_that_is_no_text_is_told_by_the_name() -> None:
    broken = b"\0\0\0\0" + pack("gzip", DATA)[4:]
    assert "error" in unpack(broken, "gzip")[1]
    assert unpack(broken, None) == (broken, "")
    assert unpack(b"BZh9 is no archive", None) == (b"BZh9 is no archive", "")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_wide_text__becomes_utf8(codec, mark) -> None:
    text = mark + '{"text": "磨坊 🌾 mill"}\n' * 50
    packed = text.encode(codec)
    for size in (7, 1 << 20):
        cut = [packed[i : i + size] for i in range(0, len(packed), size)]
        assert b"".join(as_utf8(cut)) == text.encode()
    assert not can_be_cut(io.BytesIO(packed), None)
    assert can_be_cut(io.BytesIO(text.encode()), None)
    with pytest.raises(BrokenStreamError, match="ends within a character"):
        list(as_utf8([packed + b"a"]))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_damaged_file__gives_what_comes_before(compression) -> None:
    packed = bytearray(pack(compression, DATA))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
    found, error = unpack(bytes(packed), compression)
    assert len(found) >= len(DATA) * 0.2
    assert DATA[: len(DATA) // 5] == found[: len(DATA) // 5]
    assert error.split(":")[0] in {"error", "ZstdError"}


@pytest.mark.parametrize("window_log", [27, 28, 31])
def test_zstd__long_windows_are_read(window_log) -> None:
    """`zstd --long=31`, as the Reddit dumps have it, between ordinary and skippable frames."""
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    streaming = compressor.compressobj()  # without the size of the content, the frame has its full window
    long = streaming.compress(DATA) + streaming.flush()
    assert zstandard.get_frame_parameters(long).window_size == 2**window_log
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
    packed = pack("zstd", DATA[:99]) + skippable + long + skippable + pack("zstd", DATA)
    assert unpack(packed, "zstd") == (DATA[:99] + DATA + DATA, "")
    found, error = unpack(long[: len(long) // 2], "zstd")
    assert DATA.startswith(found)
    assert error == "EOFError: the zstd stream ends early"


def test_zstd__lack_of_memory_is_not_taken_for_a_damaged_file(monkeypatch) -> None:
    class Frame:
        def decompress(self, data):
            raise zstandard.ZstdError("zstd decompressor error: Allocation error : not enough memory")

    monkeypatch.setattr(streams.zstandard, "ZstdDecompressor", lambda **_: type("D", (), {"decompressobj": Frame}))
    with pytest.raises(MemoryError):
        unpack(pack("zstd", DATA), "zstd")


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
    assert unpack(b"\x1f\x8b\x00 not gzip at all", "gzip")[1]


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


@pytest.mark.parametrize("compression", PACK)
def test_bomb__comes_in_bounded_pieces(compression) -> None:
    packed = pack(compression, b"\0" * 300_000_000)
    assert max(map(len, pieces(io.BytesIO(packed), compression))) <= 34_000_000
