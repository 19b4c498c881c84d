"""A run that scrubs names and addresses: masked where it publishes, counted by type, the same bytes on two workers."""

import json
from collections import Counter

import duckdb
import pyarrow.dataset as ds
import pytest

from gristmill.filters.pii.recognizers.generic import EmailRecognizer
from gristmill.pipelines.run.request import Request
from tests.in_process import execute, execute_beside

PERSONS = ("Laura Whitfield", "张晓明")
ADDRESSES = ("1600 Maple Avenue, Suite 210, Springfield, IL 62704", "浙江省杭州市西湖区文三路90号2号楼301室")
LETTER = (
    f"Letter {{}}\n\nName: {PERSONS[0]}\nAddress: {ADDRESSES[0]}\n\n收件人：{PERSONS[1]}\n地址：{ADDRESSES[1]}\n\n"
    "Charles Dickens wrote novels about London, and 鲁迅 wrote stories.\n"
)
RECIPE = """\
gristmill: 1
name: letters
sources:
  letters: {format: jsonl, paths: "letters-*.jsonl", id: id}
plan: {unit_bytes: 4kB}
deduplicate: null
scrub: {entities: web}
tokenizer: null
"""
LETTERS = 40


@pytest.fixture
def recipe(tmp_path):
    for file in range(2):
        rows = [{"id": f"{file}-{n}", "text": LETTER.format(f"{file}-{n}")} for n in range(LETTERS // 2)]
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (tmp_path / f"letters-{file}.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path / "recipe.yaml"


def test_run__masks_and_counts_and_is_the_same_on_two_workers(recipe, tmp_path, digests):
    run = tmp_path / "one"
    execute(Request(recipe, run, workers=1))
    texts = ds.dataset(run / "text", format="ipc").to_table()["text"].to_pylist()
    assert len(texts) == LETTERS
    assert all("Charles Dickens" in text and "鲁迅" in text for text in texts)
    assert all(text.count("<PERSON>") == text.count("<ADDRESS>") == 2 for text in texts)
    edits = duckdb.sql(f"SELECT unnest(edits).kind FROM '{run}/ledger/*.parquet'").fetchall()
    assert Counter(kind for (kind,) in edits) == {"PERSON": 2 * LETTERS, "ADDRESS": 2 * LETTERS}
    published = [file for name in ("text", "ledger", "report") for file in (run / name).rglob("*") if file.is_file()]
    values = [value.encode() for value in (*PERSONS, *ADDRESSES)]
    assert [file for file in published if any(value in file.read_bytes() for value in values)] == []
    execute_beside(Request(recipe, tmp_path / "two", workers=2))
    assert digests(tmp_path / "two") == digests(run)


def texts_of(run) -> list[str]:
    return ds.dataset(run / "text", format="ipc").to_table()["text"].to_pylist()


def test_run__operators_by_type_and_source_and_values_that_stay(recipe, tmp_path):
    (tmp_path / "audit.key").write_text("5f" * 32, encoding="utf-8")
    (tmp_path / "code.jsonl").write_text(
        json.dumps({"id": "c", "text": "mail li@qq.com or li@example.com, redis://li:pa55word@host7\nend\n"}), "utf-8"
    )
    said = RECIPE.replace("scrub: {entities: web}\n", SCRUB).replace("id: id}\n", "id: id}\n" + CODE, 1)
    recipe.write_text(said, encoding="utf-8")
    run = tmp_path / "run"
    execute(Request(recipe, run, workers=1))
    letters = [text for text in texts_of(run) if text.startswith("Letter")]
    names = {text.split("Name: ")[1].split("\n")[0] for text in letters}
    assert len(letters) == LETTERS
    assert len(names) == 1, "one person, one made-up name"
    assert not names & {*PERSONS, "<PERSON>"}
    assert all("Address: " not in text and "地址" not in text for text in letters)
    (code,) = [text for text in texts_of(run) if "end" in text]
    assert code.startswith("mail <EMAIL_ADDRESS:")
    assert code.endswith(" or li@example.com, redis://li:pa55word@host7\nend\n")
    actions = duckdb.sql(
        f"SELECT DISTINCT f.type, f.action FROM (SELECT unnest(findings) f FROM '{run}/ledger/*.parquet')"
    )
    assert dict(actions.fetchall()) == {"PERSON": "surrogate", "ADDRESS": "drop_line", "EMAIL_ADDRESS": "hash"}


SCRUB = """scrub:
  entities: web
  operators: {PERSON: surrogate, ADDRESS: drop_line, EMAIL_ADDRESS: hash}
  key: audit.key
  sources: {code: {without: secrets, allow: [examples]}}
"""
CODE = '  code: {format: jsonl, paths: "code.jsonl", id: id}\n'


def test_run__a_recognizer_that_raises_makes_a_dead_letter(recipe, tmp_path, monkeypatch):
    """The document goes nowhere; the others are published, masked."""
    found = EmailRecognizer.matches

    def breaks(self, text):
        if "boom@qq.com" in text:
            raise RuntimeError("no pattern for boom@qq.com")
        return found(self, text)

    monkeypatch.setattr(EmailRecognizer, "matches", breaks)
    rows = [{"id": str(n), "text": f"write to {who}@qq.com today"} for n, who in enumerate(["li", "boom", "wu"])]
    (tmp_path / "letters-0.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "letters-1.jsonl").unlink()
    run = tmp_path / "run"
    execute(Request(recipe, run, workers=1))
    assert texts_of(run) == ["write to <EMAIL_ADDRESS> today"] * 2
    assert duckdb.sql(f"SELECT verdict, step FROM '{run}/ledger/*.parquet' WHERE verdict = 'dead'").fetchall() == [
        ("dead", "scrub")
    ]
    published = [file for name in ("text", "ledger", "report") for file in (run / name).rglob("*") if file.is_file()]
    assert [file for file in published if b"boom@qq.com" in file.read_bytes()] == []
