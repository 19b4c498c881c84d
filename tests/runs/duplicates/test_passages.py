"""Lines and sentences that several documents have, in a whole run: against plain Python, in both languages."""

import json
import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from gristmill.pipelines.run.request import Request
from tests.in_process import execute
from tests.runs.conftest import chinese, english

FOLLOW = {
    "en": "Subscribe to our newsletter and never miss a story again.",
    "zh": "扫描二维码关注ABC公众号，获取更多精彩内容",
}
REPEATED = {"en": "The miller keeps the key below the third stone.", "zh": "磨坊主人把钥匙放在第三块石头下面。"}
FOOTER = {"en": "Copyright Mill House Media Group Limited.", "zh": "版权所有：磨坊传媒集团有限公司"}
RECIPE = """\
gristmill: 1
name: passages
sources:
  web: {format: jsonl, paths: web.jsonl, id: id, url: url, language: {column: lang}, priority: 3}
  more: {format: jsonl, paths: more.jsonl, id: id, url: url, language: {column: lang}}
plan: {unit_bytes: 12kB}
deduplicate:
  minhash: null
  passages:
    - {unit: line, scope: host, keep: none, above: 5, min_letters: 10}
    - {unit: sentence}
scrub: null
tokenizer: null
"""


def page(number: int, lang: str) -> dict:
    rng = random.Random(f"{lang}{number}")
    write = english if lang == "en" else chinese
    lines = write(rng, 8).split("\n")
    if number % 3 == 0:
        lines.insert(1, FOLLOW[lang])
    if number % 4 == 1:
        lines[0] += (" " if lang == "en" else "") + REPEATED[lang]
    lines.append(FOOTER[lang])
    host = "mill.org" if number % 2 else "磨坊.cn"
    return {
        "id": f"{lang}-{number}",
        "text": "\n".join(lines),
        "lang": lang,
        "url": f"https://www.{host}/{lang}/{number}",
    }


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("passages")
    made = [page(number, lang) for number in range(24) for lang in ("en", "zh")]
    copied = {"id": "whole", "lang": "en", "url": None, "text": f"{FOLLOW['en']}\n{FOLLOW['zh']}"}
    for name, docs in (("web", made[:30]), ("more", [*made[30:], copied])):
        text = "".join(json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(pages) -> Path:
    execute(Request(pages / "recipe.yaml", pages / "run"))
    return pages / "run"


def texts_of(run: Path) -> dict[str, str]:
    found = {}
    for file in sorted(run.glob("text/*.arrow")):
        table = pa.ipc.open_file(file).read_all()
        found |= dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    return found


def test_passages__one_document_keeps_each_and_boilerplate_of_a_host_goes(run):
    texts = texts_of(run)
    for lang in ("en", "zh"):
        assert sum(FOOTER[lang] in text for text in texts.values()) == 0
        assert sum(REPEATED[lang] in text for text in texts.values()) == 1
        (keeper,) = (name for name, text in texts.items() if FOLLOW[lang] in text)
        with_it = [f"{lang}-{number}" for number in range(0, 15, 3)]
        longest = max(with_it, key=lambda name: len(page(int(name[3:]), lang)["text"].encode()))
        assert keeper == longest, "the source of higher priority, then the longest document"


def test_passages__nothing_else_is_lost(run):
    texts = texts_of(run)
    gone = [*FOLLOW.values(), *REPEATED.values(), *FOOTER.values()]
    for number in range(24):
        for lang in ("en", "zh"):
            expected, found = page(number, lang)["text"], texts[f"{lang}-{number}"]
            for passage in gone:
                expected = expected.replace(passage, "") if passage not in found else expected
            lines = [line.strip() for line in expected.split("\n") if line.strip()]
            assert found == "\n".join(lines)


def test_passages__a_document_of_nothing_else_is_dropped_and_the_ledger_says_why(run):
    ledger = duckdb.sql(f"SELECT * FROM '{run}/ledger/*.parquet' WHERE id = 'whole'").to_arrow_table().to_pylist()
    assert [(row["verdict"], row["step"], row["rules"]) for row in ledger] == [
        ("dropped", "deduplicate", ["repeated_passages"])
    ]
    dropped = duckdb.sql(f"SELECT text FROM '{run}/dropped/*.parquet' WHERE id = 'whole'").fetchall()
    assert dropped == [(f"{FOLLOW['en']}\n{FOLLOW['zh']}",)]


def test_passages__every_cut_is_an_edit_of_the_extracted_text(run):
    rows = duckdb.sql(f"SELECT id, edits FROM '{run}/ledger/*.parquet' WHERE verdict = 'kept'").fetchall()
    texts = texts_of(run)
    for name, edits in rows:
        lang, _, number = name.partition("-")
        raw = page(int(number), lang)["text"].encode()
        assert {edit["kind"] for edit in edits} <= {"repeated_line", "repeated_sentence"}
        for edit in reversed(edits):
            raw = raw[: edit["start"]] + raw[edit["end"] :]
        assert raw.decode() == texts[name]


@pytest.mark.parametrize(("size", "workers"), [("1MB", 1), ("4kB", 2)])
def test_passages__units_and_workers_change_nothing(pages, run, tmp_path, size, workers):
    recipe = pages / f"units-{size}.yaml"
    recipe.write_text(RECIPE.replace("12kB", size), encoding="utf-8")
    execute(Request(recipe, tmp_path / "run", workers=workers))
    assert texts_of(tmp_path / "run") == texts_of(run)


def test_passages__conversations_stay_whole(tmp_path):
    talk = [{"role": "user", "content": FOLLOW["en"]}, {"role": "assistant", "content": FOLLOW["zh"]}]
    lines = [json.dumps({"messages": [*talk, {"role": "user", "content": f"{n} more?"}]}) + "\n" for n in range(3)]
    (tmp_path / "talk.jsonl").write_text("".join(lines), encoding="utf-8")
    source = "  talk: {format: jsonl, paths: talk.jsonl, chat: {}}\n"
    recipe = RECIPE.split("sources:")[0] + "sources:\n" + source + "deduplicate:" + RECIPE.split("deduplicate:")[1]
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "run"))
    assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/run/ledger/*.parquet' WHERE len(edits) > 0").fetchall() == [
        (0,)
    ]
