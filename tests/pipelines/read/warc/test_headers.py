"""HTTP heads as crawlers stored them; a body is never cut by what it holds."""

import pytest

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.warc.headers import parse_fields, parse_http, value_of

BODY = b"<html>\r\n\r\n<p>Ends: here.\n\n\r\n\r\ntail</html>"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n",
        b"HTTP/1.1 200 OK\r\nServer: x\nContent-Type: text/html\r\n\n",
        b"HTTP/1.1 200 OK\nServer: x\r\nContent-Type: text/html\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type:\r\n text/html\r\n\tX\r\n\r\n".replace(b"\r\n\tX", b""),
        b"HTTP/1.1 200 OK\r\nCONTENT-TYPE: text/html\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type : text/html \r\n \r\n",
        b"HTTP/1.1 200\r\nContent-Type: text/html\r\n\r\n",
        b"HTTP/1.1 200 \nContent-Type:text/html\n\n",
        b"HTTP/2 200\r\ncontent-type: text/html\r\n\r\n",
        b"http/1.0 200 Okay\r\nContent-Type: text/html\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n",  # no empty line
        b"HTTP/1.1 200 OK\nContent-Type: text/html\n",
        b"HTTP/1.1 200 OK\r\njunk without a colon\r\nContent-Type: text/html\r\n\r\n",
        b"HTTP/1.1 200 OK\r\r\nContent-Type: text/html\r\r\n\r\r\n",
    ],
)
def test_http__heads_of_every_writer(head):
    http = parse_http(head + BODY)
    assert (http.status, value_of(http.fields, "content-type")) == (200, "text/html")
    assert http.body == BODY


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\n\n", b"HTTP/1.1 404 Not Found"])
def test_http__nothing_but_a_status(head):
    assert parse_http(head).fields == []
    assert parse_http(head + b"\n\nNote: a text").body.endswith(b"Note: a text")


@pytest.mark.parametrize("block", [b"", b"no HTTP at all", b"<html>HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_http__no_status_line(block):
    with pytest.raises(BadRecordError, match="BrokenHttp: no status line"):
        parse_http(block)


def test_fields__folds_bytes_and_junk():
    head = "WARC/1.0\r\nA: 一\r\nB: x\r\n  y\r\nno colon\r\n: none\r\nA: 2\r\n\r\n".encode() + b"C: \xe9\r\n"
    assert parse_fields(head) == [("A", "一"), ("B", "x y"), ("A", "2"), ("C", "é")]


@pytest.mark.parametrize(
    "more", ["", "Ü: x", "No colon", "Sp ace: x", "X:\t磨 坊 ", "Y :z:z", ":", "É", "a\x0bb: c", "V: \x85w\xa0"]
)
def test_fields_alone_are_read_as_among_folded_ones(more):
    """Heads in which no line goes on with another are read in one go."""
    head = f"A: 1\r\nb-C:  two \n{more}\r\nContent-Type: text/html; a=b:c\r\n\r\n".encode()
    folded = parse_fields(b"Fold: a\r\n b\r\n" + head)
    assert folded[0] == ("Fold", "a b")
    assert parse_fields(head) == folded[1:]
    assert parse_fields(head + b"Latin: \xe9\r\n") == [*folded[1:], ("Latin", "é")]
