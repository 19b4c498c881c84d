"""Classifiers of a recipe: found, checked, keyed by their content, and what is wrong with them said with a line."""

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import pytest

from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import LoadedRecipe, dump, load
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.storage.models import keep
from gristmill.pipelines.storage.store import Store

RECIPE = """\
gristmill: 1
name: own
sources: {web: {format: jsonl, paths: "*.jsonl"}}
classifiers:
  edu: {model: edu.bin, positive: good, languages: [en], feeding: words-1}
decide:
  - when: {language: en}
    rules: [{signal: edu, at_least: 0.5}]
"""


@pytest.fixture
def folder(tmp_path, small_models) -> Path:
    """A recipe's folder with models for English and Chinese."""
    for lang, name in (("en", "edu.bin"), ("zh", "zh.bin")):
        shutil.copy(small_models.file(lang), tmp_path / name)
    return tmp_path


@pytest.fixture(autouse=True)
def _forget():
    yield
    from gristmill.filters.quality.signals import declare

    declare([], [])


def loaded(folder: Path, recipe: str = RECIPE) -> LoadedRecipe:
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return load(folder / "recipe.yaml")


def with_card(folder: Path, name: str, **said: object) -> None:
    """Put a model into a folder with a card."""
    place = folder / name
    place.mkdir()
    shutil.copy(folder / "edu.bin", place / "model.bin")
    sha256 = hashlib.sha256((place / "model.bin").read_bytes()).hexdigest()
    card = {"feeding": "words-1", "sha256": sha256, "positive": "good", "languages": ["en"], **said}
    (place / "card.json").write_text(json.dumps(card), encoding="utf-8")


def key_of(recipe: LoadedRecipe, folder: Path) -> str:
    return make_job(recipe.recipe, [], Store.at(folder / "run"), 1.0, "text").books["score"].key


def test_a_classifier__its_signal_is_known_and_checked(folder) -> None:
    recipe = loaded(folder)
    check(recipe)
    assert SIGNALS["edu"].languages == {"en"}
    with pytest.raises(RecipeError, match=r"line 8 .*no step emits 'edv'; did you mean 'edu'"):
        check(loaded(folder, RECIPE.replace("signal: edu", "signal: edv")))


def test_a_classifier__another_recipe_does_not_see_it(folder) -> None:
    loaded(folder)
    loaded(folder, "gristmill: 1\nname: own\nsources: {web: {format: jsonl, paths: a.jsonl}}\n")
    assert "edu" not in SIGNALS


def test_a_classifier__travels_with_its_recipe(folder) -> None:
    recipe = loaded(folder).recipe
    sent = pickle.dumps(recipe)
    loaded(folder, "gristmill: 1\nname: own\nsources: {web: {format: jsonl, paths: a.jsonl}}\n")
    assert pickle.loads(sent).read_classifiers == recipe.read_classifiers
    assert "edu" in SIGNALS


def test_a_classifier__its_content_is_the_key_and_not_its_path(folder) -> None:
    first = key_of(loaded(folder), folder)
    (folder / "moved").mkdir()
    shutil.move(folder / "edu.bin", folder / "moved" / "other.bin")
    assert key_of(loaded(folder, RECIPE.replace("edu.bin", "moved/other.bin")), folder) == first
    shutil.copy(folder / "zh.bin", folder / "moved" / "other.bin")
    assert key_of(loaded(folder, RECIPE.replace("edu.bin", "moved/other.bin")), folder) != first


def test_a_classifier__what_it_was_trained_on_is_not_in_the_key(folder) -> None:
    first = key_of(loaded(folder), folder)
    train = "feeding: words-1, train: {good: {run: a}, raw: {run: b}}"
    assert key_of(loaded(folder, RECIPE.replace("feeding: words-1", train)), folder) == first


def test_a_run_keeps_the_model_and_its_recipe_reads_the_same(folder) -> None:
    with_card(folder, "edu")
    recipe = loaded(
        folder, RECIPE.replace("{model: edu.bin, positive: good, languages: [en], feeding: words-1}", "{model: edu}")
    )
    store = Store.at(folder / "run")
    store.prepare()
    keep(store, recipe.recipe)
    (folder / "run" / "recipe.yaml").write_text(dump(recipe.recipe), encoding="utf-8")
    again = load(folder / "run" / "recipe.yaml")
    assert [one.key for one in again.recipe.read_classifiers] == [one.key for one in recipe.recipe.read_classifiers]
    shutil.rmtree(folder / "edu")
    load(folder / "run" / "recipe.yaml")


