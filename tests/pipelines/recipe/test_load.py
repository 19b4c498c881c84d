"""A recipe loads typed, or every problem is named with its file, line, key and the nearest valid name, all at once."""

import os
import time
from pathlib import Path

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import dump, fingerprint, line_of, load

GOOD = """\
gristmill: 1
name: 语料
sources:
  web:
    format: jsonl
    paths: data/*.jsonl
plan: {unit_bytes: 64MiB}
decide:
  - when: {language: zh}
    presets: chinese@gristmill
tokens:
  validation: 2%
""".replace("语料", "corpus")


def write(tmp_path, text):
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(tmp_path, text) -> str:
    with pytest.raises(RecipeError) as caught:
        load(write(tmp_path, text))
    assert caught.value.exit_code == 2
    assert "recipe.yaml" in caught.value.where
    return caught.value.what


def test_load__values_are_typed_and_lines_known(tmp_path):
    loaded = load(write(tmp_path, GOOD))
    assert loaded.recipe.plan.unit_bytes == 64 * 2**20
    assert loaded.recipe.tokens.validation == 0.02
    assert loaded.recipe.decide[0].presets == ["chinese@gristmill"]
    assert loaded.recipe.sources["web"].paths == ["data/*.jsonl"]
    assert line_of(loaded.lines, ("decide", 0, "presets")) == 10
    assert line_of(loaded.lines, ("decide", 0, "presets", 3, "x")) == 10
    assert loaded.where("plan", "unit_bytes").endswith("recipe.yaml:7, plan.unit_bytes")


def test_dump__is_a_recipe_with_all_defaults_that_means_the_same(tmp_path):
    loaded = load(write(tmp_path, GOOD))
    again = load(write(tmp_path, dump(loaded.recipe)))
    assert again.recipe == loaded.recipe
    assert again.sha256 == loaded.sha256 == fingerprint(loaded.recipe)
    assert "bands: 16" in dump(loaded.recipe)


@pytest.mark.parametrize(
    ("change", "line", "expected"),
    [
        (("format: jsonl", "fromat: jsonl"), 5, "unknown key 'fromat'; did you mean 'format'?"),
        (("format: jsonl", "format: jsnl"), 5, "unknown format 'jsnl'; did you mean 'jsonl'?"),
        (("64MiB", "64QB"), 7, "'64QB' is not a size"),
        (("2%", "two%"), 12, "'two%' is not a share"),
        (("2%", "200%"), 12, "expected a share from 0 to 1"),
        (("unit_bytes: 64MiB", "unit_bytes: [1]"), 7, "expected a size such as 16MB"),
        (("gristmill: 1", "gristmill: 2"), 1, "gristmill"),
        (("name: corpus", "name: a b"), 2, "name"),
        (("name: corpus", "nam: corpus"), 2, "unknown key 'nam'; did you mean 'name'?"),
    ],
)
def test_load__a_problem_names_line_key_and_nearest_name(tmp_path, change, line, expected):
    what = problems(tmp_path, GOOD.replace(*change))
    assert f"line {line} " in what
    assert expected in what


def test_load__all_problems_at_once_in_order(tmp_path):
    what = problems(tmp_path, GOOD.replace("64MiB", "x").replace("format: jsonl", "format: x").replace("2%", "x%"))
    assert what.startswith("3 problems")
    assert what.index("line 5 ") < what.index("line 7 ") < what.index("line 12 ")


