"""Documents that kill their worker, at every step that reads documents: each costs itself, whatever the runner."""

import json
from collections import Counter

import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.run.request import Request
from tests.in_process import execute_beside
from tests.runs.faults import deadly
from tests.runs.faults.deadly import STEPS


@pytest.fixture
def lethal(write_corpus, tmp_path):
    """The small corpus, and beside it documents in both languages that kill whoever extracts, judges ... them."""
    corpus = write_corpus(tmp_path / "corpus")
    lines = (corpus.folder / "web-1.jsonl").read_text(encoding="utf-8").splitlines()
    originals = [json.loads(line) for line in lines if "copy" not in line]
    for number, step in enumerate(STEPS[1:]):
        for lang, at in (("en", 3), ("zh", 9)):
            prose = [original["text"] for original in originals if original["lang"] == lang][number * 2]
            prose = "\n".join(reversed(prose.splitlines()))  # no near copy of its original
            sentence = f"The miller said {step}-kills here." if lang == "en" else f"磨坊的人们说这里有{step}-kills。"
            document = {"id": f"{step}-{lang}", "lang": lang, "text": f"{prose}\n{sentence}"}
            lines.insert(at, json.dumps(document, ensure_ascii=False))
    (corpus.folder / "web-1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, words in (("good", "A page that lives. 活着的网页。"), ("lethal", "extract-kills 杀手")):
        page = f"<html><head><meta charset=utf-8></head><body><main><p>{words}</p></main></body></html>"
        (corpus.folder / f"{name}.html").write_text(page, encoding="utf-8")
    corpus = corpus.with_recipe("lethal", "sources:\n", 'sources:\n  pages: {format: html, paths: "*.html"}\n')
    corpus = corpus.with_recipe("lethal", "minhash: {threshold: 0.7}", "minhash: {threshold: 0.99}")
    return corpus.with_few_stages("lethal")


def test_lethal_documents__cost_themselves_at_every_step_and_bytes_do_not_depend_on_workers(lethal, tmp_path, digests):
    execute_beside(Request(lethal.recipe, tmp_path / "two", workers=2), deadly.__name__)
    document = json.loads((tmp_path / "two" / "manifest.json").read_bytes())
    dead = [row for file in (tmp_path / "two" / "dead").glob("*.parquet") for row in pq.read_table(file).to_pylist()]
    assert sorted(row["step"] for row in dead) == sorted([*STEPS[1:] * 2, "extract"])
    ways = Counter(row["error"].removeprefix("LethalRecord: it ends its process ") for row in dead)
    assert ways == {"(SIGSEGV)": 4, "(MemoryError)": 3}
    for row in dead:
        assert f"{row['step']}-kills".encode() in row["first_bytes"]
    counted = [account for account in document["accounts"] if account["outcome"] == "dead"]
    assert sum(account["documents"] for account in counted) == len(dead)
    assert {account["reason"] for account in counted} == {"LethalRecord"}
    assert not (tmp_path / "two" / "_work" / "attempts").exists()
    execute_beside(Request(lethal.recipe, tmp_path / "one", workers=1), deadly.__name__)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
