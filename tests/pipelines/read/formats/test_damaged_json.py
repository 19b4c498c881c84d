"""Damaged JSON of any size and shape costs linear time, as values and as lines."""

import time

import pytest

from gristmill.pipelines.read.formats.json.lines import explained, objects_in
from gristmill.pipelines.read.formats.json.reader import UNREADABLE, parse
from gristmill.pipelines.read.formats.json.stream import values

LIMIT, PIECE = 16 * 2**20, 1 << 20
GOOD = b'{"text": "a"}\n'
SHAPES = {
    "string not closed": (b'{"text": "', b"x"),
    "string not closed, of escapes": (b'{"text": "', b'\\"'),
    "string not closed, of backslashes": (b'{"text": "', b"\\\\"),
    "array not closed": (b"[", b'{"text": "a"},'),
    "arrays in arrays": (b"", b"["),
    "objects in objects": (b"", b'{"a":'),
    "brackets that open": (GOOD, b"{"),
    "brackets that close": (GOOD, b"]}"),
    "commas": (GOOD, b","),
    "separators": (GOOD, b"\x1e"),
    "quotation marks": (GOOD, b'"'),
    "lost quotation marks": (GOOD, b'{"text": "a}'),
    "records without commas": (GOOD, b'{"text": "a" "b"}'),
    "records joined": (GOOD, b'{"text": "a"}'),
    "records joined, with bad bytes": (b"", b'{"text": "\xff"}'),
    "records that end early": (GOOD, b'{"text": "a", '),
    "records of numbers": (GOOD, b"-1e9 "),
    "long numbers": (b'{"n": ', b"9"),
    "words": (GOOD, b"nul"),
    "white space": (GOOD, b" "),
    "Chinese": (b'{"text": "', "磨坊".encode()),
    "lines in a string": (b'{"text": "', b"a\n"),
}


def of_values(data: bytes) -> None:
    for line in values((data[at : at + PIECE] for at in range(0, len(data), PIECE)), LIMIT):
        of_line(getattr(line, "data", b""))


def of_line(data: bytes) -> None:
    try:
        parse(data)
    except UNREADABLE as error:
        if objects_in(data) is None:
            explained(error)


def seconds(work, data: bytes) -> float:
    began = time.process_time()
    work(data)
    return time.process_time() - began


@pytest.mark.linear
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("work", [of_values, of_line])
def test_damaged__eight_times_the_bytes_take_as_much_more_time(shape, work):
    start, piece = SHAPES[shape]
    small, large = (start + piece * (size // len(piece)) for size in (100_000, 800_000))
    once = seconds(work, small)
    assert once < 5
    assert seconds(work, large) < 3 * 8 * max(once, 0.02)


@pytest.mark.linear
@pytest.mark.parametrize("shape", ["string not closed", "objects in objects", "records joined", "Chinese"])
def test_damaged__ten_and_fifty_megabytes(shape):
    start, piece = SHAPES[shape]
    one, ten, fifty = (start + piece * (size // len(piece)) for size in (10**6, 10**7, 5 * 10**7))
    once = max(seconds(of_values, one), 0.05)
    assert seconds(of_values, ten) < 3 * 10 * once
    assert seconds(of_values, fifty) < 3 * 50 * once