def test_load__duplicate_keys_show_both_lines(tmp_path):
    what = problems(tmp_path, GOOD + "plan: {unit_bytes: 1MB}\n")
    assert "'plan'" in what
    assert "line 7" in what


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [", "a: b: c\n", "\ta: 1\n", "a: \x07\n"])
def test_load__not_a_recipe_at_all(tmp_path, text):
    assert problems(tmp_path, text)


HOSTILE = {
    "billion laughs": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 13, "anchor 'a'"),
    "anchor": ("read: &r {max_record_bytes: 1MB}\n", 13, "anchor 'r'"),
    "alias": ("read: *r\n", 13, "anchor 'r'"),
    "object": ("x: !!python/object/apply:os.system ['true']\n", 13, "tag 'tag:yaml.org,2002:python/object"),
    "binary": ("x:\n  !!binary aGk=\n", 14, "tag"),
    "set": ("x: !!set {a, b}\n", 13, "tag"),
    "timestamp": ("x: !!timestamp 2001-01-01\n", 13, "tag"),
    "own tag": ("x: !y z\n", 13, "tag '!y'"),
    "merge": ("read: {<<: {max_record_bytes: 1MB}}\n", 13, "merge"),
    "deep lists": ("\nx: " + "[" * 10_000, 14, "nesting of more than 32 levels"),
    "deep mappings": ("x: " + "{a: " * 10_000, 13, "nesting"),
    "deep keys": ("? " * 10_000, 13, "nesting"),
    "many values": ("x: [" + "1," * 100_000 + "1]\n", 13, "more than 20,000 values"),
    "many unknown keys": ("x0: 1\n" + "".join(f"x{i}: 1\n" for i in range(1, 9_000)), 13, "more than 50 problems"),
    "key is a list": ("? [a]\n: b\n", 13, "a key that is no text"),
    "key is a mapping": ("{a: b}: c\n", 13, "a key that is no text"),
    "second document": ("---\ngristmill: 1\n", 13, "second document"),
    "NUL": ("# 一\nx: a\0b\n", 14, "U+0000"),
    "escape": ("# \x1b[31m\n", 13, "U+001B"),
    "half a character": ('x: "\\ud800"\n', 13, "half a surrogate pair"),
    "huge exponent": ("seed: 1e400\n", 13, "too large"),
    "huge exponent in quotes": ("decide: [{rules: [{signal: words, at_least: '1e400'}]}]\n", 13, "finite"),
    "many digits": ("seed: " + "9" * 10_000 + "\n", 13, "too large"),
    "many digits in quotes": ("seed: '" + "9" * 10_000 + "'\n", 13, "seed"),
    "infinite": ("seed: .inf\n", 13, "'.inf'"),
    "none": ("seed: .nan\n", 13, "'.nan'"),
    "hexadecimal": ("seed: 0x1F\n", 13, "'0x1F'"),
    "octal": ("seed: 0777\n", 13, "'0777'"),
    "sexagesimal": ("seed: 1:30:00\n", 13, "'1:30:00'"),
    "negative size": ("read: {max_record_bytes: -1}\n", 13, "from 1 B"),
    "absurd size": ("read: {max_record_bytes: 1e30}\n", 13, "max_record_bytes"),
    "absurd size with unit": ("read: {max_record_bytes: 1e400MB}\n", 13, "not a size"),
    "share that is none": ("extract: {max_depth: nan}\n", 13, "max_depth"),
    "control characters in a name": ('"a\\e[31m\\u202e": 1\n', 13, "unknown key 'a\\x1b[31m\\u202e'"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_load__yaml_that_is_more_than_a_recipe(tmp_path, case):
    """An error with its line, at once: no traceback, no blow-up."""
    text, line, expected = HOSTILE[case]
    if text.startswith("decide"):
        text = GOOD[: GOOD.index("decide")] + text
        line = 8
    else:
        text = GOOD + text
    began = time.process_time()
    with pytest.raises(RecipeError) as caught:
        load(write(tmp_path, text))
    assert time.process_time() - began < 10
    assert caught.value.where.endswith(f"recipe.yaml:{line}")
    assert expected in caught.value.what
    assert len(str(caught.value)) < 20_000


@pytest.mark.parametrize(
    ("written", "value"), [("2024-13-45", "2024-13-45"), ("no", "no"), ("'1:30'", "1:30"), ("off", "off")]
)
def test_load__what_only_old_yaml_takes_for_something_else_is_text(tmp_path, written, value):
    """Norwegian is `no`, and a date is a name like others."""
    loaded = load(write(tmp_path, GOOD.replace("format: jsonl", f"format: jsonl\n    language: {written}")))
    assert loaded.recipe.sources["web"].language == value


@pytest.mark.parametrize(("data", "line"), [("# 一\n".encode() + b"# caf\xe9\n", 2), (GOOD.encode("utf-16"), 1)])
def test_load__other_encodings_are_named(tmp_path, data, line):
    (tmp_path / "recipe.yaml").write_bytes(data)
    with pytest.raises(RecipeError, match="not UTF-8") as caught:
        load(tmp_path / "recipe.yaml")
    assert caught.value.where.endswith(f"recipe.yaml:{line}")
    (tmp_path / "recipe.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load(tmp_path / "recipe.yaml").recipe.name == "corpus"


def test_load__only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").write_text("# " + "x" * 2_000_000)
    for path in (tmp_path, tmp_path / "fifo", tmp_path / "loop", tmp_path / "large", Path("/dev/zero")):
        with pytest.raises(RecipeError) as caught:
            load(path)
        assert str(path) in caught.value.where


def test_load__missing_file_names_the_nearest(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "recipee.yaml")
    assert "did you mean 'recipe.yaml'?" in caught.value.fix
