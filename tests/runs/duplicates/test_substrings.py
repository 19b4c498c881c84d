"""Exact substrings in a whole run: against what was planted, in both languages."""

import json
import random
from pathlib import Path

import duckdb
import pytest

from gristmill.pipelines.run.request import Request
from tests.in_process import execute
from tests.runs.conftest import chinese, english
from tests.runs.duplicates.test_passages import texts_of

PLANTED = {
    "en": "The miller keeps the key below the third stone behind the house. Nobody but the cat has ever found it there",
    "zh": "磨坊主人把钥匙放在屋后第三块石头下面。除了猫以外，从来没有人找到过它",
}
"""Their first sentence is whole; the second goes on in another way in each document."""
RECIPE = """\
gristmill: 1
name: substrings
sources:
  web: {format: jsonl, paths: web.jsonl, id: id, language: {column: lang}}
  best: {format: jsonl, paths: best.jsonl, id: id, language: {column: lang}, priority: 3}
plan: {unit_bytes: 6kB}
deduplicate:
  minhash: null
  substrings: {min_tokens: 20}
scrub: null
tokenizer: null
"""


def page(number: int, lang: str) -> dict:
    rng = random.Random(f"{lang}{number}")
    write = english if lang == "en" else chinese
    text = write(rng, 6)
    if number % 3 == 0:
        head, tail = text.split("\n", 1)
        text = f"{head} {PLANTED[lang]} ({number}) {tail}"
    return {"id": f"{lang}-{number}", "text": text, "lang": lang}


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("substrings")
    made = [page(number, lang) for number in range(12) for lang in ("en", "zh")]
    whole = [{"id": f"whole-{lang}", "lang": lang, "text": f" {PLANTED[lang]}."} for lang in PLANTED]
    for name, docs in (("web", [*made[2:], *whole]), ("best", made[:2])):
        lines = [json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def run_of(pages: Path, name: str, old: str = "", new: str = "", **options) -> Path:
    recipe = pages / f"{name}.yaml"
    recipe.write_text(RECIPE.replace(old, new), encoding="utf-8")
    execute(Request(recipe, pages / name, **options))
    return pages / name


@pytest.fixture(scope="module")
def run(pages) -> Path:
    return run_of(pages, "run")


def test_substrings__the_best_document_keeps_it_and_others_lose_whole_sentences(run):
    texts = texts_of(run)
    for lang, end in (("en", "."), ("zh", "。")):
        first, second = (part.strip() for part in PLANTED[lang].split(end, 1))
        assert texts[f"{lang}-0"] == page(0, lang)["text"], "the source of higher priority"
        for number in range(1, 12):
            expected = page(number, lang)["text"]
            if number % 3 == 0:
                expected = expected.replace(f"{first}{end}{' ' if lang == 'en' else ''}", "")
                assert second in expected
            assert texts[f"{lang}-{number}"] == expected


def test_substrings__cut_at_characters_takes_all_that_repeats_and_an_emptied_document_goes(pages):
    out = run_of(pages, "characters", "min_tokens: 20", "min_tokens: 20, cut_at: character")
    texts = texts_of(out)
    for lang, end in (("en", "."), ("zh", "。")):
        for number in range(3, 12, 3):  # the mark before repeats, too
            expected = page(number, lang)["text"].replace(f"{end} {PLANTED[lang]} (", "")
            assert "".join(texts[f"{lang}-{number}"].split()) == "".join(expected.split())
    assert texts["whole-en"].strip() == "."
    strict = run_of(pages, "strict", "min_tokens: 20}", "min_tokens: 20, cut_at: character}\n  max_cut: 30%")
    ledger = duckdb.sql(f"SELECT id, rules FROM '{strict}/ledger/*.parquet' WHERE verdict = 'dropped'").fetchall()
    assert {"whole-en", "whole-zh"} <= {name for name, _ in ledger}
    assert all(rules == ["repeated_passages"] for _, rules in ledger)


def test_substrings__every_cut_is_an_edit_of_the_extracted_text(run):
    rows = duckdb.sql(f"SELECT id, edits FROM '{run}/ledger/*.parquet' WHERE len(edits) > 0").fetchall()
    texts = texts_of(run)
    assert len(rows) == 6 + 2
    for name, edits in rows:
        lang, _, number = name.partition("-")
        raw = page(int(number), lang)["text"] if lang != "whole" else f" {PLANTED[number]}."
        assert {edit["kind"] for edit in edits} == {"repeated_substring"}
        data = raw.encode()
        for edit in reversed(edits):
            data = data[: edit["start"]] + data[edit["end"] :]
        assert data.decode() == texts[name]


@pytest.mark.parametrize(("size", "workers"), [("1MB", 1), ("2kB", 2)])
def test_substrings__units_and_workers_change_nothing(pages, run, size, workers):
    out = run_of(pages, f"units-{size}", "6kB", size, workers=workers)
    assert texts_of(out) == texts_of(run)


def test_substrings__conversations_stay_whole(tmp_path):
    talk = [{"role": "user", "content": "Where is the key?"}, {"role": "assistant", "content": PLANTED["en"]}]
    lines = [json.dumps({"messages": [*talk, {"role": "user", "content": f"{n} more?"}]}) + "\n" for n in range(3)]
    (tmp_path / "talk.jsonl").write_text("".join(lines), encoding="utf-8")
    source = "  talk: {format: jsonl, paths: talk.jsonl, chat: {}}\n"
    recipe = RECIPE.split("sources:")[0] + "sources:\n" + source + "deduplicate:" + RECIPE.split("deduplicate:")[1]
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "run"))
    cut = duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/run/ledger/*.parquet' WHERE len(edits) > 0").fetchall()
    assert cut == [(0,)]
