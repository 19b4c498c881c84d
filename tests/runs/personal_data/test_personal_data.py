"""With `scrub` on nothing that is published holds personal data, and all else is as it was."""

import hashlib
import hmac
import json

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.run.request import Request
from tests.in_process import execute

MAIL, MOBILE, AMERICAN, RESIDENT = "zhang.wei@qq.com", "13812345678", "415-555-2671", "11010519491231002X"
HIDDEN = ("zhang.wei%40qq.com", "zhang.wei&#64;qq.com", "zhang.wei%2540qq.com", "zhang.\u200bwei@qq.com")
VALUES = (MAIL, MOBILE, AMERICAN, RESIDENT, *HIDDEN, "zhang.wei")
PROSE = "The old mill by the river turns slowly, and its people tell the story of the year. "
RECIPE = """\
gristmill: 1
name: people
sources:
  posts: {format: jsonl, paths: "posts-*.jsonl", id: key, language: en, columns: {author: string, year: int64}}
  pages: {format: text, paths: "pages/*.txt", language: zh}
scrub: SCRUB
tokenizer: {vocabulary: 520, sample_bytes: 100kB}
tokens: {sequence_length: 64}
"""


def posts() -> list[dict]:
    """Every field holds something personal, in one of the forms that people write it in."""
    made = []
    for number, mail in enumerate((MAIL, *HIDDEN)):
        made.append(
            {
                "key": f"posts/{number}/{mail}.html",
                "url": f"https://example.org/u/{mail}?tel={MOBILE}&id={RESIDENT}&n={number}",
                "author": f"{mail} ({number})",
                "year": 2000 + number,
                "text": f"{PROSE * 3}{number} Write to {mail} today.",
                "phone": AMERICAN,
                "mobile": int(MOBILE),
                "people": {mail: [RESIDENT], f"b.{MAIL}": [f"第{number}页\n{MOBILE}"]},
                "note": "nothing \\ here \u00e9\uff0c1e999",
                "size": 1234567890123,
            }
        )
    made.append({**made[0], "key": f"short-{MOBILE}", "year": 1990, "text": ""})
    made.append({**made[4], "key": f"copy-{RESIDENT}", "year": 2004})
    return made


@pytest.fixture
def run(tmp_path):
    """Function: the value of `scrub` -> run directory."""
    (tmp_path / "pages").mkdir()
    lines = "".join(json.dumps(post, ensure_ascii=False) + "\n" for post in posts())
    (tmp_path / f"posts-{MAIL}.jsonl").write_text(f'{lines}{{"key": broken {MOBILE}\n', encoding="utf-8")
    (tmp_path / f"pages/身份证_{RESIDENT}.txt").write_text(f"山中的磨坊，电话{MOBILE}。" * 3, encoding="utf-8")
    (tmp_path / f"pages/手机{MOBILE}.txt").write_bytes(b"\xff\xfe\x00")

    def call(scrub: str):
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(RECIPE.replace("SCRUB", scrub), encoding="utf-8")
        execute(Request(recipe, tmp_path / "run"))
        return tmp_path / "run"

    return call


def rows(run, dataset: str) -> list[dict]:
    format_ = "arrow" if dataset in ("text", "curated") else "parquet"
    return ds.dataset(str(run / dataset), format=format_).to_table().to_pylist()


def first_post(run) -> dict:
    return next(row for row in rows(run, "text") if row["year"] == 2000)


def published(run) -> dict[str, str]:
    """Dataset -> everything that stands in it, but the raw bytes that `dead/` keeps by design."""
    found = {name: rows(run, name) for name in ("text", "ledger", "clusters", "dead")}
    for row in found["dead"]:
        row.pop("first_bytes")
    shards = [pa.ipc.open_file(file).read_all() for file in sorted((run / "tokens").glob("[tv]*/*.arrow"))]
    said = {name: str(value) for name, value in found.items()}
    return {**said, "tokens": str([table.drop_columns(["tokens"]).to_pylist() for table in shards])}


def test_run__nothing_published_holds_personal_data(run):
    folder = run("{operator: tag}")
    for name, text in published(folder).items():
        assert [value for value in VALUES if value in text] == [], name
    for name in ("manifest.json", "report/report.json", "report/index.html"):
        file = folder / name
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        assert [value for value in VALUES if value in text] == [], name
    first = first_post(folder)
    assert first["id"] == "posts/0/<EMAIL_ADDRESS>.html"
    assert first["url"] == "https://example.org/u/<EMAIL_ADDRESS>?tel=<PHONE_NUMBER>&id=<CN_RESIDENT_ID>&n=0"
    assert first["author"] == "<EMAIL_ADDRESS> (0)"
    assert first["year"] == 2000


