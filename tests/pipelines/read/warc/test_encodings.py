"""Bodies decoded as their headers say, and as they are where the crawler had decoded them; bounded in any case."""

import gzip
import random
import tracemalloc
import zlib

import brotli
import pytest
import zstandard

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.warc.encodings import decoded, unsaid

LIMIT = 1 << 20
TEXT = ("Encoded 编码 — the old mill. " * 300).encode()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def chunked(data: bytes, end: bytes = b"\r\n", extension: bytes = b"") -> bytes:
    pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    return b"".join(b"%X%s%s%s%s" % (len(piece), extension, end, piece, end) for piece in pieces) + b"0" + end + end


PACK = {
    "gzip": gzip.compress,
    "x-gzip": lambda data: gzip.compress(data[:500]) + gzip.compress(data[500:]),
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("name", PACK)
def test_content_encoding__undone_or_stored_decoded(name):
    assert decoded(PACK[name](TEXT), None, name, LIMIT) == (TEXT, False)
    for body in (TEXT, b"x", b"", TEXT[:40], "是".encode() * 500, b"h 1: a text", "\ufeffab".encode("utf-16-le")):
        assert decoded(body, None, name, LIMIT) == (body, False)
        assert decoded(body, "chunked", f" {name.upper()} ", LIMIT) == (body, False)


@pytest.mark.parametrize("name", PACK)
def test_encodings__several_in_a_row(name):
    twice = PACK[name](gzip.compress(TEXT))
    assert decoded(twice, None, f"gzip, {name}", LIMIT).data == TEXT
    assert decoded(chunked(twice), "chunked", f"gzip,{name}", LIMIT).data == TEXT
    assert decoded(chunked(PACK[name](TEXT)), f"{name}, chunked", None, LIMIT).data == TEXT
    assert decoded(gzip.compress(gzip.compress(TEXT)), None, "gzip", LIMIT).data == TEXT


@pytest.mark.parametrize("name", ["identity", "none", "utf-8", "UTF-8", "something-new", "", ",", "binary", "8bit"])
def test_words__that_encode_nothing(name):
    assert decoded(TEXT, name, name, LIMIT) == (TEXT, False)


def test_gzip__said_to_be_something_else():
    assert decoded(gzip.compress(TEXT), None, "deflate", LIMIT).data == TEXT
    assert decoded(zlib.compress(TEXT), None, "gzip", LIMIT).data == TEXT
    assert decoded(gzip.compress(TEXT), None, "utf-8", LIMIT).data == TEXT


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_chunks(end):
    assert decoded(chunked(TEXT, end, b" ; a=b"), "chunked", None, LIMIT) == (TEXT, False)
    text = b"2024\r\nIn the year 2024, a text that begins with a number. " * 300
    assert decoded(text, "chunked", None, LIMIT) == (text, False)


@pytest.mark.parametrize("name", PACK)
def test_cut__gives_what_is_there_and_says_so(name):
    noise = random.Random(0).choices(range(33, 127), k=600_000)  # zstd gives whole blocks of 128 KiB only
    body = PACK[name](bytes(noise))
    data, cut = decoded(body[: len(body) * 3 // 4], None, name, LIMIT)
    assert cut
    assert len(data) > 50
    data, cut = decoded(chunked(TEXT)[:2500], "chunked", None, LIMIT)
    assert cut
    assert TEXT.startswith(data)
    assert len(data) > 2400


@pytest.mark.parametrize("name", PACK)
def test_nothing__packed_is_nothing(name):
    assert decoded(PACK[name](b""), None, name, LIMIT) == (b"", False)
    if name in ("gzip", "deflate"):
        assert decoded(PACK[name](b"") + b"\r\n", None, name, LIMIT) == (b"", False)


@pytest.mark.parametrize("name", PACK)
def test_bombs__stop_at_the_limit_in_bounded_memory(name):
    bomb = PACK[name](b"0" * 60_000_000)
    tracemalloc.start()
    with pytest.raises(BadRecordError, match="RecordTooLong"):
        decoded(bomb, None, name, LIMIT)
    assert tracemalloc.get_traced_memory()[1] < 80_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\x1f\x8b secret", "gzip"),
        (b"\x1f\x9d\x90 secret", "compress"),
        (b"\0\1\2 secret" * 9, "deflate"),
        (b"\xff\x00\x11 secret" * 9, "br"),
        (b"\x28\xb5\x2f\xfd secret", "zstd"),
    ],
)
def test_neither__is_an_error_without_a_word_of_it(body, name):
    with pytest.raises(BadRecordError, match="BrokenHttp: the body") as raised:
        decoded(body, None, name, LIMIT)
    assert "secret" not in str(raised.value)


def test_unsaid__chunks_and_packing():
    for body in (chunked(TEXT), gzip.compress(TEXT), PACK["zstd"](TEXT), chunked(gzip.compress(TEXT))):
        assert unsaid(body, LIMIT) == (TEXT, False)
    for body in (
        TEXT,
        b"",
        b"2024\r\nA text.",
        b"5\r\nabcde\r\nand more",
        b"<html>",
        b"0 is a number\r\n",
        b"0\r\nand text",
    ):
        assert unsaid(body, LIMIT) == (body, False)
    assert decoded(b"0\r\nand text", "chunked", None, LIMIT) == (b"0\r\nand text", False)
    assert decoded(b"0\r\n\r\n", "chunked", None, LIMIT) == (b"", False)
    assert decoded(b"ffffffffffffffff\r\n" + TEXT, "chunked", None, LIMIT) == (TEXT, True)


def test_brotli__said_to_be_something_else():
    for name in ("gzip", "deflate", "zstd"):
        assert decoded(brotli.compress(TEXT), None, name, LIMIT) == (TEXT, False)


@pytest.mark.parametrize("name", ["gzip", "deflate", "Deflate", "br"])
@pytest.mark.parametrize("place", [0.5, 0.9])
def test_damage__what_comes_before_it_is_kept(place, name):
    text = random.Random(1).randbytes(20_000).hex().encode()
    packed = bytearray(PACK[name](text))
    at = int(len(packed) * place)
    end = len(packed) if name == "br" else at + 40  # which has no checksum: a few wrong bytes are wrong letters
    packed[at:end] = b"\xff" * (end - at)
    found = decoded(bytes(packed), None, name, LIMIT)
    assert found.cut
    assert len(found.data) > (place - 0.1) * len(text)
    assert found.data[:1000] == text[:1000]


def test_damage__a_wrong_checksum_costs_nothing():
    packed = bytearray(gzip.compress(TEXT))
    packed[-6] ^= 1
    assert decoded(bytes(packed), None, "gzip", LIMIT) == (TEXT, True)


@pytest.mark.parametrize("name", ["deflate", "br"])
def test_damage__bytes_of_no_encoding_give_no_text(name):
    made = random.Random(2)
    for body in (made.randbytes(3000) for _ in range(300)):
        with pytest.raises(BadRecordError, match="BrokenHttp: the body"):
            decoded(b"\0" + body, None, name, LIMIT)
