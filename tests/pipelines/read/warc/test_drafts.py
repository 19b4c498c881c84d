"""WARC/0.18, as ClueWeb has it: lengths that count other line ends than were written, and lines of LF alone."""

import gzip

import pytest

from tests.pipelines.read.test_streams import pack

PAGE = "<html>\n<head><title>x</title></head>\n<body>\n<p>Page {} of the mill, 第{}页。</p>\n\n</body>\n</html>"
TEXTS = [f"Page {i} of the mill, 第{i}页。" for i in range(4)]


def record(number: int, wrong_by: int, version: str = "0.18", kind: str = "response", line_end: str = "\n") -> bytes:
    block = "HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + PAGE.format(number, number) + "\n"
    block = block.replace("\n", line_end)
    head = f"WARC/{version}\nWARC-Type: {kind}\nWARC-Target-URI: http://example.org/{number}\n"
    head += f"Content-Type: application/http;msgtype=response\nContent-Length: {len(block.encode()) + wrong_by}\n\n"
    return (head + block + "\n").encode()


@pytest.mark.parametrize("wrong_by", [-60, -12, -1, 0, 1, 12, 60, 4000])
@pytest.mark.parametrize("packed", [False, True])
def test_wrong_length__ends_where_the_next_record_begins(tmp_path, read_all, wrong_by, packed) -> None:
    records = [record(0, 0), record(1, wrong_by), record(2, wrong_by), record(3, 0)]
    data = b"".join(gzip.compress(one, mtime=0) if packed else one for one in records)
    (tmp_path / "a.warc").write_bytes(data)
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == TEXTS
    assert not outcome.dead


@pytest.mark.parametrize("version", ["0.18", "1.0", "1.1"])
@pytest.mark.parametrize(("written", "counted"), [("\n", "\r\n"), ("\r\n", "\n")])
def test_line_ends__converted_on_the_way_cost_no_record(tmp_path, read_all, version, written, counted) -> None:
    lines = record(0, 0, line_end="\n").partition(b"\n\n")[2].rstrip(b"\n").count(b"\n") + 1
    by = lines if counted == "\r\n" else -lines
    records = [record(i, by, version, line_end=written) for i in range(4)]
    (tmp_path / "a.warc").write_bytes(b"".join(records))
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == TEXTS
    assert not outcome.dead


@pytest.mark.parametrize("by", [-40, 40, 5000])
def test_length__of_a_later_version_that_nothing_explains_is_a_dead_letter(tmp_path, read_all, by) -> None:
    (tmp_path / "a.warc").write_bytes(record(0, 0, "1.0") + record(1, by, "1.0") + record(2, 0, "1.0"))
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == [TEXTS[0], TEXTS[2]]
    (dead,) = outcome.dead
    assert dead.error.split(":")[0] in ("BrokenRecord", "EOFError")
    assert dead.offset == len(record(0, 0, "1.0"))


@pytest.mark.parametrize("packed", [False, True])
def test_wrong_length__of_the_last_record_that_is_longer_than_said(tmp_path, read_all, packed) -> None:
    records = [record(i, -7) for i in range(4)]
    data = b"".join(gzip.compress(one, mtime=0) if packed else one for one in records)
    (tmp_path / "a.warc").write_bytes(data)
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == TEXTS
    assert not outcome.dead


def test_cut_record__at_the_end_is_a_dead_letter(tmp_path, read_all) -> None:
    (tmp_path / "a.warc").write_bytes(record(0, 0) + record(1, 0)[:-60])
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == TEXTS[:1]
    assert len(outcome.dead) == 1


def test_mark__between_joined_files(tmp_path, read_all) -> None:
    (tmp_path / "a.warc").write_bytes(b"".join(b"\xef\xbb\xbf" + record(i, 0, "1.0") for i in range(4)))
    outcome = read_all("warc", tmp_path)
    assert outcome.texts == TEXTS
    assert not outcome.dead


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.warc.bz2", "a.warc.xz", "a.warc.zst", "a.warc.lz4"])
@pytest.mark.parametrize("packed", ["", "gzip", "bzip2", "xz", "lz4"])
def test_compression__is_told_by_content(tmp_path, read_all, name, packed) -> None:
    records = [record(i, 0, "1.1") for i in range(4)]
    data = b"".join(pack(packed, one) for one in records) if packed else b"".join(records)
    (tmp_path / name).write_bytes(data)
    assert read_all("warc", tmp_path).texts == TEXTS