KEY = "0123456789abcdef0123456789abcdef"


def test_run__the_ledger_says_what_was_found_and_with_a_key_which(run, tmp_path):
    folder = run("{operator: mask}")
    plain = [one for row in rows(folder, "ledger") for one in row["findings"]]
    assert plain
    assert {one["hash"] for one in plain} == {None}
    (tmp_path / "audit.key").write_text(KEY + "\n", encoding="utf-8")
    folder = run("{operator: mask, key: audit.key}")
    raw = {row["doc_id"]: row["text"].encode() for row in rows(folder, "curated")}
    kinds = set()
    for row in rows(folder, "ledger"):
        for one in row["findings"]:
            value = raw[row["doc_id"]][one["start"] : one["end"]].decode()
            assert any(value in held for held in VALUES)
            plainly = MAIL if one["type"] == "EMAIL_ADDRESS" else value
            assert one["hash"] == hmac.new(KEY.encode(), plainly.encode(), hashlib.sha256).hexdigest()[:32]
            assert (0 < one["score"] <= 1, one["action"]) == (True, "mask")
            kinds.add(one["type"])
        assert {(one["start"], one["end"]) for one in row["findings"]} == {(e["start"], e["end"]) for e in row["edits"]}
    assert kinds == {"EMAIL_ADDRESS", "PHONE_NUMBER"}
    audit = json.loads((folder / "report/report.json").read_text(encoding="utf-8"))["edits"]["audit"]
    assert {(one["type"], one["source"], one["values"]) for one in audit} == {
        ("EMAIL_ADDRESS", "posts", 1),
        ("PHONE_NUMBER", "pages", 1),
    }
    assert [file for file in folder.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()] == []


@pytest.mark.parametrize(("key", "message"), [(None, "cannot be read"), ("short", "5 bytes; 16 are the least")])
def test_key__that_is_none_is_an_error(run, tmp_path, key, message):
    if key:
        (tmp_path / "audit.key").write_text(key, encoding="utf-8")
    with pytest.raises(RecipeError, match=message) as caught:
        run("{key: audit.key}")
    assert "recipe.yaml:6, scrub.key" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_run__meta_stays_json_and_says_what_it_said(run):
    for row in rows(run("{}"), "text"):
        meta = json.loads(row["meta"])
        if row["source"] == "posts" and row["text"]:
            number = row["year"] - 2000
            assert meta == {
                "phone": "<PHONE_NUMBER>",
                "mobile": "<PHONE_NUMBER>",
                "people": {
                    "<EMAIL_ADDRESS>": ["<CN_RESIDENT_ID>"],
                    "<EMAIL_ADDRESS> 2": [f"第{number}页\n<PHONE_NUMBER>"],
                },
                "note": "nothing \\ here \u00e9\uff0c1e999",
                "size": 1234567890123,
            }


def test_run__only_the_fields_that_are_named(run):
    folder = run("{fields: [id, author]}")
    first = first_post(folder)
    assert first["id"] == "posts/0/<EMAIL_ADDRESS>.html"
    assert first["author"] == "<EMAIL_ADDRESS> (0)"
    assert MAIL in first["url"]
    assert MAIL in first["meta"]
    assert MAIL not in first["text"]
    assert any(MAIL in row["file"] for row in rows(folder, "dead"))
    assert MAIL in str(rows(run("{fields: []}"), "ledger"))


def test_run__scrub_off_and_on_again_does_stage_a_once(run):
    clean = published(run("{}"))
    assert MAIL in published(run("null"))["dead"]
    scored = {file: file.stat().st_mtime_ns for file in (run("null") / "_work").glob("score-*/*.json")}
    assert published(run("{}")) == clean
    assert {file: file.stat().st_mtime_ns for file in scored} == scored


def test_dead__a_row_for_every_letter_as_before(run):
    letters = rows(run("{}"), "dead")
    assert sorted(letter["step"] for letter in letters) == ["extract", "read"]
    assert all(letter["sha256"] and letter["first_bytes"] for letter in letters)
    assert pq.read_schema(next((run("{}") / "dead").glob("*.parquet"))).names[1] == "file"
