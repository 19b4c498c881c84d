"""Same recipe, same input, same bytes: across runs, shardings, runners and resumed runs."""

import json
from pathlib import Path

from gristmill.pipelines.run.request import Request
from tests.in_process import execute, execute_beside

DATASETS = ("text", "ledger", "clusters", "dropped", "tokens/train", "tokens/validation")


def manifest(run: Path) -> dict:
    return json.loads((run / "manifest.json").read_text(encoding="utf-8"))


def test_two_runs_and_runners(corpus, calm, tmp_path, digests):
    execute_beside(Request(corpus.recipe, tmp_path / "again", workers=3))
    execute(Request(corpus.recipe, tmp_path / "here"))
    assert digests(tmp_path / "again") == digests(tmp_path / "here") == digests(calm)


def test_two_shardings_have_equal_content(calm, tmp_path, write_corpus, tokenizer_bytes):
    other = write_corpus(tmp_path / "corpus", files=5)
    execute(Request(other.recipe, tmp_path / "run"))
    ours, theirs = manifest(calm)["datasets"], manifest(tmp_path / "run")["datasets"]
    assert {name: ours[name]["content"] for name in DATASETS} == {name: theirs[name]["content"] for name in DATASETS}
    assert tokenizer_bytes(calm) == tokenizer_bytes(tmp_path / "run")


def test_sizes_of_units_and_partitions_do_not_change_content(corpus, calm, tmp_path):
    """Where partitions are few, deduplication shuffles the keys of all documents at once."""
    other = corpus.with_recipe("large-units", "unit_bytes: 12kB, partition_documents: 20", "unit_bytes: 1MB")
    execute(Request(other.recipe, tmp_path / "run"))
    ours, theirs = manifest(calm)["datasets"], manifest(tmp_path / "run")["datasets"]
    assert {name: ours[name]["content"] for name in DATASETS} == {name: theirs[name]["content"] for name in DATASETS}


def test_text_as_parquet_does_not_change_content(corpus, calm, tmp_path, tokenizer_bytes):
    other = corpus.with_recipe("parquet", "tokenizer:", "text: {format: parquet}\ntokenizer:")
    execute(Request(other.recipe, tmp_path / "run"))
    ours, theirs = manifest(calm)["datasets"], manifest(tmp_path / "run")["datasets"]
    assert {name: ours[name]["content"] for name in DATASETS} == {name: theirs[name]["content"] for name in DATASETS}
    assert all(shard["path"].endswith(".parquet") for shard in theirs["text"]["shards"])
    assert tokenizer_bytes(calm) == tokenizer_bytes(tmp_path / "run")
