"""A run that scores by neural classifiers: the same bytes from two workers, kept whole, decided again, swept."""

import shutil
from pathlib import Path

import pytest

from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import verify
from tests.in_process import execute, execute_beside

CLASSIFIERS = """\
classifiers:
  edu: {model: networks/edu, max_tokens: 32}
  kind: {model: networks/kind, languages: [en, zh]}
decide:
  - when: {language: en}
    rules: [{signal: kind.LABEL_1, at_most: 0.6}]
  - when: {language: zh}
    rules: [{signal: edu, at_least: 0.0}]
"""


@pytest.fixture(scope="module")
def classified(tmp_path_factory, write_corpus, small_networks):
    """The small corpus with a recipe that classifies by ONNX and by torch; its tokenizer left out."""
    pytest.importorskip("onnxruntime")
    corpus = write_corpus(tmp_path_factory.mktemp("classified"))
    regression = {"labels": 1, "problem_type": "regression"}
    shutil.copytree(small_networks.export("regression", **regression), corpus.folder / "networks" / "edu")
    shutil.copytree(small_networks.save("softmax", labels=3), corpus.folder / "networks" / "kind")
    text = corpus.recipe.read_text(encoding="utf-8")
    head, tail = text.split("classifiers:")[0], text.split("deduplicate:")[1]
    recipe = (
        head
        + CLASSIFIERS
        + "deduplicate:"
        + tail.split("decontaminate:")[0]
        + "scrub: {operator: tag}\ntokenizer: null\n"
    )
    corpus.recipe.write_text(recipe, encoding="utf-8")
    return corpus


@pytest.fixture(scope="module")
def calm_run(classified, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "run"
    execute(Request(classified.recipe, run))
    return run


def test_every_document_has_its_number(calm_run) -> None:
    with Ledger(calm_run) as ledger:
        row = ledger.row(
            """
            SELECT count(*) FILTER (edu IS NULL) AS none, count(DISTINCT edu) AS values, count(*) AS documents,
                max(abs("kind.LABEL_0" + "kind.LABEL_1" + "kind.LABEL_2" - 1)) AS off
            FROM 'ledger/*.parquet' WHERE verdict <> 'dead'
            """
        )
    assert row["none"] == 0
    assert row["values"] > 50
    assert row["off"] < 1e-9


def test_two_workers_have_equal_content(classified, calm_run, tmp_path, digests) -> None:
    execute_beside(Request(classified.recipe, tmp_path / "run", workers=2))
    assert digests(tmp_path / "run") == digests(calm_run)


def test_another_bound_is_decided_again_with_the_bytes_of_a_fresh_run(classified, calm_run, tmp_path, digests) -> None:
    run, recipe = tmp_path / "run", classified.folder / "bound.yaml"
    recipe.write_text(classified.recipe.read_text("utf-8").replace("at_most: 0.6", "at_most: 0.4"), encoding="utf-8")
    shutil.copytree(calm_run, run)
    execute(Request(recipe, run))
    execute(Request(recipe, tmp_path / "fresh"))
    assert digests(run) == digests(tmp_path / "fresh") != digests(calm_run)


def test_the_run_keeps_every_file_and_another_network_sweeps_them(classified, calm_run, tmp_path, digests) -> None:
    run = tmp_path / "run"
    shutil.copytree(calm_run, run)
    kept = load(run / "recipe.yaml").recipe
    assert [one.key for one in kept.read_classifiers] == [
        one.key for one in load(classified.recipe).recipe.read_classifiers
    ]
    folders = {path.parent for path in (run / "models").rglob("*") if path.is_file()}
    assert len(folders) == 2
    assert not verify(Store.at(run)).faults
    damaged = next((run / "models").rglob("config.json"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + b" ")
    assert [fault.path for fault in verify(Store.at(run)).faults] == [str(damaged.relative_to(run))]
    damaged.write_bytes(whole)
    config = classified.folder / "networks" / "edu" / "config.json"
    before = config.read_bytes()
    try:
        config.write_bytes(before + b"\n")
        execute(Request(classified.recipe, run))
        assert {path.parent for path in (run / "models").rglob("*") if path.is_file()} != folders
        assert len(list((run / "models").iterdir())) == 2
    finally:
        config.write_bytes(before)
    execute(Request(classified.recipe, run))
    assert digests(run) == digests(calm_run)
    assert not verify(Store.at(run)).faults