def test_a_card__says_the_rest(folder) -> None:
    with_card(folder, "edu")
    for path in ("edu", "edu/", "edu/model.bin"):
        (edu,) = loaded(
            folder,
            RECIPE.replace("{model: edu.bin, positive: good, languages: [en], feeding: words-1}", f"{{model: {path}}}"),
        ).recipe.read_classifiers
        assert edu.signals == (("edu", "good"),)
        assert edu.languages == {"en"}
    (edu,) = loaded(
        folder,
        RECIPE.replace("model: edu.bin, positive: good, languages: [en], feeding: words-1", "")
        .replace("edu: {}", "edu: {model: null}")
        .replace("model: null", "model: edu"),
    ).recipe.read_classifiers
    assert edu.models[0][1].feeding == "words-1"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("edu.bin", "gone.bin", r"line 5  classifiers.edu.model: there is no model at 'gone.bin'.*name a .bin or .ftz"),
        ("edu.bin", "edv.bin", r"no model at 'edv.bin' \(did you mean 'edu.bin'\?\)"),
        ("edu.bin", "other", r"no model at 'other'"),
        ("edu.bin", "recipe.yaml", r"'recipe.yaml': this is no fastText model"),
        ("positive: good", "positive: hq", r"classifiers.edu.positive: the model has no label 'hq'; its labels are"),
        ("languages: [en]", "languages: [englisch]", r"'englisch' is not an ISO 639-1 code"),
        ("model: edu.bin", "model: {}", r"no model is named"),
        ("edu.bin, positive: good, languages: [en]", "{en: edu.bin, xx: zh.bin}", r"'xx' is not an ISO 639-1"),
        ("model: edu.bin", "model: {zh: zh.bin}", r"edu.languages: there is no model for en; there is one for zh"),
        ("  edu: {", "  Edu-1: {", r"'Edu-1' is not a name for a signal; use small letters"),
        ("  edu: {", "  bytes: {", r"'bytes' is a column of Gristmill's own; choose another name"),
        ("  edu: {", "  plain_words: {", r"the signal 'plain_words' is Gristmill's own already; choose another name"),
        ("words-1", "words-9", r"unknown value 'words-9'; did you mean 'words-1'"),
        ("model: edu.bin", "modle: edu.bin", r"unknown key 'modle'; did you mean 'model'"),
        ("model: edu.bin", "model: [edu.bin]", r"expected a path, `starter`, or a mapping from languages to paths"),
        ("model: edu.bin", "model: 's3://bucket/edu.bin'", r"is an address, which cannot be read here"),
    ],
)
def test_what_is_wrong__is_said_with_its_line(folder, old, new, message) -> None:
    assert old in RECIPE
    with pytest.raises(RecipeError, match=message):
        check(loaded(folder, RECIPE.replace(old, new)))


def test_what_is_wrong__a_model_that_is_still_to_be_trained(folder) -> None:
    asked = "edu: {train: {good: {run: a}, raw: {run: b}}}"
    recipe = RECIPE.replace("edu: {model: edu.bin, positive: good, languages: [en], feeding: words-1}", asked)
    with pytest.raises(
        RecipeError, match=r"no model at 'classifiers/edu'; train it: gristmill classifier train RECIPE edu"
    ):
        loaded(folder, recipe)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"sha256": "0" * 64}, "is of another model; put the two together, or train again"),
        ({"feeding": "words-0"}, "was trained on the feeding 'words-0', and this version knows words-1, plain"),
        ({"languages": ["zh"]}, r"classifiers.edu.languages: the model was trained on zh, not on en"),
    ],
)
def test_what_is_wrong__a_card_that_contradicts(folder, said, message) -> None:
    with_card(folder, "edu", **said)
    with pytest.raises(RecipeError, match=message):
        loaded(folder, RECIPE.replace("edu.bin", "edu"))


def test_what_is_wrong__a_model_of_another_language(folder) -> None:
    with_card(folder, "edu")
    with pytest.raises(RecipeError, match="the model was trained on en, not on zh; name a model for it, or train one"):
        loaded(folder, RECIPE.replace("edu.bin", "{en: edu, zh: edu}").replace("languages: [en], ", ""))
    with pytest.raises(RecipeError, match=r"recipe is not valid for all that this entry admits \(documents in zh"):
        check(loaded(folder, RECIPE.replace("when: {language: en}", "when: {language: zh}")))
    with pytest.raises(RecipeError, match=r"documents of every language"):
        check(loaded(folder, RECIPE.replace("when: {language: en}", "when: {}")))


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"\xba\x16O/\x0c\0\0\0", b"PK\x03\x04" + b"x" * 4000])
def test_what_is_wrong__a_file_that_is_no_model(folder, data) -> None:
    (folder / "edu.bin").write_bytes(data)
    with pytest.raises(RecipeError, match=r"line 5  classifiers.edu.model: 'edu.bin': "):
        loaded(folder)


def test_pareto__is_a_rule_on_a_signal_of_its_own(folder) -> None:
    recipe = RECIPE.replace("rules: [{signal: edu, at_least: 0.5}]", "pareto: {signal: edu, alpha: 4.5}")
    check(loaded(folder, recipe))
    assert "edu_pareto4.5" in SIGNALS
    with pytest.raises(RecipeError, match=r"decide\[0\].pareto.signal: no step emits 'edv'; did you mean 'edu'"):
        check(loaded(folder, recipe.replace("signal: edu,", "signal: edv,")))
    with pytest.raises(RecipeError, match=r"a draw needs a share"):
        check(loaded(folder, recipe.replace("signal: edu,", "signal: plain_words,")))
    with pytest.raises(RecipeError, match=r"documents in zh"):
        check(loaded(folder, recipe.replace("language: en", "language: zh")))
    with pytest.raises(RecipeError, match=r"expected a number, more than 0"):
        check(loaded(folder, recipe.replace("4.5", "0")))


def test_languages__choose_among_the_models(folder) -> None:
    one = RECIPE.replace("model: edu.bin, positive: good", "model: starter").replace(", feeding: words-1", "")
    (edu,) = loaded(folder, one).recipe.read_classifiers
    assert [language for language, _ in edu.models] == ["en"]
    assert edu.languages == {"en"}
    with pytest.raises(RecipeError, match=r"edu\.languages: there is no model for fr; there is one for en, zh"):
        loaded(folder, one.replace("languages: [en]", "languages: [en, fr]"))
