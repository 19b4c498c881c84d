"""WARC and WET: what is an input, HTTP, encodings, and a way on behind every kind of damage."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable

import pytest
import xxhash
import zstandard

from tests.pipelines.read.warc.records import GOOD, TEXTS, http, members, page, record

Make = Callable[..., bytes]


@pytest.mark.parametrize("kind", ["plain", "members", "one member", "zstd"])
def test_read__documents_with_address_title_and_headers(tmp_path, read_all, kind) -> None:
    data = b"".join(GOOD)
    name, data = {
        "plain": ("a.warc", data),
        "members": ("a.warc.gz", b"".join(members(GOOD))),
        "one member": ("a.warc.gz", gzip.compress(data)),
        "zstd": ("a.warc.zst", zstandard.ZstdCompressor().compress(data)),
    }[kind]
    (tmp_path / name).write_bytes(data)
    outcome = read_all("warc", tmp_path / name)
    assert outcome.texts == TEXTS
    assert [row["url"] for row in outcome.rows] == [f"http://example.org/{i}" for i in range(5)]
    raw = [f"web\0http://example.org/{i}\0".encode() + page(text) for i, text in enumerate(TEXTS)]
    assert [row["doc_id"] for row in outcome.rows] == [xxhash.xxh3_128_hexdigest(data) for data in raw]
    assert json.loads(outcome.rows[3]["meta"]) == {
        "WARC-Type": "response",
        "WARC-Record-ID": "<urn:uuid:3>",
        "Content-Type": "application/http; msgtype=response",
        "http_status": 200,
        "http_content_type": "text/html",
        "charset": "utf-8",
        "title": "Title 标题",
    }


def test_kinds__inputs_and_records_aside(tmp_path, read_all) -> None:
    kinds = ["warcinfo", "request", "metadata", "revisit", "continuation", "novelty"]
    data = [record(i, b"anything", kind) for i, kind in enumerate(kinds)]
    data += [record(7, b"A resource.", "resource"), record(8, "网页的文字。".encode(), "conversion")]
    data += [record(9, page("A page."), "resource", "text/html"), record(10, b"{}", "resource", "application/json")]
    (tmp_path / "a.warc").write_bytes(b"".join(data) + b"".join(data[:2]))
    outcome = read_all("warc", tmp_path / "a.warc")
    assert outcome.texts == ["A resource.", "网页的文字。", "A page."]
    assert outcome.dropped == ["content_type"]
    counts = {"warcinfo": 2, "request": 2, "metadata": 1, "revisit": 1, "continuation": 1, "unknown": 1}
    assert outcome.aside == {f"warc_{kind}": count for kind, count in counts.items()}


def test_wet__declared_language_of_a_header(tmp_path, read_all) -> None:
    data = record(1, "文字".encode(), "conversion", WARC_Identified_Content_Language="zho,eng")
    (tmp_path / "a.warc.wet.gz").write_bytes(gzip.compress(data))
    outcome = read_all("wet", tmp_path, language={"column": "WARC-Identified-Content-Language"})
    assert [(row["text"], row["declared_language"]) for row in outcome.rows] == [("文字", "zh")]


@pytest.mark.parametrize(
    ("status", "rule"), [("404 Not Found", "http_status"), ("301 Moved", "http_status"), ("206 Partial", "http_status")]
)
def test_status__other_than_200_is_dropped(tmp_path, read_all, status, rule) -> None:
    (tmp_path / "a.warc").write_bytes(record(1, http(page("x"), status)))
    (row,) = read_all("warc", tmp_path / "a.warc").rows
    assert (row["drop"], row["drop_step"], row["text"]) == (rule, "read", None)


def test_empty_extraction__is_dropped_by_extract(tmp_path, read_all) -> None:
    (tmp_path / "a.warc").write_bytes(record(1, http(b"<html><body><nav>Home</nav></body></html>")))
    (row,) = read_all("warc", tmp_path / "a.warc").rows
    assert (row["drop"], row["drop_step"]) == ("empty_text", "extract")


HTML, XHTML = (
    page("x"),
    b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><body><p>x</p></body></html>',
)


@pytest.mark.parametrize(
    ("identified", "served", "body", "drop"),
    [
        (None, "text/html", HTML, None),
        (None, "TEXT/HTML;charset=utf-8", HTML, None),
        (None, "application/xhtml+xml", XHTML, None),
        (None, "text/xml", XHTML, None),
        ("text/xml", "text/html", XHTML, None),
        ("application/javascript", "text/html", HTML, None),
        ("text/html", "application/pdf", HTML, None),
        (None, "application/xml", b"<?xml version='1.0'?><rss><item>x</item></rss>", "content_type"),
        (None, None, HTML, None),
        (None, None, b"  <!-- x --> <!DOCTYPE html><p>x", None),
        (None, "application/octet-stream", HTML, None),
        (None, None, b"Just words, as a server forgot to say.", None),
        (None, None, b"\x00\x01\x02\x03", "content_type"),
        (None, "text/plain", "plain 文字".encode(), None),
        (None, "text/plain", b"PK\x03\x04 and so on", "content_type"),
        (None, "text/plain", b"\x7fELF\x01\x01\x00", "content_type"),
        (None, "text/html", b"%PDF-1.5 and so on", "content_type"),
        (None, "image/png", b"\x89PNG", "content_type"),
        (None, "application/json", b"{}", "content_type"),
        ("image/jpeg", "image/jpeg", b"\xff\xd8\xff", "content_type"),
    ],
)
def test_content_type__loses_no_page_and_takes_no_picture(tmp_path, read_all, identified, served, body, drop) -> None:
    headers = {"WARC_Identified_Payload_Type": identified} if identified else {}
    (tmp_path / "a.warc").write_bytes(record(1, http(body, Content_Type=served or ""), **headers))
    (row,) = read_all("warc", tmp_path / "a.warc").rows
    assert (row["drop"], bool(row["text"])) == (drop, drop is None)


def test_a_page_that_is_served_as_plain_text_is_read_as_one(tmp_path, read_all) -> None:
    for name, body in (("a", b"<!DOCTYPE html><p>mill"), ("b", b"\n <html lang=en><p>mill"), ("c", b"a <html> tag")):
        (tmp_path / f"{name}.warc").write_bytes(record(1, http(body, Content_Type="text/plain")))
    assert read_all("warc", tmp_path).texts == ["mill", "mill", "a <html> tag"]


def test_a_page_that_is_served_as_xml_is_read_as_xml(tmp_path, read_all) -> None:
    """A browser closes `<title/>` in it; in text/html, it takes the rest of the page for the title."""
    body = b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body><p>mill</p></body></html>"
    for name, served in (("a", "application/xhtml+xml"), ("b", "text/html")):
        (tmp_path / f"{name}.warc").write_bytes(record(1, http(body, Content_Type=served)))
    outcome = read_all("warc", tmp_path)
    assert (outcome.texts, outcome.dropped) == (["mill"], ["empty_text"])


ZH = "汉字网页，含有“镕”字、€和四字节的𠀀。"  # gb2312 has no 镕, gbk no € and 𠀀


@pytest.mark.parametrize(
    ("served", "meta", "codec", "text"),
    [
        ("text/html; charset=gb2312", "", "gb18030", ZH),
        ('text/html; charset="GBK"', "", "gb18030", ZH),
        ("text/html", "<meta charset=gb2312>", "gb18030", ZH),
        ("text/html", '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "gb18030", ZH),
        ("text/html; charset=big5", "<meta charset=utf-8>", "big5", "繁體中文網頁，內容豐富。"),
        ("text/html", "<meta charset='Shift_JIS'>", "cp932", "日本語のページ①です。"),
        ("text/html", "<meta charset=euc-jp>", "euc_jis_2004", "日本語のページ①です。"),
        ("text/html; charset=iso-8859-1", "", "cp1252", "“Café” – naïve €"),
        ("text/html; charset=windows-1251", "", "cp1251", "Привет, мельница"),
        ("text/html; charset=euc-kr", "", "cp949", "물레방아가 돌아간다"),
        ("text/html; charset=nonsense", "<meta charset=gbk>", "gb18030", ZH),
        ("text/html; charset=gb2312", "", "utf-8-sig", ZH),  # the byte order mark wins over the header
        ("text/html; charset=utf-8", "", "utf-16", ZH),
        ("text/html; charset=gbk", "", "utf-8", ZH * 5),  # declared wrong, and nothing but UTF-8
        ("text/html", "<meta charset=utf-16>", "utf-8", ZH),
        ("text/html", "", "gb18030", ZH * 5),  # not declared at all
        ("text/html", "<!-- <meta charset=big5> -->", "utf-8", ZH),
    ],
)
def test_charset__as_browsers_take_it(tmp_path, read_all, served, meta, codec, text) -> None:
    body = f"<html><head>{meta}<title>t</title></head><body><p>{text}</p></body></html>".encode(codec)
    (tmp_path / "a.warc").write_bytes(record(1, http(body, Content_Type=served)))
    assert read_all("warc", tmp_path / "a.warc").texts == [text]


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


BODY = page("Encoded 编码 " * 50)
CHUNKED = b"%x\r\n" % 100 + BODY[:100] + b"\r\n%x\r\n" % (len(BODY) - 100) + BODY[100:] + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content_Encoding": "gzip"}, gzip.compress(BODY, mtime=0)),
        ({"Content_Encoding": "deflate"}, zlib.compress(BODY)),
        ({"Content_Encoding": "deflate"}, raw_deflate(BODY)),
        ({"Content_Encoding": "zstd"}, zstandard.ZstdCompressor().compress(BODY)),
        ({"Transfer_Encoding": "chunked"}, CHUNKED),
        ({"Content_Encoding": "gzip"}, BODY),  # stored decoded, header kept
        ({"Content_Encoding": "br"}, BODY),
        ({"Transfer_Encoding": "chunked"}, BODY),
        ({"Transfer_Encoding": "chunked", "Content_Encoding": "gzip"}, BODY),
        ({"Content_Encoding": "something-new"}, BODY),
    ],
)
def test_encodings__are_undone(tmp_path, read_all, headers, body) -> None:
    (tmp_path / "a.warc").write_bytes(record(1, http(body, **headers)) + GOOD[0])
    assert read_all("warc", tmp_path / "a.warc").texts == [("Encoded 编码 " * 50).strip(), TEXTS[0]]


def test_encodings__cut_off_bodies_give_what_is_there(tmp_path, read_all) -> None:
    bodies = [
        ({"Content_Encoding": "gzip"}, gzip.compress(BODY, mtime=0)[:-12]),
        ({"Transfer_Encoding": "chunked"}, CHUNKED[:-300]),
    ]
    (tmp_path / "a.warc").write_bytes(
        b"".join(record(i, http(body, **headers)) for i, (headers, body) in enumerate(bodies))
    )
    outcome = read_all("warc", tmp_path / "a.warc")
    assert len(outcome.texts) == 2
    assert all(text.startswith("Encoded 编码") for text in outcome.texts)


@pytest.mark.parametrize(
    ("block", "error"),
    [
        (b"no HTTP at all", "BrokenHttp: no status line"),
        (http(b"\x1f\x8b secret", Content_Encoding="gzip"), "BrokenHttp: the body cannot be decoded"),
        (http(gzip.compress(b"<p>" + b"secret" * 10**6, mtime=0), Content_Encoding="gzip"), "RecordTooLong"),
        (http(b"<div>" * 600 + b"secret"), "TooDeep: elements nest deeper than extract.max_depth, 512"),
    ],
)
def test_bad_payload__is_a_dead_letter_and_its_neighbours_stay(tmp_path, read_all, block, error) -> None:
    bad = record(1, block)
    data = members([GOOD[0], bad, GOOD[2]])
    (tmp_path / "a.warc.gz").write_bytes(b"".join(data))
    outcome = read_all("warc", tmp_path / "a.warc.gz", max_record_bytes=100_000)
    assert outcome.texts == [TEXTS[0], TEXTS[2]]
    (dead,) = outcome.dead
    assert dead.error.startswith(error)
    assert "secret" not in dead.error
    assert (dead.row, dead.offset) == (1, len(data[0]))


def damage(kind: str) -> bytes:
    bad = GOOD[2]
    length = b"Content-Length: "
    return {
        "garbage": b"GARBAGE\r\nfoo\r\n\r\nxx",
        "no length": bad.replace(length, b"X-Length: "),
        "length is a word": bad.replace(length, length + b"x"),
        "too short": bad.replace(length + b"1", length + b"0"),
        "too long": bad.replace(length + b"1", length + b"9"),
        "far too long": bad.replace(length, length + b"99"),
        "beyond all": bad.replace(length, length + b"999999999"),
        "cut in the header": bad[:60],
        "cut in the body": bad[:-40],
        "empty header": b"WARC/1.0\r\n\r\n",
    }[kind]


KINDS = ["garbage", "no length", "length is a word", "too short", "too long", "far too long", "beyond all"]
KINDS += ["cut in the header", "cut in the body", "empty header"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_record__costs_only_itself(tmp_path, read_all, kind, packed) -> None:
    records = [*GOOD[:2], damage(kind), *GOOD[3:]]
    name, data = ("a.warc.gz", b"".join(members(records))) if packed else ("a.warc", b"".join(records))
    (tmp_path / name).write_bytes(data)
    outcome = read_all("warc", tmp_path / name)
    assert outcome.texts == TEXTS[:2] + TEXTS[3:]
    assert len(outcome.dead) == 1
    assert outcome.dead[0].offset == len(b"".join(members(records[:2]) if packed else records[:2]))
    if not packed:
        lost = data[outcome.dead[0].offset :][: outcome.dead[0].length]
        assert outcome.dead[0].sha256 == hashlib.sha256(lost).hexdigest()
        assert lost.rstrip() == damage(kind).rstrip()


@pytest.mark.parametrize("at", [0, 5, 15, 40, -30, -9, -1])
def test_corrupt_member__costs_only_itself(tmp_path, read_all, at) -> None:
    packed = members(GOOD)
    broken = bytearray(packed[2])
    broken[at] ^= 0xFF
    (tmp_path / "a.warc.gz").write_bytes(b"".join([*packed[:2], bytes(broken), *packed[3:]]))
    outcome = read_all("warc", tmp_path / "a.warc.gz")
    assert [text for text in outcome.texts if text != TEXTS[2]] == TEXTS[:2] + TEXTS[3:]
    assert len(outcome.dead) + (TEXTS[2] in outcome.texts) >= 1


@pytest.mark.parametrize("cut", [1, 4, 9, 30, 100, 200])
@pytest.mark.parametrize("packed", [False, True])
def test_cut_file__is_told(tmp_path, read_all, cut, packed) -> None:
    """fastwarc ends such files without a word."""
    name, data = ("a.warc.gz", b"".join(members(GOOD))) if packed else ("a.warc", b"".join(GOOD))
    (tmp_path / name).write_bytes(data[:-cut])
    outcome = read_all("warc", tmp_path / name)
    assert outcome.texts[:4] == TEXTS[:4]
    if len(outcome.texts) == 5:  # only the record's separator, or the gzip trailer, is gone
        assert cut <= (9 if packed else 4)
        assert packed == bool(outcome.dead)
    else:
        assert len(outcome.dead) == 1


def test_long_record__passes_by_and_its_length_is_checked(tmp_path, read_all) -> None:
    long = record(1, http(b"<p>" + b"x" * 3_000_000))
    lie = record(2, http(b"short")).replace(b"Content-Length: ", b"Content-Length: 9999")
    for name, data in (
        ("a.warc", [GOOD[0], long, lie, GOOD[3], long, GOOD[4]]),
        ("b.warc.gz", [GOOD[0], long, lie, GOOD[3], long, GOOD[4]]),
    ):
        (tmp_path / name).write_bytes(b"".join(members(data) if name.endswith(".gz") else data))
        outcome = read_all("warc", tmp_path / name, max_record_bytes=1_000_000)
        assert outcome.texts == [TEXTS[0], TEXTS[3], TEXTS[4]]
        assert [dead.error.split(":")[0] for dead in outcome.dead] == ["RecordTooLong", "BrokenRecord", "RecordTooLong"]
        assert [len(dead.first_bytes) for dead in outcome.dead][::2] == [4096, 4096]


def test_header_lines__of_other_writers(tmp_path, read_all) -> None:
    odd = (
        GOOD[0]
        .replace(b"WARC-Record-ID", b"X: \xff\xfe\r\nno colon\r\nWARC-Record-ID")
        .replace(b"Content-Length", b"CONTENT-length")
    )
    angled = GOOD[1].replace(b"http://example.org/1", b"<http://example.org/1>")
    (tmp_path / "a.warc").write_bytes(odd + angled)
    outcome = read_all("warc", tmp_path / "a.warc")
    assert outcome.texts == TEXTS[:2]
    assert outcome.rows[1]["url"] == "http://example.org/1"


def test_sample__is_drawn_before_extraction(tmp_path, read_all) -> None:
    (tmp_path / "a.warc").write_bytes(b"".join(record(i, http(page(f"x {i}"))) for i in range(200)))
    outcome = read_all("warc", tmp_path / "a.warc", sample=0.2)
    assert 20 < len(outcome.rows) < 65
    assert outcome.aside == {"not_sampled": 200 - len(outcome.rows)}


@pytest.mark.parametrize("version", ["0.17", "0.18", "1.0", "1.1", "2.0", "2"])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_versions__and_line_ends(tmp_path, read_all, version, line_end) -> None:
    def old(data: bytes) -> bytes:
        head, _, block = data.partition(b"\r\n\r\n")
        head = head.replace(b"WARC/1.0", f"WARC/{version}".encode()).replace(b"WARC-T", b"warc-t")
        return (head + b"\r\n\r\n").replace(b"\r\n", line_end) + block[:-4] + 2 * line_end

    split = GOOD[2].replace(b"Content-Length", b"\r\nContent-Length")  # an empty line within the header
    for name, records in (("a.warc", [*GOOD[:2], GOOD[3]]), ("b.warc.gz", [*GOOD[:2], GOOD[3]])):
        data = [old(record) for record in records]
        (tmp_path / name).write_bytes(b"".join(members(data) if name.endswith("gz") else data))
        outcome = read_all("warc", tmp_path / name)
        assert outcome.texts == [*TEXTS[:2], TEXTS[3]]
        assert outcome.rows[0]["url"] == "http://example.org/0"
        assert not outcome.dead
    (tmp_path / "c.warc").write_bytes(GOOD[0] + split + GOOD[1])
    assert read_all("warc", tmp_path / "c.warc").texts == [TEXTS[0], TEXTS[2], TEXTS[1]]


@pytest.mark.parametrize("packed", [False, True])
def test_zstd__with_a_dictionary_in_a_skippable_frame(tmp_path, read_all, packed) -> None:
    samples = [record(i, http(page(f"Page {i} of the mill " + str(i * 7919) * 9))) for i in range(400)]
    dictionary = zstandard.train_dictionary(8192, samples)
    data = dictionary.as_bytes()
    data = zstandard.ZstdCompressor().compress(data) if packed else data
    frames = b"".join(zstandard.ZstdCompressor(dict_data=dictionary).compress(one) for one in GOOD)
    start = b"\x5d\x2a\x4d\x18" + len(data).to_bytes(4, "little")
    (tmp_path / "a.warc.zst").write_bytes(start + data + frames)
    assert read_all("warc", tmp_path / "a.warc.zst").texts == TEXTS
    (tmp_path / "b.warc.zst").write_bytes(frames)
    (dead,) = read_all("warc", tmp_path / "b.warc.zst").dead
    assert dead.error.startswith("MissingDictionary: ")
    bomb = zstandard.ZstdCompressor().compress(b"0" * (1 << 28))
    for head in (
        start + data[:-9],
        start[:4] + b"\xff\xff\xff\x7f",
        start[:4] + len(bomb).to_bytes(4, "little") + bomb,
    ):
        (tmp_path / "c.warc.zst").write_bytes(head)
        (dead,) = read_all("warc", tmp_path / "c.warc.zst").dead
        assert dead.error.startswith("BrokenDictionary: ")


def test_cut_body__is_told_in_meta(tmp_path, read_all) -> None:
    body = gzip.compress(BODY, mtime=0)
    whole, cut = http(body, Content_Encoding="gzip"), http(body[:-12], Content_Encoding="gzip")
    (tmp_path / "a.warc").write_bytes(record(1, whole) + record(2, cut, WARC_Truncated="length"))
    rows = [json.loads(row["meta"]) for row in read_all("warc", tmp_path / "a.warc").rows]
    assert [row.get("http_body_cut") for row in rows] == [None, True]
    assert rows[1]["WARC-Truncated"] == "length"
