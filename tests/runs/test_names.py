"""A run that scrubs names and addresses: masked where it publishes, counted by type, the same bytes on two workers."""

import json
from collections import Counter

import duckdb
import pyarrow.dataset as ds
import pytest

from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request

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
    execute(Request(recipe, tmp_path / "two", workers=2))
    assert digests(tmp_path / "two") == digests(run)
