"""From recipe A to B and back: the files and the manifest are A's, and B's are those of a run that never saw A."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill.pipelines.run.request import Request
from tests.exhaustive import some
from tests.in_process import execute

CHANGES = {
    "vocabulary": ("vocabulary: 640", "vocabulary: 650"),
    "seed": ("name: mill\n", "name: mill\nseed: 7\n"),
    "scrub": ("scrub: {operator: tag, drop_above: {EMAIL_ADDRESS: 1}}\n", ""),
    "names and addresses": ("scrub: {operator: tag", "scrub: {entities: web, without: secrets, operator: drop_line"),
    "documents with one address go": ("drop_above: {EMAIL_ADDRESS: 1}", "drop_above: {all: 0}"),
    "contaminated documents go": ("action: report", "action: drop"),
    "no evaluation sets": ("decontaminate: {sets: {asked: {paths: asked.jsonl}}, action: report}\n", ""),
    "no passages": ("  passages: [{min_letters: 40}, {unit: sentence, run: 2, scope: source}]\n", ""),
    "passages go everywhere": ("{min_letters: 40}", "{min_letters: 40, keep: none}"),
    "no substrings": ("  substrings: {min_tokens: 12}\n", ""),
    "longer substrings": ("min_tokens: 12", "min_tokens: 16"),
    "substrings cut at characters": ("min_tokens: 12", "min_tokens: 12, cut_at: character"),
    "a bound on what is cut": ("run: 2, scope: source}]\n", "run: 2, scope: source}]\n  max_cut: 10%\n"),
    "no deduplication": (
        "deduplicate:\n  urls: {keep: newest}\n  minhash: {threshold: 0.7}\n",
        "deduplicate:\n  exact: false\n  minhash: null\n",
    ),
    "addresses alone": ("  minhash: {threshold: 0.7}\n", "  exact: false\n  minhash: null\n"),
    "no addresses": ("  urls: {keep: newest}\n", ""),
    "the longest of an address": ("keep: newest", "keep: longest"),
    "threshold": ("threshold: 0.7", "threshold: 0.999"),
    "validation": ("validation: 10%", "validation: 30%"),
    "a test split": ("validation: 10%", "validation: 10%, test: 20%"),
    "sequence length": ("sequence_length: 64", "sequence_length: 32"),
    "text format": ("tokenizer:", "text: {format: parquet}\ntokenizer:"),
    "no tokenizer": ("tokenizer: {vocabulary: 640, sample_bytes: 1MB}\n", ""),
    "a tokenizer of others": (
        "tokenizer: {vocabulary: 640, sample_bytes: 1MB}",
        "tokenizer: {path: theirs/tokenizer.json}",
    ),
    "unit size": ("unit_bytes: 30kB", "unit_bytes: 1MB"),
    "cutoffs of a language model": ("en: [3, 90]", "en: [3, 9.6]"),
    "a bound on a language model": ("at_most: 200", "at_most: 150"),
    "a rule": ("duplicate_lines: 0.31", "duplicate_lines: 0.01"),
}
OFTEN = (  # of every stage one
    "vocabulary", "scrub", "contaminated documents go", "passages go everywhere", "longer substrings",
    "no deduplication", "the longest of an address", "threshold", "sequence length", "text format", "unit size",
    "a rule",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("change", some(CHANGES, OFTEN))
def test_recipe__back_again_has_each_recipe_s_own_bytes(small, small_run, tmp_path, digests, change):
    other = small.with_recipe(change.replace(" ", "-"), *CHANGES[change])
    run = shutil.copytree(small_run, tmp_path / "run")
    for out in (run, tmp_path / "fresh"):
        execute(Request(other.recipe, out))
    assert digests(run) == digests(tmp_path / "fresh")
    execute(Request(small.recipe, run))
    assert digests(run) == digests(small_run)


@pytest.mark.slow
@pytest.mark.parametrize(
    "until", some(["score", "duplicates", "passages", "substrings", "text"], ["score", "substrings"])
)
def test_until__back_again(small, small_run, tmp_path, digests, until):
    run = shutil.copytree(small_run, tmp_path / "run")
    for out in (run, tmp_path / "fresh"):
        execute(Request(small.recipe, out, until=until))
    assert digests(run) == digests(tmp_path / "fresh")
    execute(Request(small.recipe, run))
    assert digests(run) == digests(small_run)


@pytest.mark.slow
def test_file__added_and_removed(write_corpus, tmp_path, digests):
    corpus, run = write_corpus(tmp_path / "corpus", files=2), tmp_path / "run"
    execute(Request(corpus.recipe, run))
    before, added = digests(run), corpus.folder / "web-00.jsonl"
    added.write_text('{"id": "new", "text": "new page", "lang": "en"}\n{"id": "新", "text": "新的", "lang": "zh"}\n')
    for out in (run, tmp_path / "fresh"):
        execute(Request(corpus.recipe, out))
    assert digests(run) == digests(tmp_path / "fresh") != before
    added.unlink()
    execute(Request(corpus.recipe, run))
    assert digests(run) == before


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("stage", some(["score", "tokens"], ["tokens"]))
def test_killed_in_the_other_recipe__back_again(small, small_run, tmp_path, digests, stage):
    """SIGKILL of the whole run once a receipt of B stands; then A."""
    changed = small.with_recipe("seed-and-scrub", "name: mill\n", "name: mill\nseed: 7\n")
    other = changed.with_recipe("killed", "operator: tag", "operator: mask")
    run = shutil.copytree(small_run, tmp_path / "run")
    before = receipts(run, stage)
    kill_after(lambda: receipts(run, stage) - before, Request(other.recipe, run), tmp_path / "worker")
    assert not (run / "manifest.json").exists()
    execute(Request(small.recipe, run))
    assert digests(run) == digests(small_run)


def receipts(run: Path, stage: str) -> set[Path]:
    return set(run.glob(f"_work/{stage}-*/*.json"))


def kill_after(happened, request: Request, folder: Path) -> None:
    folder.mkdir()
    line = [sys.executable, "-m", "gristmill.pipelines.run.worker", request.to_json(), str(folder)]
    worker = subprocess.Popen(line, stderr=subprocess.DEVNULL, start_new_session=True)
    while not happened():
        assert worker.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
