"""Folders of text and of pages: a file is a document."""

import gzip
import json

import pytest

ZH = "磨坊在河边，水车转动。今天天气很好，我们去磨面粉。\n" * 4
TW = "磨坊在河邊，水車轉動。今天天氣很好，我們去磨麵粉。\n" * 4
JA = "水車小屋は川のそばにあります。今日は天気がいいです。\n" * 4
RU = "Мельница стоит у реки, колесо вращается весь день.\n" * 4


@pytest.mark.parametrize(
    ("codec", "text", "name"),
    [
        ("utf-8", ZH, "utf-8"),
        ("utf-8-sig", ZH, "utf-8"),
        ("utf-16", ZH, "utf-16le"),
        ("gb18030", ZH, "gb18030"),
        ("big5", TW, "big5"),
        ("shift_jis", JA, "shift_jis"),
        ("euc_jp", JA, "euc-jp"),
        ("cp1251", RU, "windows-1251"),
        ("ascii", "Only English.\n", "utf-8"),
    ],
)
def test_text__in_any_encoding(tmp_path, read_all, codec, text, name) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(codec))
    (row,) = read_all("text", tmp_path).rows
    assert row["text"] == text
    assert json.loads(row["meta"]) == {"file": "a.txt", "charset": name}


def test_text__folder_in_order_of_paths(tmp_path, read_all) -> None:
    names = [
        "b/two.md",
        "a.txt",
        "b/one.txt",
        "c.txt.gz",
        ".hidden.txt",
        "_SUCCESS",
        "b/picture.png",
        "_temporary/x.txt",
    ]
    for name in names:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(name.encode()) if name.endswith(".gz") else name.encode())
    outcome = read_all("text", "in")
    assert outcome.texts == ["a.txt", "b/one.txt", "b/two.md", "c.txt.gz"]
    assert outcome.units == 1
    assert [row["row"] for row in outcome.rows] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (ZH.encode().replace("水".encode(), b"\xe6"), "UndecodableText"),
        (b"\xff\xfe" + b"\x00\xd8" * 100 + ZH.encode("utf-16-le"), "UndecodableText"),
        (b"x" * 5000, "RecordTooLong: 5,000 bytes, and read.max_record_bytes is 2,000"),
    ],
)
def test_text__bad_file_is_a_dead_letter(tmp_path, read_all, data, error) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    (tmp_path / "b.txt").write_bytes(b"good")
    outcome = read_all("text", tmp_path, max_record_bytes=2000)
    assert outcome.texts == ["good"]
    (dead,) = outcome.dead
    assert dead.error.startswith(error)
    assert (dead.length, dead.file) == (len(data), str(tmp_path / "a.txt"))


def test_html__main_content_with_lines_and_lists(tmp_path, read_all) -> None:
    html = """<html><head><title>The  mill
    磨坊</title><style>p { color: red }</style></head><body><nav><a href="/">Home</a> | <a href="/b">More</a></nav>
    <main><div><div><h1>The mill</h1><p>It <b>turns</b> by <a href="/water">water</a>.<br>Day and night.</p>
    <ul><li>wheat<li>面粉</ul><img alt="a picture" src="x.png">
    <form><input value="search"></form><script>track()</script>
    <p>磨坊在河边，水车转动。</p></div></div></main><footer>Copyright</footer></body></html>"""
    (tmp_path / "a.html").write_bytes(html.encode())
    (row,) = read_all("html", tmp_path).rows
    words = ["The", "mill", "It", "turns", "by", "water.", "Day", "and", "night."]
    assert row["text"].split() == [*words, "•", "wheat", "•", "面粉", "磨坊在河边，水车转动。"]
    assert row["text"].splitlines()[2:6] == ["It turns by water.", "Day and night.", "", "• wheat"]
    assert json.loads(row["meta"]) == {"file": "a.html", "charset": "utf-8", "title": "The mill 磨坊"}


def test_html__whole_page_on_request(tmp_path, read_all) -> None:
    (tmp_path / "a.html").write_bytes(b"<body><p>Short.</p></body>")
    assert read_all("html", tmp_path / "a.html").texts == ["Short."]


def test_html__empty_page_is_dropped_and_deep_page_dead(tmp_path, read_all) -> None:
    (tmp_path / "a.html").write_bytes(b"<html><body><nav>Home</nav></body></html>")
    (tmp_path / "b.html").write_bytes(b"<div>" * 20 + b"x")
    (tmp_path / "c.html").write_bytes("<p>好的页面。</p>".encode())
    outcome = read_all("html", tmp_path, max_depth=16)
    assert outcome.texts == ["好的页面。"]
    assert (outcome.rows[0]["drop"], outcome.rows[0]["drop_step"]) == ("empty_text", "extract")
    assert [(dead.step, dead.row, dead.error) for dead in outcome.dead] == [
        ("extract", 1, "TooDeep: elements nest deeper than extract.max_depth, 16")
    ]


def test_identical_files__have_one_doc_id(tmp_path, read_all) -> None:
    for name in ("a.txt", "b.txt", "c.txt.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"same") if name.endswith("gz") else b"same")
    assert len({row["doc_id"] for row in read_all("text", tmp_path).rows}) == 1


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_text__joined_files_with_marks(tmp_path, read_all, codec) -> None:
    (tmp_path / "a.txt").write_bytes(("\ufeff" + ZH).encode(codec) * 3)
    assert read_all("text", tmp_path).texts == [ZH * 3]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [ZH, TW, JA, RU, "Only English.\n" * 3])
def test_text__wide_without_a_mark(tmp_path, read_all, codec, text) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(codec))
    assert read_all("text", tmp_path).texts == [text]
