"""EPUB: chapters in the order of the spine, what is known of the book, locks and damage."""

import io
import json
import zipfile

import pytest

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>"""
OPF = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>磨坊  的故事</dc:title><dc:creator>Ann Mill</dc:creator>
<dc:creator>李四</dc:creator><dc:language>zh-CN</dc:language></metadata>
<manifest><item id="b" href="text/two%20.xhtml" media-type="application/xhtml+xml"/>
<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>
<item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="p" href="p.png" media-type="image/png"/></manifest>
<spine><itemref idref="nav"/><itemref idref="a"/><itemref idref="b"/><itemref idref="p"/></spine></package>"""
BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/content.opf": OPF,
    "OEBPS/text/two .xhtml": "<html><body><h1>Two</h1><p>The mill turned on.</p></body></html>",
    "OEBPS/text/one.xhtml": "<html><head><title>x</title></head><body><h1>第一章</h1><p>磨坊在河边。</p></body></html>",
    "OEBPS/nav.xhtml": "<html><body><nav>Contents</nav></body></html>",
    "OEBPS/p.png": "picture",
}


def epub(**changes: str | None) -> bytes:
    files = {**BOOK, **{name.replace("__", "/"): data for name, data in changes.items()}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            if data is not None:
                archive.writestr(name, data)
    return out.getvalue()


def test_read__a_book_is_a_document_in_the_order_of_its_spine(tmp_path, read_all) -> None:
    (tmp_path / "a.epub").write_bytes(epub())
    (row,) = read_all("epub", tmp_path, language={"column": "language"}).rows
    assert row["text"].split() == ["第一章", "磨坊在河边。", "Two", "The", "mill", "turned", "on."]
    assert row["declared_language"] == "zh"
    meta = json.loads(row["meta"])
    assert meta == {"title": "磨坊 的故事", "author": "Ann Mill; 李四", "language": "zh-CN", "chapters": 2}


LOCK = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData>
<CipherData><CipherReference URI="{}"/></CipherData></EncryptedData></encryption>"""


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"META-INF/rights.xml": "<rights/>"}, "EncryptedBook"),
        ({"META-INF/encryption.xml": LOCK.format("OEBPS/text/one.xhtml")}, "EncryptedBook"),
        ({"META-INF/container.xml": None}, "NoBook: the file has no META-INF"),
        ({"OEBPS/content.opf": None}, "NoBook: the description"),
        ({"OEBPS/content.opf": "<package"}, "ParseError: OEBPS/content.opf is no XML"),
        ({"OEBPS/text/one.xhtml": None, "OEBPS/text/two .xhtml": None}, "EmptyBook"),
        ({"OEBPS/text/one.xhtml": "长" * 40_000}, "RecordTooLong"),
    ],
)
def test_read__what_cannot_be_read_is_a_dead_letter(tmp_path, read_all, changes, error) -> None:
    (tmp_path / "a.epub").write_bytes(epub(**changes))
    (tmp_path / "b.epub").write_bytes(epub())
    outcome = read_all("epub", tmp_path, max_record_bytes=100_000)
    assert len(outcome.texts) == 1
    assert [dead.error.startswith(error) for dead in outcome.dead] == [True]
    assert outcome.dead[0].file == str(tmp_path / "a.epub")


def test_read__obfuscated_fonts_are_no_lock(tmp_path, read_all) -> None:
    (tmp_path / "a.epub").write_bytes(epub(**{"META-INF/encryption.xml": LOCK.format("OEBPS/fonts/a.otf")}))
    assert len(read_all("epub", tmp_path).texts) == 1


@pytest.mark.parametrize("data", [b"", b"PK", epub()[:-100], epub()[: len(epub()) // 2]])
def test_read__damaged_files(tmp_path, read_all, data) -> None:
    (tmp_path / "a.epub").write_bytes(data)
    outcome = read_all("epub", tmp_path)
    assert not outcome.rows
    assert len(outcome.dead) == 1


ODD = OPF.replace("text/two%20.xhtml", "Text/Two.xht#top").replace("text/one.xhtml", "./text/chapter-one?x=1")


def test_paths__of_any_case_and_suffix_with_fragments(tmp_path, read_all) -> None:
    changes = {"OEBPS/content.opf": ODD, "OEBPS/text/two .xhtml": None, "OEBPS/text/one.xhtml": None}
    (tmp_path / "a.epub").write_bytes(
        epub(
            **changes,
            **{"OEBPS/text/two.xht": BOOK["OEBPS/text/two .xhtml"], "OEBPS/text/chapter-one": "<p>磨坊在河边。</p>"},
        )
    )
    (row,) = read_all("epub", tmp_path).rows
    assert row["text"].split() == ["磨坊在河边。", "Two", "The", "mill", "turned", "on."]


def test_chapters_that_are_not_there_are_counted(tmp_path, read_all) -> None:
    (tmp_path / "a.epub").write_bytes(epub(**{"OEBPS/text/one.xhtml": None}))
    (row,) = read_all("epub", tmp_path).rows
    meta = json.loads(row["meta"])
    assert (meta["chapters"], meta["missing_chapters"]) == (1, 1)


def test_chapters_are_xml(tmp_path, read_all) -> None:
    """`<title/>`, `<script/>` and 600 anchors close themselves; a parser of HTML would lose the chapter in them."""
    anchors = "".join(f'<span id="p{i}"/><a name="q{i}" />' for i in range(600))
    chapter = (
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/><script src='a.js' /></head>"
        f"<body>{anchors}<p>磨坊<br/>在河边。</p><div/><textarea/>"
        "<p>The mill<img src='a>b.png'/> turned.</p></body></html>"
    )
    (tmp_path / "a.epub").write_bytes(epub(**{"OEBPS/text/one.xhtml": chapter, "OEBPS/text/two .xhtml": chapter}))
    (row,) = read_all("epub", tmp_path).rows
    assert row["text"] == "\n\n".join(["磨坊\n在河边。\n\nThe mill turned."] * 2)
