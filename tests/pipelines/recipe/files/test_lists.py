"""`lists` of a recipe: signals that rules can use, told by content, kept with the run; what is wrong is named."""

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
sources: {web: {format: jsonl, paths: a.jsonl, language: zh}}
lists:
  blocked: {domains: bad.txt}
  ut1: {ut1: ut1}
  mixed: {domains: [starter/parking, bad.txt], words: starter/adult}
  swear: {phrases: [starter/profanity, own.txt]}
decide:
  - rules:
      - {signal: blocked, at_most: 0}
      - {signal: ut1.adult, at_most: 0}
      - {signal: mixed.words, at_most: 1}
      - {signal: swear.share, at_most: 0.1}
"""
BARE = "gristmill: 1\nname: own\nsources: {web: {format: jsonl, paths: a.jsonl}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.txt").write_text("bad.com\n坏.中国\n", "utf-8")
    (tmp_path / "own.txt").write_text("坏东西\n", "utf-8")
    for category, domains, urls in (("adult", "porn.com\n", "a.com/x\n"), ("gambling", "bet.cn\n", "")):
        (tmp_path / "ut1" / category).mkdir(parents=True)
        (tmp_path / "ut1" / category / "domains").write_text(domains)
        (tmp_path / "ut1" / category / "urls").write_text(urls)
        (tmp_path / "ut1" / category / "usage").write_text("black\n")
    return tmp_path


def loaded(folder: Path, text: str = RECIPE) -> LoadedRecipe:
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    return load(folder / "recipe.yaml")


def key_of(recipe: LoadedRecipe, folder: Path) -> str:
    return make_job(recipe.recipe, [], Store.at(folder / "run"), 1.0, "text").books["score"].key


def test_lists__their_signals_are_known_and_checked(folder) -> None:
    check(loaded(folder))
    names = {"blocked", "ut1.adult", "ut1.gambling", "mixed.domains", "mixed.words", "swear", "swear.share"}
    assert names <= set(SIGNALS)
    with pytest.raises(RecipeError, match=r"no step emits 'blockd'; did you mean 'blocked'"):
        check(loaded(folder, RECIPE.replace("signal: blocked", "signal: blockd")))
    loaded(folder, BARE)
    assert "blocked" not in SIGNALS


def test_lists__travel_with_their_recipe(folder) -> None:
    recipe = loaded(folder).recipe
    sent = pickle.dumps(recipe)
    loaded(folder, BARE)
    assert pickle.loads(sent).read_lists == recipe.read_lists
    assert "swear.different" in SIGNALS


def test_lists__their_entries_are_the_key_and_not_their_path_order_or_comments(folder) -> None:
    first = key_of(loaded(folder), folder)
    (folder / "other.txt").write_text("# moved\nwww.坏.中国\nBAD.com\n", "utf-8")
    assert key_of(loaded(folder, RECIPE.replace("bad.txt", "other.txt")), folder) == first
    (folder / "other.txt").write_text("bad.com\n", "utf-8")
    assert key_of(loaded(folder, RECIPE.replace("bad.txt", "other.txt")), folder) != first


def test_lists__a_run_keeps_them_and_its_recipe_reads_the_same(folder) -> None:
    recipe = loaded(folder)
    store = Store.at(folder / "run")
    store.prepare()
    keep(store, recipe.recipe)
    (folder / "run" / "recipe.yaml").write_text(dump(recipe.recipe), encoding="utf-8")
    shutil.rmtree(folder / "ut1")
    again = load(folder / "run" / "recipe.yaml")
    assert again.recipe.read_lists == recipe.recipe.read_lists
    assert key_of(again, folder) == key_of(recipe, folder)


WRONG = {
    "blocked: {domains: bad.txt}": {
        "blocked: {domains: bed.txt}": r"line 5 .*'bed.txt' is no file \(did you mean 'bad.txt'\?\)",
        "blocked: {}": "it names no files",
        "blocked: {domains: ut1}": "'ut1' is a folder; name its files",
        "blocked: {domains: starter/porking}": "no shipped list 'starter/porking' of domains; did you mean 'parking'",
        "blocked: {domains: bad.txt, phrases: own.txt}": "make two lists of them",
        "Blocked: {domains: bad.txt}": "is not a name for a signal",
        "lang: {domains: bad.txt}": "is a column of Gristmill's own",
        "words: {domains: bad.txt}": "is Gristmill's own already",
        "blocked: {ut1: bad.txt}": "'bad.txt' is no folder",
        "blocked: {urls: bad.txt}": "line 1 .*with a path",
        "blocked: {kept: bad.txt}": "no list that a run keeps",
    }
}


@pytest.mark.parametrize(("change", "why"), [pair for pairs in WRONG.values() for pair in pairs.items()])
def test_lists__what_is_wrong_is_named_with_its_line(folder, change, why) -> None:
    with pytest.raises(RecipeError, match=why):
        loaded(folder, RECIPE.replace("blocked: {domains: bad.txt}", change))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no entry"),
        (b"\x00\x01", "zero bytes"),
        ("坏.中国".encode("gbk"), "not UTF-8"),
        ("a.cn".encode("utf-16"), "UTF-16"),
    ],
)
def test_lists__a_file_in_another_encoding_or_of_nothing_is_an_error(folder, raw, why) -> None:
    (folder / "bad.txt").write_bytes(raw)
    with pytest.raises(RecipeError, match=rf"'bad.txt'.*{why}"):
        loaded(folder)
