"""A recipe that names a field which no record has: an error with its line where all were looked at, else a note."""

import gzip
import json

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.inputs.units import plan_units

RECIPE = """\
gristmill: 1
name: c
sources:
  web:
    format: {form}
    paths: in
    text: {text}
    id: {id}
    language: {{column: {language}}}
    columns: {{{column}: int64}}
"""
RECORD = {"body": "文", "key": "a", "lang": "zh", "stars": 1}
RIGHT = {"text": "body", "id": "key", "language": "lang", "column": "stars"}


def write(folder, form: str, records: list[dict], name: str = "a") -> None:
    (folder / "in").mkdir(exist_ok=True)
    path = folder / "in" / f"{name}.{form}"
    if form.startswith("jsonl"):
        data = "".join(json.dumps(record) + "\n" for record in records).encode()
        path.write_bytes(gzip.compress(data) if form.endswith("gz") else data)
    elif form == "json":
        path.write_text(json.dumps(records, indent=1))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    else:
        table = pa.Table.from_pylist(records)
        with ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table)


def notes(folder, form: str, **names: str) -> list[str]:
    file = folder / "recipe.yaml"
    file.write_text(RECIPE.format(form=form.split(".")[0], **(RIGHT | names)), encoding="utf-8")
    found: list[str] = []
    plan_units(load(file), 1_000_000, found)
    return found


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "json", "parquet", "arrow"])
@pytest.mark.parametrize(
    ("key", "wrong", "line", "near"),
    [
        ("text", "bodyy", 7, "did you mean 'body'?"),
        ("id", "keyy", 8, "did you mean 'key'?"),
        ("language", "langg", 9, "did you mean 'lang'?"),
        ("column", "starss", 10, "did you mean 'stars'?"),
        ("id", "号码", 8, "there are: body, key, lang, stars"),
    ],
)
def test_name__that_no_record_has_is_an_error_with_its_line(tmp_path, form, key, wrong, line, near) -> None:
    write(tmp_path, form, [RECORD] * 3)
    assert notes(tmp_path, form) == []
    with pytest.raises(RecipeError) as caught:
        notes(tmp_path, form, **{key: wrong})
    assert caught.value.where.endswith(f"recipe.yaml:{line}")
    assert f"'{wrong}'" in caught.value.what
    assert near in caught.value.what


def test_names__that_are_wrong_are_told_together(tmp_path) -> None:
    write(tmp_path, "jsonl", [RECORD])
    with pytest.raises(RecipeError, match="2 problems"):
        notes(tmp_path, "jsonl", id="keyy", language="langg")


def test_name__that_one_record_has_is_right(tmp_path) -> None:
    write(tmp_path, "jsonl", [{"body": "文", "lang": "zh", "stars": 1}] * 500 + [RECORD])
    assert notes(tmp_path, "jsonl") == []
    write(tmp_path, "jsonl", [{"body": "文"}] * 20)
    write(tmp_path, "jsonl", [RECORD], "b")
    assert notes(tmp_path, "jsonl") == []


@pytest.mark.parametrize(
    "records", [[{"body": "文"}] * 1001, [{"body": "x" * 600_000}] * 3, [{"body": "x" * 3_000_000}]]
)
def test_name__that_unseen_records_may_have_is_a_note(tmp_path, records) -> None:
    few = [record | {"lang": "zh", "stars": 1} for record in records]
    write(tmp_path, "jsonl", few)
    if len(records) == 1:
        assert notes(tmp_path, "jsonl") == []  # no record was seen whole
        return
    (note,) = notes(tmp_path, "jsonl")
    assert note.startswith("sources.web.id: none of the first ")
    assert note.endswith("there are: body, lang, stars")


def test_files__that_hold_no_record_say_nothing(tmp_path) -> None:
    for name, data in {"a": b"", "b": b"not json\n[1]\n", "c": b"\xff\xfe\x00"}.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.jsonl").write_bytes(data)
    assert notes(tmp_path, "jsonl", id="keyy") == []


def test_default_names__need_not_be_there(tmp_path) -> None:
    """`url` is looked for where there is one."""
    write(tmp_path, "jsonl", [RECORD])
    assert notes(tmp_path, "jsonl") == []
    file = tmp_path / "recipe.yaml"
    file.write_text(file.read_text() + "    url: adress\n")
    with pytest.raises(RecipeError, match="adress"):
        plan_units(load(file), 1_000_000)


def test_look__ends_as_soon_as_all_names_were_met(tmp_path, monkeypatch) -> None:
    from gristmill.pipelines.read.formats.json import reader as jsonl

    for i in range(100):
        write(tmp_path, "jsonl", [RECORD], str(i))
    opened, open_file = [], jsonl.open_file
    monkeypatch.setattr(jsonl, "open_file", lambda path: opened.append(path) or open_file(path))
    assert notes(tmp_path, "jsonl") == []
    assert len(opened) == 1


@pytest.mark.parametrize(("form", "good", "bad"), [("text", "file", "fiel"), ("html", "title", "titel")])
def test_names__of_pages(tmp_path, form, good, bad) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.html").write_text("x")
    file = tmp_path / "recipe.yaml"
    recipe = (
        "gristmill: 1\nname: c\nsources:\n  web:\n    format: {form}\n    paths: .\n    columns: {{{name}: string}}\n"
    )
    file.write_text(recipe.format(form=form, name=good))
    plan_units(load(file), 1_000_000)
    file.write_text(recipe.format(form=form, name=bad))
    with pytest.raises(RecipeError, match=f"did you mean '{good}'"):
        plan_units(load(file), 1_000_000)


def test_names__of_warc_headers(tmp_path) -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>x</p>"
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Target-URI: http://a/\r\n"
    head += b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n" % len(block)
    (tmp_path / "a.warc").write_bytes(head + block + b"\r\n\r\n")
    file = tmp_path / "recipe.yaml"
    recipe = "gristmill: 1\nname: c\nsources:\n  web: {{format: warc, paths: a.warc, id: {name}}}\n"
    file.write_text(recipe.format(name="WARC-Record-ID"))
    plan_units(load(file), 1_000_000)
    file.write_text(recipe.format(name="WARC-Record-Id"))
    with pytest.raises(RecipeError, match="did you mean 'WARC-Record-ID'"):
        plan_units(load(file), 1_000_000)
