"""One policy for all formats: a stray byte costs a character, many of them the record, and no other record."""

import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ZH = "水磨坊坐落在河边，每年秋天为全村人磨小麦。磨坊主人说，今年的雨水比往年多，所以磨盘转得更快。"
FR = "Où était-il passé, ce meunier à l'âme légère, né près de la forêt ? Il fût là, à côté du blé."
EN = "The mill stood by the river and ground the corn of the whole valley, year after year. " * 15
TEXTS = {"zh": ZH, "fr": FR, "en": EN}


def damaged(text: str, stray: int) -> bytes:
    """UTF-8 with some bytes FF in it."""
    data = text.encode()
    for _ in range(stray):
        middle = data.index(b" " if b" " in data[len(data) // 2 :] else "，".encode(), len(data) // 2)
        data = data[:middle] + b"\xff" + data[middle:]
    return data


def epub(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as book:
        book.writestr(
            "META-INF/container.xml",
            "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>"
            "<rootfile full-path='a.opf'/></rootfiles></container>",
        )
        book.writestr(
            "a.opf",
            "<package xmlns='http://www.idpf.org/2007/opf'><manifest><item id='a' href='a.xhtml'"
            " media-type='application/xhtml+xml'/></manifest><spine><itemref idref='a'/></spine></package>",
        )
        book.writestr("a.xhtml", b"<html><head><meta charset='utf-8'/></head><body><p>" + data + b"</p></body></html>")
    return held.getvalue()


def parquet(data: bytes) -> bytes:
    held = io.BytesIO()
    column = pa.array([data, b"good"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": column}), held)
    return held.getvalue()


WIKI = b"<mediawiki>%b%b</mediawiki>"
PAGE = b"<page><title>a</title><ns>0</ns><revision><text>%b</text></revision></page>"
FORMS = {
    "text": ("a.txt", lambda data: data),
    "code": ("a.md", lambda data: data),
    "html": ("a.html", lambda data: b"<meta charset=utf-8><p>" + data + b"</p>"),
    "jsonl": ("a.jsonl", lambda data: b'{"text": "' + data + b'"}\n{"text": "good"}\n'),
    "json": ("a.json", lambda data: b'[{"text": "' + data + b'"}, {"text": "good"}]'),
    "csv": ("a.csv", lambda data: b'n,text\n1,"' + data + b'"\n2,good\n'),
    "wikipedia": ("a.xml", lambda data: WIKI % (PAGE % data, PAGE % b"good")),
    "epub": ("a.epub", epub),
    "parquet": ("a.parquet", parquet),
}
SAID = ("jsonl", "json", "wikipedia", "parquet")
"""Formats that are UTF-8, whatever the bytes look like."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lang", ["zh", "fr", "en"])
def test_a_stray_byte__costs_a_character(tmp_path, read_all, form, lang):
    name, made = FORMS[form]
    if lang == "en" and form not in SAID:
        pytest.skip("a text that is ASCII but for a byte is read in the encoding that it looks like")
    (tmp_path / name).write_bytes(made(damaged(TEXTS[lang], 1)))
    outcome = read_all(form, tmp_path)
    assert not outcome.dead
    assert outcome.texts[0].strip() == damaged(TEXTS[lang], 1).decode("utf-8", "replace").strip()
    assert outcome.texts[1:] in ([], ["good"])
    if form != "parquet":
        assert json.loads(outcome.rows[0]["meta"])["replaced_characters"] == 1
        assert all("replaced_characters" not in row["meta"] for row in outcome.rows[1:])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_many_stray_bytes__cost_the_record_and_no_other(tmp_path, read_all, form, lang):
    name, made = FORMS[form]
    if lang == "en" and form not in SAID:
        pytest.skip("a text that is ASCII but for some bytes is read in the encoding that it looks like")
    (tmp_path / name).write_bytes(made(damaged(TEXTS[lang], 30)))
    outcome = read_all(form, tmp_path)
    assert len(outcome.dead) == 1
    assert outcome.dead[0].error.startswith(("UndecodableText: ", "UnicodeDecodeError: "))
    assert outcome.dead[0].file.endswith(name)
    assert outcome.texts in ([], ["good"])


@pytest.mark.parametrize("form", SAID)
@pytest.mark.parametrize("codec", ["latin-1", "cp1252"])
def test_short_records_in_another_encoding__are_not_taken_for_damage(tmp_path, read_all, form, codec):
    name, made = FORMS[form]
    (tmp_path / name).write_bytes(made("un café au lait, s'il vous plaît".encode(codec)))
    outcome = read_all(form, tmp_path)
    assert outcome.texts == ["good"]
    assert outcome.dead[0].error.startswith("UnicodeDecodeError: ")
