"""A recipe of the stages and options that the small one of `tests/runs/conftest.py` leaves out."""

import json
import random
import shutil
from pathlib import Path

import duckdb
import spacy

from gristmill.pipelines.indexes.build import build
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from tests.runs.conftest import Corpus, chinese, english, write_corpus

RECIPE = """\
gristmill: 1
name: further
sources:
  web: {format: jsonl, paths: "web-*.jsonl", id: id, language: {column: lang}}
  table: {format: parquet, paths: table.parquet, id: id, language: {column: lang}, priority: 1}
  pages: {format: html, paths: "pages/*.html"}
plan: {unit_bytes: 40kB}
extract: {output: markdown}
classifiers:
  edu: {model: networks/edu, max_tokens: 32}
lists: {mills: {domains: [mills.txt]}, said: {phrases: [phrases.txt]}}
decide:
  - when: {language: en}
    rules: [{signal: edu, at_least: -100}, {signal: said.share, at_most: 0.9}, {signal: mills, at_most: 1}]
  - {when: {language: zh}, presets: [any@gristmill]}
deduplicate:
  urls: {keep: longest}
  minhash: {threshold: 0.7}
  quality: edu
  against: index
  passages: [{min_letters: 40}]
decontaminate:
  sets: {asked: {paths: asked.jsonl}, choices: {paths: choices.csv}}
  action: cut
scrub:
  entities: web
  models:
    - {engine: spacy, model: models/zh, lang: zh, entities: {GPE: LOCATION}}
    - {engine: spacy, model: models/en, lang: en, entities: {GPE: LOCATION}}
  operators: {LOCATION: hash, EMAIL_ADDRESS: surrogate}
  key: audit.key
tokenizer: {path: theirs/tokenizer.json}
tokens: {sequence_length: 64, validation: 10%, test: 20%}
"""
EARLIER = """\
gristmill: 1
name: earlier
sources:
  old: {format: jsonl, paths: "old.jsonl", id: id, language: {column: lang}}
deduplicate: {urls: {keep: longest}, minhash: {threshold: 0.7}}
scrub: null
tokenizer: null
"""
PLACES = {"en": "miller", "zh": "磨坊"}
"""What the models of the recipe take for a place: both corpora are full of it."""


def write_further(folder: Path, network: Path) -> Corpus:
    """The corpus, pages, an index of an earlier run over some of its documents, and all that the recipe names."""
    corpus = write_corpus(folder, files=2)
    shutil.copytree(network, folder / "networks" / "edu")
    for lang, place in PLACES.items():
        nlp = spacy.blank(lang)
        nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": place}])
        (folder / "models").mkdir(exist_ok=True)
        nlp.to_disk(folder / "models" / lang)
    (folder / "pages").mkdir()
    rng = random.Random(4)
    for number in range(12):
        text = (english, chinese)[number % 2](rng)
        body = "".join(f"<p>{line}</p>" for line in text.split("\n"))
        page = f"<html><body><nav>Home</nav><main><h1>Mill {number}</h1>{body}</main></body></html>"
        (folder / "pages" / f"{number}.html").write_text(page, encoding="utf-8")
    (folder / "mills.txt").write_text("mills.org\n", encoding="utf-8")
    (folder / "phrases.txt").write_text("bread honey\n面包与故事\n", encoding="utf-8")
    (folder / "audit.key").write_text("5f" * 32, encoding="utf-8")
    rows = [json.loads(line) for line in (folder / "web-0.jsonl").read_text("utf-8").splitlines()]
    choice = rows[7]["text"].split("\n")[0].replace('"', "")
    (folder / "choices.csv").write_text(f'question,A,B,answer\n"{choice}",yes,no,A\n', encoding="utf-8")
    old = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows[::5]]
    (folder / "old.jsonl").write_text("".join(old), encoding="utf-8")
    (folder / "earlier.yaml").write_text(EARLIER, encoding="utf-8")
    execute(Request(folder / "earlier.yaml", folder / "earlier"))
    build(Store.at(folder / "earlier"), folder / "index")
    corpus.recipe.write_text(RECIPE, encoding="utf-8")
    return corpus


def done_by_each_stage(run: Path) -> dict[str, int]:
    """What -> how much of it is in the ledger of a run."""
    asked = {
        "pages": "count(*) FILTER (source = 'pages' AND verdict = 'kept')",
        "classifier": "count(DISTINCT edu)",
        "lists": "count(*) FILTER (mills = 1)",
        "phrases": "count(*) FILTER (said > 0)",
        "addresses": "count(*) FILTER (list_contains(rules, 'url_duplicate'))",
        "index": "count(duplicate_in)",
        "contamination": "count(*) FILTER (list_contains(kinds, 'evaluation_item'))",
        "models": "count(*) FILTER (list_contains(types, 'LOCATION'))",
        "surrogates": "count(*) FILTER (list_contains(types, 'EMAIL_ADDRESS'))",
    }
    lists = "[e.kind FOR e IN edits] AS kinds, [f.type FOR f IN findings] AS types"
    counted = f"SELECT {', '.join(asked.values())} FROM (SELECT *, {lists} FROM '{run}/ledger/*.parquet')"
    (row,) = duckdb.sql(counted).fetchall()
    return dict(zip(asked, row, strict=True))
