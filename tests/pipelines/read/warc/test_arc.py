"""ARC, the format before WARC: both versions, packed or not, damaged and with the line ends of another system."""

import gzip
import json

import pytest

from gristmill.pipelines.read.warc.arc import arc_head

PAGE = "<html><head><title>Mill 磨坊</title></head>\r\n<body><p>Page {} of the mill, 第{}页。</p></body></html>"
TEXTS = [f"Page {i} of the mill, 第{i}页。" for i in range(4)]


def line(version: int, url: str, kind: str, length: int) -> bytes:
    more = " 200 1QAZ2WSX - 1234 a.arc.gz" if version == 2 else ""
    return f"{url} 192.0.2.7 20010203040506 {kind}{more} {length}\n".encode()


def record(version: int, number: int, head: str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n") -> bytes:
    block = head.encode() + PAGE.format(number, number).encode()
    return line(version, f"http://example.org/{number} a", "text/html", len(block)) + block + b"\n"


def filedesc(version: int) -> bytes:
    names = "Result-code Checksum Location Offset Filename " if version == 2 else ""
    block = f"{version} 0 Mill\nURL IP-address Archive-date Content-type {names}Archive-length\n\n".encode()
    first = (
        f"filedesc://a.arc 0.0.0.0 20010203040506 text/plain{' 200 - - 0 a.arc' if version == 2 else ''} {len(block)}"
    )
    return first.encode() + b"\n" + block


def arc(version: int) -> list[bytes]:
    return [filedesc(version) + b"\n", *(record(version, i) for i in range(4))]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["a.arc", "a.arc.gz", "one.arc.gz", "a.warc.gz", "twice.arc"])
def test_arc__is_read_like_warc(tmp_path, read_all, version, name) -> None:
    records = arc(version) * (2 if name == "twice.arc" else 1)
    packed = b"".join(gzip.compress(data, mtime=0) for data in records)
    data = b"".join(records)
    (tmp_path / name).write_bytes({"a.arc.gz": packed, "one.arc.gz": gzip.compress(data)}.get(name, data))
    outcome = read_all("warc", tmp_path)
    times = 2 if name == "twice.arc" else 1
    assert outcome.texts == TEXTS * times
    assert outcome.aside == {"warc_warcinfo": times}
    assert not outcome.dead
    assert outcome.rows[1]["url"] == "http://example.org/1 a"
    meta = json.loads(outcome.rows[1]["meta"])
    assert (meta["WARC-Date"], meta["WARC-IP-Address"]) == ("2001-02-03T04:05:06Z", "192.0.2.7")
    assert (meta["http_status"], meta["title"]) == (200, "Mill 磨坊")


def test_arc__other_schemes_and_broken_http(tmp_path, read_all) -> None:
    data = filedesc(1) + b"\n" + line(1, "dns:example.org", "text/dns", 9) + b"a record\n\n" + record(1, 0, "")
    data += line(1, "ftp://example.org/a.txt", "text/plain", 10) + b"A read me.\n"
    data += line(1, "http://example.org/", "text/html", 0) + b"\n" + record(1, 1)
    (tmp_path / "a.arc").write_bytes(data)
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == ["A read me.", TEXTS[1]]
    assert outcome.dropped == ["content_type"]
    assert [dead.error for dead in outcome.dead] == ["BrokenHttp: no status line"] * 2


@pytest.mark.parametrize("packed", [False, True])
def test_arc__goes_on_behind_damage(tmp_path, read_all, packed) -> None:
    records = arc(1)
    size = len(records[2].partition(b"\n")[2]) - 1
    records[2] = records[2].replace(f" {size}\n".encode(), b" 17\n")
    data = [gzip.compress(data, mtime=0) for data in records] if packed else records
    (tmp_path / "a.arc").write_bytes(b"".join(data[:3]) + data[3] + data[4][: len(data[4]) // 2])
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == [TEXTS[0], TEXTS[2]]
    assert len(outcome.dead) == 2
    place = len(b"".join(data[:2]))
    assert (outcome.dead[0].error.split(":")[0], outcome.dead[0].offset) == ("BrokenRecord", place)


def test_arc__whose_line_ends_were_converted(tmp_path, read_all) -> None:
    (tmp_path / "a.arc").write_bytes(b"".join(arc(1)).replace(b"\r\n", b"\n"))
    assert read_all("warc", tmp_path).texts == TEXTS


def test_arc__long_record_passes_by(tmp_path, read_all) -> None:
    records = arc(2)
    block = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000
    records.insert(2, line(2, "http://example.org/long", "text/html", len(block)) + block + b"\n")
    (tmp_path / "a.arc").write_bytes(b"".join(records))
    outcome = read_all("warc", tmp_path, max_record_bytes=1_000_000)
    assert outcome.texts == TEXTS
    assert [dead.error.split(":")[0] for dead in outcome.dead] == ["RecordTooLong"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"http://a.org/ 1.1.1.1\n",
        b"http://a.org/ 1.1.1.1 20010203040506 text/html -1\n",
        b"a b c d 5\n",
        b"WARC/1.0\r\n",
    ],
)
def test_head__of_no_record(text) -> None:
    assert arc_head(text) is None


def test_head__with_blanks_and_no_type() -> None:
    found = arc_head(b"http://a.org/a b?c=d e 1.1.1.1 20010203040506 no-type 12\nrest")
    assert found is not None
    assert (found.block, b"http://a.org/a b?c=d e\r\n" in found.head) == (12, True)


@pytest.mark.parametrize("packed", [False, True])
def test_arc__whose_first_record_is_lost(tmp_path, read_all, packed) -> None:
    first, *records = [gzip.compress(data, mtime=0) if packed else data for data in arc(1)]
    broken = first[: len(first) // 2] + b"\xff" * 9 + first[len(first) // 2 + 9 :]
    (tmp_path / "a.arc").write_bytes(broken + b"".join(records))
    (tmp_path / "b.arc").write_bytes(b"".join(records))
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == TEXTS * 2
    assert len(outcome.dead) <= 1
