"""A run that scores by classifiers: sharded otherwise, changed and changed back, damaged, without the original."""

import shutil
from pathlib import Path

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import verify
from tests.in_process import execute, execute_beside

CLASSIFIERS = """\
classifiers:
  edu: {model: {en: models/en.bin, zh: models/zh.ftz}, positive: good, feeding: words-1}
  kind: {model: models/en.bin, languages: [en], feeding: words-1}
decide:
  - when: {language: en}
    rules: [{signal: kind.raw, at_most: 0.6}]
    presets: [gopher@paper]
    pareto: {signal: edu, alpha: 3}
  - when: {language: zh}
    presets: [chinese@gristmill]
    rules: [{signal: edu, at_least: 0.01}]
"""


@pytest.fixture(scope="module")
def classified(tmp_path_factory, write_corpus, small_models):
    """The small corpus with a recipe that classifies; its tokenizer left out."""
    corpus = write_corpus(tmp_path_factory.mktemp("classified"))
    (corpus.folder / "models").mkdir()
    shutil.copy(small_models.file("en", ".bin"), corpus.folder / "models" / "en.bin")
    shutil.copy(small_models.file("zh", ".ftz"), corpus.folder / "models" / "zh.ftz")
    text = corpus.recipe.read_text(encoding="utf-8")
    head, tail = text.split("classifiers:")[0], text.split("deduplicate:")[1]
    recipe = head + CLASSIFIERS + "deduplicate:" + tail.split("tokenizer:")[0] + "tokenizer: null\n"
    corpus.recipe.write_text(recipe.replace("{threshold: 0.7}", "{threshold: 0.7}\n  quality: edu"), encoding="utf-8")
    return corpus


@pytest.fixture(scope="module")
def calm_run(classified, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "run"
    execute(Request(classified.recipe, run))
    return run


def test_every_document_of_its_languages_has_its_number(calm_run) -> None:
    with Ledger(calm_run) as ledger:
        row = ledger.row(
            """
            SELECT count(*) FILTER (edu IS NULL) AS none,
                count(*) FILTER (lang = 'zh' AND "kind.raw" IS NOT NULL) AS zh,
                count(*) FILTER (lang = 'en' AND abs("kind.raw" + "kind.good" - 1) > 1e-3) AS sums,
                count(DISTINCT edu) AS values, min(edu) AS low, max(edu) AS high
            FROM 'ledger/*.parquet' WHERE verdict <> 'dead'
            """
        )
    assert (row["none"], row["zh"], row["sums"]) == (0, 0, 0)
    assert row["values"] > 50
    assert 0 <= row["low"] < row["high"] <= 1


def test_the_ledger_explains_each_verdict(calm_run) -> None:
    """A rule has fired exactly where its number is past its bound."""
    with Ledger(calm_run) as ledger:
        rows = ledger.rows(
            "SELECT lang, edu, \"kind.raw\" AS kind, edu_pareto3, rules FROM 'ledger/*.parquet' WHERE judged"
        )
    for row in rows:
        if row["lang"] == "en":
            assert ("recipe/edu_pareto3_min" in row["rules"]) == (row["edu_pareto3"] < 0)
            assert ("recipe/kind.raw_max" in row["rules"]) == (row["kind"] > 0.6)
        else:
            assert ("recipe/edu_min" in row["rules"]) == (row["edu"] < 0.01)


def test_two_shardings_and_workers_have_equal_content(classified, calm_run, tmp_path, digests) -> None:
    execute_beside(Request(classified.recipe, tmp_path / "run", workers=2))
    assert digests(tmp_path / "run") == digests(calm_run)


def test_a_model_changed_and_changed_back(classified, calm_run, small_models, tmp_path, digests) -> None:
    run, model = tmp_path / "run", classified.folder / "models" / "en.bin"
    shutil.copytree(calm_run, run)
    other = small_models.train(tmp_path / "other.bin", [("good", "a mill"), ("raw", "the river")] * 50)
    whole = model.read_bytes()
    try:
        shutil.copy(other, model)
        execute(Request(classified.recipe, run))
        assert digests(run) != digests(calm_run)
        kept, replaced = Store.at(run).names("models"), Store.at(calm_run).names("models")
        assert len(kept) == len(replaced)
        assert len(set(kept) - set(replaced)) == 1
    finally:
        model.write_bytes(whole)
    execute(Request(classified.recipe, run))
    assert digests(run) == digests(calm_run)
    assert not verify(Store.at(run)).faults


def test_the_recipe_that_the_run_keeps_names_its_own_copies(classified, calm_run) -> None:
    kept, asked = load(calm_run / "recipe.yaml").recipe, load(classified.recipe).recipe
    assert [one.key for one in kept.read_classifiers] == [one.key for one in asked.read_classifiers]
    assert all(
        model.name in Store.at(calm_run).names("models") for one in kept.read_classifiers for _, model in one.models
    )


def test_a_damaged_copy_is_named_and_made_again(classified, calm_run, tmp_path, digests) -> None:
    run = tmp_path / "run"
    shutil.copytree(calm_run, run)
    copy = next((run / "models").iterdir())
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1] + b"\0")
    assert [fault.path for fault in verify(Store.at(run)).faults] == [f"models/{copy.name}"]
    execute(Request(classified.recipe, run))
    assert copy.read_bytes() == whole
    assert digests(run) == digests(calm_run)


def test_a_model_that_is_no_longer_there(classified, calm_run, tmp_path) -> None:
    model = classified.folder / "models" / "en.bin"
    hidden = model.rename(model.with_suffix(".hidden"))
    try:
        with pytest.raises(RecipeError, match=r"there is no model at 'models/en\.bin'"):
            execute(Request(classified.recipe, tmp_path / "run"))
    finally:
        hidden.rename(model)
