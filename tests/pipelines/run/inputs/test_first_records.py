"""`validate` reads the first records of every source: what a run would find out hours later is an error there."""

import gzip
import json
import lzma
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.cli.writing.validate import validate
from gristmill.pipelines.errors import GristmillError

DOCS = [{"id": f"文{i}", "content": "山水之间有一座古老的磨坊。The mill turns.", "n": 0.5} for i in range(5)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("first")
    lines = "".join(json.dumps(doc, ensure_ascii=False) + "\n" for doc in DOCS)
    files = {
        "docs.jsonl": lines.encode(),
        "more/good.jsonl": lines.encode(),
        "more/bad.jsonl": b"no json\n",
        "cut.jsonl.gz": gzip.compress(lines.encode())[:12],
        "empty.jsonl": b"",
        "blank.jsonl": b"\n \n",
        "numbers.jsonl": b'{"content": 1}\n{"content": 2}\n',
        "data.csv": b"id,content\n1,hello\n",
        "paper.txt": b"%PDF-1.4\n%\xe2\xe3",
        "twice.jsonl.gz": gzip.compress(gzip.compress(lines.encode())),
        "lzma.jsonl": lzma.compress(lines.encode(), lzma.FORMAT_ALONE),
        "zlib.jsonl": zlib.compress(lines.encode()),
        "docs.jsonl.br": b"\x1b\xd7\x00\xc4",
        "array.json": b'[{"body": "x"}]',
        "other.jsonl": b'{"body": "x"}',
        "archive.jsonl": b"PK\x03\x04" + b"\0" * 50,
    }
    for name, data in files.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_bytes(data)
    pq.write_table(pa.Table.from_pylist(DOCS), made / "docs.parquet")
    pq.write_table(pa.table({"content": [1, 2]}), made / "ints.parquet")
    return made


def ask(folder: Path, source: str) -> None:
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"gristmill: 1\nname: t\nsources:\n  web: {{{source}, text: content}}\n", "utf-8")
    validate(recipe, measure="0")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("format: parquet, paths: docs.jsonl", "it is JSON: `format: jsonl`"),
        ("format: warc, paths: docs.jsonl", "it is JSON"),
        ("format: jsonl, paths: docs.parquet", "it is Parquet: `format: parquet`"),
        ("format: arrow, paths: docs.parquet", "it is Parquet"),
        ("format: jsonl, paths: data.csv", "its name says `format: csv`"),
        ("format: jsonl, paths: array.json", "no record has a field 'content'; there are: body"),
        ("format: json, paths: other.jsonl", "no record has a field 'content'; there are: body"),
        ("format: jsonl, paths: twice.jsonl.gz", "packed twice (gzip): unpack it once"),
        ("format: jsonl, paths: lzma.jsonl", "packed by lzma, which is not read: unpack it"),
        ("format: jsonl, paths: zlib.jsonl", "packed by zlib, which is not read: unpack it"),
        ("format: jsonl, paths: docs.jsonl.br", "its name says brotli, which is not read: unpack it"),
        ("format: jsonl, paths: cut.jsonl.gz", "fetch it again"),
        ("format: jsonl, paths: [empty.jsonl, blank.jsonl]", "no record in it"),
        ("format: jsonl, paths: numbers.jsonl", "field 'content' is a number, not a string"),
        ("format: parquet, paths: ints.parquet", "column 'content' is int64, not a string"),
        ("format: jsonl, paths: docs.jsonl, columns: {n: bool}", "field 'n' is a number, the recipe says bool"),
        ("format: text, paths: paper.txt", "a PDF: `format: pdf`"),
        ("format: jsonl, paths: archive.jsonl", "a zip archive"),
        ("format: jsonl, paths: docs.jsonl, id: Id", "did you mean 'id'?"),
        ("format: jsonl, paths: docs.jsonl, language: {column: lang}", "there are: content, id, n"),
        ("format: csv, paths: docs.jsonl", "it is JSON"),
        ("format: jsonl, paths: $DATA/docs.jsonl", "variables such as $DATA are not filled in"),
        ("format: jsonl, paths: 's3://'", "names no bucket"),
        ("format: jsonl, paths: doc.jsonl", "did you mean 'docs.jsonl'?"),
        ("format: jsonl, paths: 语料.jsonl", "there are: archive.jsonl"),
        ("format: jsonl, paths: nowhere/docs.jsonl", "there is no folder"),
        ("format: jsonl, paths: 's3:/bucket/docs.jsonl'", "'s3://bucket/docs.jsonl'"),
        ("format: warc, paths: more", "there are: bad.jsonl, good.jsonl"),
    ],
)
def test_validate__says_why_no_record_can_be_read(folder, source, said):
    with pytest.raises(GristmillError) as caught:
        ask(folder, source)
    assert caught.value.exit_code in (2, 3)
    assert said in str(caught.value)
    assert "codec" not in str(caught.value)
    assert "磨坊" not in str(caught.value)


@pytest.mark.parametrize("source", ["format: jsonl, paths: more", "format: jsonl, paths: docs.jsonl"])
def test_validate__one_file_that_can_be_read_is_enough(folder, source, capsys):
    ask(folder, source)
    assert "is valid" in capsys.readouterr().err


def test_validate__a_book_and_a_repository_that_begins_with_a_pdf(folder, capsys):
    opf = '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
    with zipfile.ZipFile(folder / "book.epub", "w") as book:
        book.writestr("META-INF/container.xml", '<c><rootfiles><rootfile full-path="b.opf"/></rootfiles></c>')
        book.writestr("b.opf", opf + '<spine><itemref idref="a"/></spine></package>')
        book.writestr("a.xhtml", "<p>磨坊在河边。</p>")
    (folder / "repo").mkdir()
    (folder / "repo" / "a.pdf").write_bytes(b"%PDF-1.4\n\0")
    (folder / "repo" / "b.py").write_bytes(b"print(1)\n")
    for source in ("format: epub, paths: book.epub", "format: code, paths: repo"):
        ask(folder, source)
        assert "is valid" in capsys.readouterr().err
