"""What needs the whole recipe: names of presets, rules, signals and sources, and rules on languages they do not fit."""

import re

import pytest

from gristmill.pipelines.cli.writing.init import example
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import load

HEAD = """\
gristmill: 1
name: corpus
sources:
  web: {format: jsonl, paths: a.jsonl}
  books: {format: text, paths: b, language: en}
"""


def run(tmp_path, text):
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    check(load(file))


def what(tmp_path, text) -> str:
    with pytest.raises(RecipeError) as caught:
        run(tmp_path, text)
    return caught.value.what


@pytest.mark.parametrize("name", ["starter", "starter.zh", "demo"])
def test_shipped_recipes__are_valid(tmp_path, name):
    run(tmp_path, example(name))


@pytest.mark.parametrize(
    ("decide", "line", "expected"),
    [
        ("presets: [gofer@paper]", 7, "did you mean 'gopher@paper'?"),
        ("presets: [lines@gristmill:folow+scan]", 7, "no family 'folow' of lines; did you mean 'follow'?"),
        ("presets: [lines@gristmill:scan+scan]", 7, "a family stands twice"),
        ("presets: ['lines@gristmill:']", 7, "no family '' of lines"),
        ("presets: [fineweb2@xx]", 7, "FineWeb-2 has no language 'xx'"),
        ("presets: [fineweb2@french]", 7, "fineweb2@fra_Latn"),
        ("presets: [fineweb2@中文]", 7, "fineweb2@cmn_Hani"),
        ("presets: [fineweb2@sr]", 7, "fineweb2@srp_Cyrl, fineweb2@srp_Latn"),
        ("presets: [fineweb2@en]", 7, "'fineweb@datatrove'"),
        ("{when: {language: en}, presets: [gopher@paper], change: {gopher@paper/word_min: 3}}", 7, "did you mean"),
        ("rules: [{signal: charactrs, at_most: 3}]", 7, "no step emits 'charactrs'; did you mean 'characters'?"),
        ("rules: [{signal: characters}]", 7, "at_least"),
        ("{when: {source: wob}, rules: [{signal: characters, at_most: 3}]}", 7, "did you mean 'web'?"),
        ("{when: {script: Latin}, rules: [{signal: characters, at_most: 3}]}", 7, "did you mean 'Latn'?"),
        ("{when: {language: Anglish}, presets: [gopher@paper]}", 7, "ISO 639-1"),
    ],
)
def test_decide__a_wrong_name_is_an_error_with_its_line(tmp_path, decide, line, expected):
    text = what(tmp_path, f"{HEAD}decide:\n  - {decide}\n")
    assert f"line {line} " in text
    assert expected in text


@pytest.mark.parametrize(
    "when",
    ["{}", "{language: zh}", "{language: [en, zh]}", "{source: web}", "{script: Hani}", "{source: [web, books]}"],
)
def test_decide__english_rules_on_other_languages_are_refused(tmp_path, when):
    text = what(tmp_path, f"{HEAD}decide:\n  - {{when: {when}, presets: [gopher@paper]}}\n")
    assert "gopher@paper is not valid for all that this entry admits" in text


@pytest.mark.parametrize("when", ["{language: en}", "{source: books}", "{language: en, source: web}"])
def test_decide__english_rules_on_english_are_fine(tmp_path, when):
    run(tmp_path, f"{HEAD}decide:\n  - {{when: {when}, presets: [gopher@paper]}}\n")


def test_decide__chinese_rules_on_english_are_refused(tmp_path):
    text = what(tmp_path, f"{HEAD}decide:\n  - {{when: {{language: en}}, presets: [chinese@gristmill]}}\n")
    assert "documents in en" in text


def test_quality__must_be_a_signal_that_some_rule_computes(tmp_path):
    rules = "decide:\n  - rules: [{signal: characters, at_least: 1}]\n"
    run(tmp_path, f"{HEAD}{rules}deduplicate: {{quality: characters}}\n")
    text = what(tmp_path, f"{HEAD}{rules}deduplicate: {{quality: charactres}}\n")
    assert "did you mean 'characters'?" in text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{format: jsonl}", "needs `paths`"),
        ("{format: machine, paths: a}", "reads no paths"),
        ("{format: jsonl, paths: a, language: Chinglish}", "ISO 639-1"),
        ("{format: jsonl, paths: a, columns: {text: string}}", "Gristmill's own"),
    ],
)
def test_sources__what_cannot_be_read_is_an_error(tmp_path, source, expected):
    assert expected in what(tmp_path, f"gristmill: 1\nname: x\nsources:\n  web: {source}\n")


