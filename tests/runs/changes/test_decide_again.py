"""Another decision is made from what the score stage stored: nothing is read; the bytes are those of a fresh run."""

import json
import shutil
from pathlib import Path

import pytest

from gristmill.pipelines.run.request import Request
from gristmill.pipelines.stages import score_units
from tests.exhaustive import some
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: mill
sources:
  web: {format: jsonl, paths: "web-*.jsonl", id: id, language: {column: lang}, columns: {stars: int64, mark: string}}
  table: {format: parquet, paths: table.parquet, id: id, language: {column: lang}, priority: 1, columns: {stars: int64}}
plan: {unit_bytes: 30kB}
decide:
  - when: {language: en}
    presets: [gopher@paper, fineweb@datatrove]
    change: {gopher@paper/duplicate_lines: 0.31}
  - when: {language: zh}
    presets: [chinese@gristmill]
otherwise: keep
deduplicate:
  minhash: {threshold: 0.7}
scrub: null
tokenizer: null
"""
CHANGES = {
    "a looser bound": ("duplicate_lines: 0.31", "words_min: 1"),
    "a stricter bound": ("duplicate_lines: 0.31}", "words_min: 150, gopher@paper/duplicate_lines: 0.31}"),
    "a rule turned off": ("duplicate_lines: 0.31", "words_min: null"),
    "a preset less": ("[gopher@paper, fineweb@datatrove]\n    change: {gopher@paper/duplicate_lines: 0.31}", "[]"),
    "another entry": ("when: {language: en}", "when: {language: en, source: web}"),
    "no entry": ("  - when: {language: zh}\n    presets: [chinese@gristmill]\n", ""),
    "unjudged dropped": ("when: {language: zh}\n    presets: [chinese@gristmill]\notherwise: keep",
                         "when: {language: ja}\n    rules: [{signal: characters, at_least: 100}]\notherwise: drop"),
    "a signal not stored": ("presets: [chinese@gristmill]",
                            "presets: [chinese@gristmill]\n    rules: [{signal: character_entropy, at_least: 4.5}]"),
    "an edit before": ("[gopher@paper, fineweb@datatrove]", "[gopher@paper, c4@tfds, fineweb@datatrove]"),
    "a classifier": ("decide:\n", "classifiers: {quality: {model: starter}}\ndecide:\n"),
    "priority": (", priority: 1", ""),
    "rank": ("deduplicate:\n", "deduplicate:\n  quality: characters\n"),
    "kept are fingerprinted": ("deduplicate:\n", "deduplicate:\n  fingerprint: kept\n"),
    "bands": ("threshold: 0.7", "threshold: 0.7, bands: 14, rows: 8"),
    "no deduplication": ("deduplicate:\n  minhash: {threshold: 0.7}", "deduplicate: null"),
    "addresses": ("deduplicate:\n", "deduplicate:\n  urls: {keep: newest}\n"),
    "language threshold": ("decide:\n", "language: {threshold: 0.9}\ndecide:\n"),
}  # fmt: skip
OFTEN = (
    "a looser bound", "another entry", "unjudged dropped", "a signal not stored", "an edit before", "a classifier",
    "priority", "kept are fingerprinted", "bands", "addresses", "language threshold",
)  # fmt: skip


@pytest.fixture(scope="module")
def mill(write_corpus, tmp_path_factory):
    """Documents with fields that some of them lack."""
    corpus = write_corpus(tmp_path_factory.mktemp("again"), files=2)
    for file in corpus.folder.glob("web-*.jsonl"):
        docs = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for number, doc in enumerate(docs):
            doc |= {"mark": None, "stars": None} if number % 3 else {"mark": f"標{number}"}
        docs.append({"id": "no text", "lang": "en"})
        docs.append({"id": "empty", "text": "", "lang": "zh", "stars": 3})
        file.write_text("".join(json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs), encoding="utf-8")
    corpus.recipe.write_text(RECIPE, encoding="utf-8")
    return corpus


@pytest.fixture(scope="module")
def first(mill, tmp_path_factory) -> Path:
    """A run of the unchanged recipe."""
    return run(mill, tmp_path_factory.mktemp("first") / "run")


def run(corpus, out: Path, **options) -> Path:
    execute(Request(corpus.recipe, out, **options))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("change", some(CHANGES, OFTEN))
def test_changed_run__is_a_fresh_run_and_reads_nothing(mill, first, tmp_path, digests, change, monkeypatch):
    changed = mill.with_recipe(change.replace(" ", "-"), *CHANGES[change])
    fresh = digests(run(changed, tmp_path / "fresh"))
    assert fresh != digests(first)
    out = shutil.copytree(first, tmp_path / "run")
    monkeypatch.setattr(score_units, "score_unit", lambda *_: pytest.fail("a unit is read"))
    assert digests(run(changed, out)) == fresh
    assert digests(run(mill, out)) == digests(first)


@pytest.fixture(scope="module")
def looser(mill, tmp_path_factory):
    """(the corpus with a looser bound, a fresh run of it up to the decisions)."""
    changed = mill.with_recipe("damage", *CHANGES["a looser bound"])
    return changed, run(changed, tmp_path_factory.mktemp("looser") / "run", until="score")


@pytest.mark.parametrize("damaged", ["curated", "dropped", "_work/verdicts"])
def test_damage__the_unit_is_read(first, looser, tmp_path, digests, damaged):
    changed, fresh = looser
    out = shutil.copytree(first, tmp_path / "run")
    part = sorted((out / damaged).iterdir())[0]
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    assert digests(run(changed, out, until="score")) == digests(fresh)


PLUGIN = """
import gristmill

@gristmill.signal(unit="share", scripts="any")
def strict(c):
    \"\"\"A signal that one text has no number for.\"\"\"
    if any("Too short to keep." in text for text in c.text.to_pylist()):
        raise ValueError("none")
    return c.kinds.digits_D * 0.0
"""


def test_document_that_died_when_it_was_judged__is_read_again(mill, tmp_path, digests):
    """Nobody has kept its text, and another recipe may not ask for what killed it."""
    (mill.folder / "strict.py").write_text(PLUGIN, encoding="utf-8")
    plain = mill.with_recipe("plain", "name: mill\n", "name: mill\nplugins: [strict.py]\n")
    asking = plain.with_recipe(
        "asking", "[chinese@gristmill]", "[chinese@gristmill]\n  - rules: [{signal: strict, at_least: 0}]"
    )
    asking = asking.with_recipe("asking", "when: {language: en}", "when: {language: en, source: web}")
    out = run(plain, tmp_path / "run", until="score")
    with_dead = digests(run(asking, tmp_path / "fresh", until="score"))
    assert digests(run(asking, out, until="score")) == with_dead
    accounts = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["accounts"]
    assert any(one["step"] == "decide" and one["outcome"] == "dead" for one in accounts)
    assert digests(run(plain, out, until="score")) == digests(run(plain, tmp_path / "plain", until="score"))
