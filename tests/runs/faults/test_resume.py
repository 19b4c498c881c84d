"""A stopped run continues: finished units are not opened again, a changed recipe redoes only what depends on it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.rundir import claim, locked
from gristmill.pipelines.storage.store import Store
from tests.exhaustive import some
from tests.in_process import execute


def receipts(run: Path, stage: str) -> dict[Path, int]:
    """Receipt -> time of writing, of every step key of a stage."""
    return {file: file.stat().st_mtime_ns for file in run.glob(f"_work/{stage}-*/*.json")}


@pytest.fixture
def finished(corpus, calm, tmp_path) -> Path:
    """A copy, gone through once: receipts know files by their place on the disk, too."""
    run = shutil.copytree(calm, tmp_path / "run")
    execute(Request(corpus.recipe, run))
    return run


def test_run_again__does_nothing_and_keeps_the_manifest(corpus, finished, digests):
    before = digests(finished)
    written = {stage: receipts(finished, stage) for stage in ("score", "duplicates", "text", "tokenizer", "tokens")}
    execute(Request(corpus.recipe, finished))
    assert digests(finished) == before
    for stage, old in written.items():
        assert receipts(finished, stage) == old, stage


def test_run_again__builds_no_graph_and_keeps_the_report(corpus, finished, monkeypatch):
    from gristmill.pipelines.run import execute as module

    def refuse(*_):
        raise AssertionError("something was done")

    with monkeypatch.context() as patch:
        patch.setattr(module, "run_graph", refuse)
        patch.setattr(module, "write_report", refuse)
        execute(Request(corpus.recipe, finished))
    page = finished / "report" / "index.html"
    whole = page.read_bytes()
    page.write_bytes(whole[: len(whole) // 3])  # damaged: written again
    with monkeypatch.context() as patch:
        patch.setattr(module, "run_graph", refuse)
        execute(Request(corpus.recipe, finished))
    assert page.read_bytes()[-200:] == whole[-200:]
    next(iter(sorted((finished / "text").iterdir()))).unlink()  # a part that is gone: done again
    monkeypatch.setattr(module, "run_graph", refuse)
    with pytest.raises(AssertionError, match="something was done"):
        execute(Request(corpus.recipe, finished))


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("operator: tag", "operator: mask", ("score", "duplicates")),
        ("threshold: 0.7", "threshold: 0.999", ("score",)),
        ("vocabulary: 640", "vocabulary: 700", ("score", "duplicates", "text")),
        ("sequence_length: 64", "sequence_length: 32", ("score", "duplicates", "text", "tokenizer")),
    ],
)
def test_changed_recipe__redoes_only_what_depends_on_it(corpus, finished, old, new, kept):
    """That nothing of the earlier recipe is left then: test_change_back.py."""
    before = {stage: receipts(finished, stage) for stage in ("score", "duplicates", "text", "tokenizer", "tokens")}
    changed = corpus.with_recipe("changed", old, new)
    execute(Request(changed.recipe, finished))
    for stage, receipt in before.items():
        same = receipts(finished, stage) == receipt
        assert same == (stage in kept), stage


def test_added_file__only_its_units_are_read(tmp_path, write_corpus):
    corpus = write_corpus(tmp_path / "corpus")
    execute(Request(corpus.recipe, tmp_path / "run"))
    before = receipts(tmp_path / "run", "score")
    (corpus.folder / "web-00.jsonl").write_text('{"id": "new", "text": "new page", "lang": "en"}\n', encoding="utf-8")
    execute(Request(corpus.recipe, tmp_path / "run"))
    after = receipts(tmp_path / "run", "score")
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1


def test_missing_part__its_unit_is_done_again(corpus, finished, digests):
    before = digests(finished)
    next(iter(sorted((finished / "text").iterdir()))).unlink()
    execute(Request(corpus.recipe, finished))
    assert digests(finished) == before


def test_until__stops_and_a_later_run_goes_on(corpus, calm, tmp_path, digests):
    document = execute(Request(corpus.recipe, tmp_path / "run", until="score"))
    assert "text" not in document["datasets"]
    score = receipts(tmp_path / "run", "score")
    execute(Request(corpus.recipe, tmp_path / "run"))
    assert receipts(tmp_path / "run", "score") == score
    assert digests(tmp_path / "run") == digests(calm)


def test_sample__is_by_hash_and_counted(corpus, calm, tmp_path):
    document = execute(Request(corpus.recipe, tmp_path / "run", sample=0.4))
    aside = sum(a["documents"] for a in document["accounts"] if a["outcome"] == "aside")
    read = sum(a["documents"] for a in document["accounts"] if (a["step"], a["outcome"]) == ("read", "in"))
    whole = json.loads((calm / "manifest.json").read_text())["accounts"]
    total = sum(a["documents"] for a in whole if (a["step"], a["outcome"]) == ("read", "in"))
    assert aside + read == total
    assert 0.2 < read / total < 0.6


def test_locked__the_second_run_names_the_holder(corpus, tmp_path):
    claim(Store.at(tmp_path / "run"))
    with locked(tmp_path / "run"), pytest.raises(RecipeError, match=f"process {os.getpid()} on") as caught:
        execute(Request(corpus.recipe, tmp_path / "run"))
    assert "--out" in caught.value.fix


def start(corpus, out: Path, folder: Path) -> subprocess.Popen:
    request = Request(corpus.recipe, out).to_json()
    folder.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "gristmill.pipelines.run.worker", request, str(folder)], stderr=subprocess.DEVNULL
    )


def wait_for_receipts(run: Path, stage: str, count: int, worker: subprocess.Popen) -> None:
    while len(receipts(run, stage)) < count:
        assert worker.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)


@pytest.mark.process
@pytest.mark.parametrize(
    ("stage", "count"),
    some(
        [("score", 1), ("score", 8), ("text", 3), ("text", 8), ("tokens", 4)],
        [("score", 8), ("text", 3), ("tokens", 4)],
    ),
)
def test_killed__continues_from_the_receipts_to_the_same_bytes(corpus, calm, tmp_path, digests, stage, count):
    worker = start(corpus, tmp_path / "run", tmp_path / "worker")
    wait_for_receipts(tmp_path / "run", stage, count, worker)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert not (tmp_path / "run" / "manifest.json").exists()
    before = receipts(tmp_path / "run", stage)
    execute(Request(corpus.recipe, tmp_path / "run"))
    after = receipts(tmp_path / "run", stage)
    assert before.items() <= after.items(), "a finished unit was done again"
    assert digests(tmp_path / "run") == digests(calm)


@pytest.mark.process
def test_killed_at_80_percent__only_unfinished_inputs_are_opened(corpus, tmp_path, monkeypatch):
    from gristmill.pipelines.stages import score_units

    worker = start(corpus, tmp_path / "run", tmp_path / "worker")
    units = len(plan_of(corpus))
    wait_for_receipts(tmp_path / "run", "score", round(units * 0.8), worker)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    done = len(receipts(tmp_path / "run", "score"))
    opened = []
    read_unit = score_units.read_unit
    monkeypatch.setattr(score_units, "read_unit", lambda unit, *rest: opened.append(unit.key) or read_unit(unit, *rest))
    execute(Request(corpus.recipe, tmp_path / "run", runner="fnapi"))  # in this process, where opening can be counted
    assert len(opened) == units - done
    assert units > done >= round(units * 0.8)


def plan_of(corpus) -> list:
    from gristmill.pipelines.recipe.load import load
    from gristmill.pipelines.run.inputs.units import plan_units

    loaded = load(corpus.recipe)
    return plan_units(loaded, loaded.recipe.plan.unit_bytes)
