"""What a recipe says and can hardly mean is a warning that names the entry."""

import pytest

from gristmill.pipelines.cli.writing.init import example
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.deduplication import Deduplicate, Passages
from gristmill.pipelines.recipe.doubts import _idle, doubts
from gristmill.pipelines.recipe.load import load

HEAD = """\
gristmill: 1
name: corpus
sources:
  web: {format: jsonl, paths: a.jsonl}
  books: {format: text, paths: b, language: en}
decide:
"""


def found(tmp_path, *entries: str) -> list[str]:
    file = tmp_path / "recipe.yaml"
    file.write_text(HEAD + "".join(f"  - {entry}\n" for entry in entries), encoding="utf-8")
    loaded = load(file)
    check(loaded)
    return doubts(loaded)


ENGLISH = "{when: {language: en}, presets: [gopher@paper]}"
ANY = "{presets: [any@gristmill]}"


@pytest.mark.parametrize("name", ["starter", "demo"])
def test_shipped_recipes__leave_no_doubt(tmp_path, name):
    (tmp_path / "recipe.yaml").write_text(example(name), encoding="utf-8")
    assert doubts(load(tmp_path / "recipe.yaml")) == []


@pytest.mark.parametrize(("otherwise", "expected"), [("keep", "keeps every document"), ("drop", "drops every doc")])
def test_doubts__a_recipe_that_decides_nothing(tmp_path, otherwise, expected):
    file = tmp_path / "recipe.yaml"
    file.write_text(HEAD.replace("decide:\n", f"otherwise: {otherwise}\n"), encoding="utf-8")
    (doubt,) = doubts(load(file))
    assert expected in doubt


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{rules: [{signal: characters, at_least: 9, at_most: 5}]}", "recipe/characters_min (>= 9) and"),
        ("{rules: [{signal: characters, at_least: 9}, {signal: characters, at_most: 5}]}", "exclude each other"),
        ("{when: {language: en}, presets: [gopher@paper], rules: [{signal: plain_words, at_most: 9}]}",
         "gopher@paper/words_min (>= 50) and recipe/plain_words_max (<= 9)"),
        ("{when: {language: en}, presets: [gopher@paper], change: {gopher@paper/words_min: 200000}}",
         "exclude each other"),
        ("{rules: [{signal: letter_fraction, at_least: 50}]}", "is a share, at most 1"),
        ("{rules: [{signal: characters, at_most: -1}]}", "never below 0"),
        ("{presets: [any@gristmill, any@gristmill]}", "any@gristmill is named 2 times"),
    ],
)  # fmt: skip
def test_doubts__an_entry_that_drops_everything_or_says_a_thing_twice(tmp_path, entry, expected):
    (doubt,) = found(tmp_path, entry)
    assert expected in doubt
    assert "recipe.yaml:7, decide[0]" in doubt


@pytest.mark.parametrize(
    "entry",
    [
        "{rules: [{signal: characters, at_least: 5, at_most: 5}]}",
        "{when: {language: en}, presets: [gopher@paper, fineweb@datatrove, c4@tfds, fineweb@datatrove]}",
        "{rules: [{signal: letter_fraction, at_least: 1}, {signal: characters, at_most: 0}]}",
    ],
)
def test_doubts__bounds_that_leave_something_are_fine(tmp_path, entry):
    assert [doubt for doubt in found(tmp_path, entry) if "named" not in doubt] == []


@pytest.mark.parametrize(
    "entries",
    [
        (ANY, ENGLISH),
        (ENGLISH, ENGLISH),
        ("{when: {language: [zh, en]}, presets: [any@gristmill]}", ENGLISH),
        ("{when: {language: en}, presets: [any@gristmill]}", "{when: {source: books}, presets: [gopher@paper]}"),
        ("{when: {source: [web, books]}, presets: [any@gristmill]}", ENGLISH),
        ("{when: {source: web}, presets: [any@gristmill]}", "{when: {language: en}, presets: [gopher@paper]}",
         "{when: {source: books}, presets: [gopher@paper]}"),
        ("{when: {script: [Latn, Hani]}, presets: [any@gristmill]}",
         "{when: {script: Latn}, presets: [any@gristmill]}"),
        ("{when: {language: zh}, presets: [any@gristmill]}", "{when: {language: en}, presets: [any@gristmill]}",
         "{when: {language: [en, zh]}, presets: [any@gristmill]}"),
        (ENGLISH, "{when: {source: books, language: zh}, presets: [chinese@gristmill]}"),
    ],
)  # fmt: skip
def test_doubts__an_entry_that_nothing_reaches(tmp_path, entries):
    (doubt,) = found(tmp_path, *entries)
    assert "nothing reaches this entry" in doubt
    assert f"decide[{len(entries) - 1}]" in doubt


@pytest.mark.parametrize(
    "entries",
    [
        (ENGLISH, ANY),
        (ENGLISH, "{when: {language: [en, zh]}, presets: [any@gristmill]}"),
        ("{when: {source: books}, presets: [gopher@paper]}", ENGLISH),
        ("{when: {language: en, script: Latn}, presets: [any@gristmill]}", ENGLISH),
        ("{when: {script: Latn}, presets: [any@gristmill]}", ENGLISH, ANY),
    ],
)
def test_doubts__entries_that_something_reaches(tmp_path, entries):
    assert found(tmp_path, *entries) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "deduplicate: {minhash: {threshold: 0.7%}}",
            "deduplicate.minhash.threshold: documents go as duplicates that are",
        ),
        ("tokens: {validation: 100%}", "none is left to train on"),
        ("tokens: {validation: 60%, test: 40%}", "none is left to train on"),
        ("deduplicate: {exact: false, minhash: null}", "deduplicate: nothing is compared"),
        ("deduplicate: {minhash: null, max_lost: 5%}", "deduplicate.max_lost: it bounds nothing"),
        ("deduplicate: {max_cut: 50%}", "deduplicate.max_cut: it bounds nothing"),
        ("deduplicate: {minhash: {threshold: 30%}}", None),
        ("deduplicate: {exact: false, minhash: null, substrings: {}, max_cut: 50%}", None),
        ("deduplicate: {minhash: null, urls: {}}", None),
        ("tokens: {validation: 60%, test: 39%}", None),
    ],
)
def test_doubts__shares_that_can_hardly_be_meant_and_keys_that_are_idle(tmp_path, line, expected):
    (tmp_path / "recipe.yaml").write_text(f"{HEAD}  - {ENGLISH}\n  - {ANY}\n{line}\n", encoding="utf-8")
    said = doubts(load(tmp_path / "recipe.yaml"))
    assert len(said) == (expected is not None)
    assert (expected or "") in "".join(said)


def test_doubts__an_index_with_which_nothing_is_compared():
    options = Deduplicate(exact=False, minhash=None, passages=[Passages()], against=["indexes/crawl-1"])
    ((path, doubt),) = _idle(options)
    assert path == ("against",)
    assert "nothing is compared with it" in doubt
