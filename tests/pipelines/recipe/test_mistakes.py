"""Recipes as people get them wrong: every message names the place and what to do, in our words."""

import re
from importlib.resources import files

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import load

HEAD = "gristmill: 1\nname: t\n"
SOURCE = "sources:\n  web: {format: jsonl, paths: docs.jsonl, text: content, language: en}\n"
BASE = HEAD + SOURCE
GOPHER = BASE + "decide:\n  - when: {language: en}\n    presets: [gopher@paper]\n"
LIBRARIES = re.compile(r"block (end|mapping)|any token|scalar|Input should|Dictionary|validation error|pydantic|yaml\.")
"""Wording of PyYAML's and pydantic's."""

MISTAKES = {
    "tab": (HEAD + "sources:\n\tweb: {format: jsonl}\n", 4, "a tab", "indent with spaces"),
    "full-width colons": ("gristmill：1\nname：t\n", 1, "not a mapping", "write ':' for '：'"),
    "full-width comma": (
        HEAD + "sources:\n  web: {format: jsonl，paths: a.jsonl}\n",
        4,
        "punctuation",
        "write ',' for '，'",
    ),
    "full-width colon of a key": (
        HEAD + "sources:\n  web：\n    format: jsonl\n",
        4,
        "punctuation",
        "write ':' for '：'",
    ),
    "full-width braces": (HEAD + "sources:\n  web: ｛format: jsonl｝\n", 4, "punctuation", "write '{' for '｛'"),
    "full-width colon in braces": (
        HEAD + "sources:\n  web: {format：jsonl, paths: a}\n",
        4,
        "write `format: jsonl`",
        "",
    ),
    "typographic quotes": (HEAD + "sources:\n  web: {format: “jsonl”, paths: a}\n", 4, "did you mean 'jsonl'?", ""),
    "no space behind the colon": (HEAD + "sources:\n  web: {format:jsonl, paths: a}\n", 4, "write `format: jsonl`", ""),
    "indentation": (
        HEAD + "sources:\n  web:\n    format: jsonl\n   paths: a\n",
        6,
        "fits none above",
        "same indentation",
    ),
    "bracket": (HEAD + "sources:\n  web: {format: jsonl, paths: a\nseed: 1\n", 5, "'}' or a comma", "opens at line 4"),
    "star": (HEAD + "sources:\n  web: {format: jsonl, paths: *.jsonl}\n", 4, "begins with '*'", "in quotes"),
    "percent": (HEAD + "sources:\n  web: {format: jsonl, paths: %a.jsonl}\n", 4, "begins with '%'", "in quotes"),
    "backslash": (HEAD + 'sources:\n  web: {format: jsonl, paths: "C:\\data"}\n', 4, "a backslash", "single quotes"),
    "quote": (HEAD + 'sources:\n  web: {format: jsonl, paths: "a}\n', None, "quotation mark", "close it"),
    "key without colon": (HEAD + "sources:\n  web\n    format: jsonl\n", None, "", ""),
    "colon in a text": (HEAD + "sources: web: jsonl\n", 3, "a colon where none can stand", "quotes"),
    "list": ("- gristmill: 1\n- name: t\n", 1, "not a mapping", "without the '- '"),
    "text": ("just a text\n", 1, "not a mapping", "write `key: value` lines"),
    "key twice": (BASE + "name: u\n", 5, "line 5  key 'name' stands here and at line 2", ""),
    "sources as a list": (HEAD + "sources:\n  - {format: jsonl}\n", 3, "expected a mapping from names to sources", ""),
    "columns as a list": (BASE.replace("language: en", "columns: [a]"), 4, "from fields to string, int64", ""),
    "column of an unknown type": (
        BASE.replace("language: en", "columns: {a: float}"),
        4,
        "did you mean 'float64'?",
        "",
    ),
    "path": (BASE.replace("paths", "path"), 4, "did you mean 'paths'?", ""),
    "type": (BASE.replace("format", "type"), 4, "did you mean 'format'?", ""),
    "text_column": (BASE.replace("text:", "text_column:"), 4, "did you mean 'text'?", ""),
    "a field as language": (BASE.replace("language: en", "language: lang"), 4, "`language: {column: lang}`", ""),
    "vocab_size": (BASE + "tokenizer: {vocab_size: 8192}\n", 5, "did you mean 'vocabulary'?", ""),
    "seq_len": (BASE + "tokens: {seq_len: 8192}\n", 5, "did you mean 'sequence_length'?", ""),
    "filters": (BASE + "filters: []\n", 5, "did you mean 'decide'?", ""),
    "dedup": (BASE + "dedup: null\n", 5, "did you mean 'deduplicate'?", ""),
    "output": (BASE + "output: x\n", 5, "`gristmill run --out FOLDER`", ""),
    "workers": (BASE + "num-workers: 4\n", 5, "`gristmill run --workers N`", ""),
    "scrub off": (BASE + "scrub: false\n", 5, "write `null` to turn it off", ""),
    "a bound that is true": (
        GOPHER + "    change: {gopher@paper/words_min: true}\n",
        8,
        "true is not a number; write one, or null",
        "",
    ),
    "a column of ours": (
        BASE.replace("language: en", "language: en, columns: {url: string}"),
        4,
        "it is there already, and `url: FIELD` says which field fills it",
        "",
    ),
    "deduplicate on": (BASE + "deduplicate: true\n", 5, "leave the key out", ""),
    "preset of another version": (
        BASE + "decide:\n  - {when: {language: en}, presets: [fineweb@hf]}\n",
        6,
        "did you mean 'fineweb@",
        "",
    ),
    "rule without its preset": (
        GOPHER + "    change: {word_min: 10}\n",
        8,
        "did you mean 'gopher@paper/words_min'?",
        "",
    ),
    "percent of what is no share": (
        GOPHER + "    change: {gopher@paper/words_min: 20%}\n",
        8,
        "'plain_words' is no share: its unit is 'words'; write a number without '%'",
        "",
    ),
    "percent of what is no share, own rule": (
        BASE + "decide:\n  - rules: [{signal: 'characters', at_most: 90 %}]\n",
        6,
        "decide[0].rules[0].at_most: 'characters' is no share",
        "",
    ),
    "a gate in percent of what is counted": (
        BASE + "gates: [kept_documents >= 50%]\n",
        5,
        "'kept_documents' is no share; 'kept_share' is one",
        "",
    ),
    "bound that is no number": (
        GOPHER + "    change: {gopher@paper/top_2grams: high}\n",
        8,
        "expected a number, of a share also 70%, or null to turn the rule off; got 'high'",
        "",
    ),
    "a key of another level": (BASE + "unit_bytes: 16MB\n", 5, "it belongs in `plan`", ""),
    "a key of a level below": (BASE + "deduplicate: {bands: 8}\n", 5, "it belongs in `minhash`", ""),
    "a list without brackets": (BASE + "decide:\n  - when: {language: en, zh}\n", 6, "in brackets: [a, zh]", ""),
    "a list as a text": (BASE + "decide:\n  - when: {language: 'en, zh'}\n", 6, "in brackets: [en, zh]", ""),
    "a bracket too many": (BASE + "plan: {unit_bytes: 16MB}}\n", 5, "a '}' that opens nowhere", ""),
    "no space behind a dash": (BASE + "decide:\n  -when: {language: en}\n", 5, "a space belongs behind '-'", ""),
    "a source without a name": (HEAD + "sources: {format: jsonl}\n", 3, "a source has a name of its own", ""),
    "a preset as decide": (BASE + "decide: gopher@paper\n", 5, "presets: [gopher@paper]", ""),
    "version in quotes": (BASE.replace("gristmill: 1", "gristmill: '1'"), 1, "without quotes", ""),
    "empty path": (BASE.replace("docs.jsonl", "''"), 4, "an empty path", ""),
    "max_bytes of another format": (BASE.replace("language: en", "max_bytes: 1MB"), 4, "--sample", ""),
    "min": (BASE + "decide:\n  - rules: [{signal: characters, min: 5}]\n", 6, "did you mean 'at_least'?", ""),
    "rule as a text": (BASE + "decide:\n  - rules: ['characters >= 5']\n", 6, "keys signal, at_least, at_most", ""),
    "decide as a mapping": (BASE + "decide:\n  when: {language: en}\n", 5, "expected a list of entries", ""),
    "negative size": (BASE + "plan: {unit_bytes: -16MB}\n", 5, "a size such as 16MB", ""),
    "words for a size": (BASE + "plan: {unit_bytes: 16 megabytes}\n", 5, "'16 megabytes' is not a size", ""),
    "two presets in one text": (
        BASE + "decide:\n  - presets: 'gopher@paper, c4@tfds'\n",
        6,
        "several stand in brackets: [gopher@paper, c4@tfds]",
        "",
    ),
    "presets and a Chinese comma": (
        BASE + "decide:\n  - presets: [gopher@paper，c4@tfds]\n",
        6,
        "several stand in brackets: [gopher@paper, c4@tfds]",
        "",
    ),
    "preset of nobody": (
        BASE + "decide:\n  - {when: {language: en}, presets: [gopher]}\n",
        6,
        "whose numbers it reproduces: gopher@datatrove or gopher@dolma or gopher@paper",
        "",
    ),
    "thousands": (BASE + "tokenizer: {vocabulary: 32k}\n", 5, "got '32k'; write 32000", ""),
    "thousands with a comma": (BASE + "tokenizer: {vocabulary: '32,000'}\n", 5, "; write 32000", ""),
    "decimal comma": (BASE + "deduplicate: {minhash: {threshold: '0,7'}}\n", 5, "got '0,7'; write 0.7", ""),
    "full-width percent": (BASE + "deduplicate: {minhash: {threshold: ７０％}}\n", 5, "; write 70%", ""),
    "percent in words": (BASE + "tokens: {validation: 2 percent}\n", 5, "got '2 percent'; write 2%", ""),
    "percent as a number": (BASE + "deduplicate: {minhash: {threshold: 70}}\n", 5, "a share from 0 to 1", ""),
    "a signal that there is not": (BASE + "deduplicate: {quality: perplexity}\n", 5, "`decide` has no rule", ""),
    "addresses that no source has": (
        HEAD + "sources:\n  web: {format: jsonl, paths: docs.jsonl, url: null}\n"
        "deduplicate: {passages: [{unit: line}, {scope: host}]}\n",
        5,
        "deduplicate.passages[1].scope: no source of this recipe has addresses",
        "",
    ),
    "entity": (BASE + "scrub: {entities: [EMAIL]}\n", 5, "did you mean 'EMAIL_ADDRESS'?", ""),
    "version": (BASE.replace("gristmill: 1", "gristmill: 2"), 1, "`1`; got 2", ""),
    "name in Chinese": (BASE.replace("name: t", "name: 语料"), 2, "letters, digits", ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake__names_the_place_and_what_to_do(tmp_path, mistake):
    text, line, what, fix = MISTAKES[mistake]
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        check(load(file))
    said = caught.value
    assert said.exit_code == 2
    assert said.where.startswith(f"{file}:{line or ''}")
    assert what in said.what
    assert fix in said.fix
    assert not LIBRARIES.search(str(said)), said


def test_mistake__full_width_marks_inside_quotes_are_text(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(BASE + 'train: {options: {note: "宽：的，标点"}}\n', encoding="utf-8")
    assert load(file).recipe.train.options["note"] == "宽：的，标点"


@pytest.mark.parametrize("starter", ["starter.yaml", "starter.zh.yaml"])
def test_starter__every_line_that_it_offers_may_be_taken(tmp_path, starter):
    """A key that is commented out is what somebody uncomments first."""
    text = files("gristmill.pipelines.recipe").joinpath("examples", starter).read_text(encoding="utf-8")
    taken, count = re.subn(r"(?m)^( +)# (\w+: )", r"\1\2", text)
    assert count >= 6
    (tmp_path / "recipe.yaml").write_text(taken, encoding="utf-8")
    check(load(tmp_path / "recipe.yaml"))