def test_sources__one_column_cannot_have_two_types(tmp_path):
    sources = (
        "  a: {format: jsonl, paths: a, columns: {n: int64}}\n  b: {format: jsonl, paths: b, columns: {n: string}}\n"
    )
    assert "'n' is int64 in another source" in what(tmp_path, f"gristmill: 1\nname: x\nsources:\n{sources}")


def test_scrub__unknown_entity_names_the_nearest(tmp_path):
    assert "did you mean 'EMAIL_ADDRESS'?" in what(tmp_path, HEAD + "scrub: {entities: [EMAIL_ADRESS]}\n")
    assert "needs a language model" in what(tmp_path, HEAD + "scrub: {entities: [LOCATION]}\n")


@pytest.mark.parametrize(
    ("scrub", "said"),
    [
        ("operator: redact", "tag"),
        ("operator: hash", "'hash' needs a key"),
        ("operators: {PERSON: surrogate}", "'surrogate' needs a key"),
        ("operators: {PERSONS: mask}", "did you mean 'PERSON'?"),
        ("without: pattern", "did you mean 'patterns'?"),
        ("allow: [exmaples]", "did you mean 'examples'?"),
        ("drop_above: {EMAIL_ADRESS: 3}", "did you mean 'EMAIL_ADDRESS'?"),
        ("drop_above: {PERSON: 3}", "'PERSON' is not looked for"),
        ("operators: {US_NPI: tag}", "'US_NPI' is not looked for"),
        ("entities: URL, sources: {a: {operators: {secrets: mask}}}", "'secrets' is not looked for"),
        ("entities: URL, without: URL", "nothing is left to look for"),
        ("drop_above: {all: -1}", "0"),
        ("drop_above: {all: true}", "drop_above"),
        ("without: secrets, sources: {a: {drop_above: {API_KEY: 0}}}", "'API_KEY' is not looked for"),
        ("sources: {nowhere: {without: [secrets]}}", "'nowhere' is no source"),
    ],
)
def test_scrub__policies(tmp_path, scrub, said):
    assert said in what(tmp_path, HEAD + f"scrub: {{{scrub}}}\n")


@pytest.mark.parametrize(
    "column", ["drop", "drop_step", "raw_bytes", "declared_language", "row", "doc_id", "meta", "text"]
)
def test_columns__named_as_those_of_a_batch_are_refused(tmp_path, column):
    text = what(tmp_path, HEAD.replace("a.jsonl}", f"a.jsonl, columns: {{{column}: string}}}}"))
    assert f"'{column}' is a column of Gristmill's own" in text


SHARES = (
    HEAD
    + """\
decide:
  - when: {language: en}
    presets: [gopher@paper]
    change: {gopher@paper/top_2grams: 15%, gopher@paper/words_min: 30}
    rules: [{signal: letter_fraction, at_least: 60 %}]
  - when: {language: zh}
    rules: [{signal: letter_fraction, at_least: 5%}]
deduplicate: {minhash: {threshold: 70%, recall: 95%}, max_lost: 50%}
decontaminate: {threshold: 80%, sets: {asked: {paths: asked.jsonl}}}
tokens: {validation: 2%}
gates: [kept_share >= 10%]
"""
)


def test_share__may_be_written_in_percent_wherever_one_is_meant(tmp_path):
    (tmp_path / "asked.jsonl").write_text('{"question": "Who grinds the grain of the four villages by the river?"}\n')
    run(tmp_path, SHARES)
    percent = load(tmp_path / "recipe.yaml")
    (tmp_path / "recipe.yaml").write_text(
        re.sub(r"([0-9]+) ?%(?!\])", lambda found: str(int(found[1]) / 100), SHARES), encoding="utf-8"
    )
    number = load(tmp_path / "recipe.yaml")
    assert number.percents == ()
    assert len(percent.percents) == 3
    assert (percent.recipe, percent.sha256) == (number.recipe, number.sha256)
