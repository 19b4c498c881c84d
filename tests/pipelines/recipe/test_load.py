"""A recipe loads typed, or every problem is named with its file, line, key and the nearest valid name, all at once."""

import pytest

from pipelines.errors import RecipeError
from pipelines.recipe.load import dump, fingerprint, line_of, load
from pipelines.recipe.schema import Recipe

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
        (("format: jsonl", "format: jsnl"), 5, "unknown value 'jsnl'; did you mean 'jsonl'?"),
        (("64MiB", "64QB"), 7, "'64QB' is not a size"),
        (("2%", "two%"), 12, "'two%' is not a share"),
        (("2%", "200%"), 12, "less than or equal to 1"),
        (("unit_bytes: 64MiB", "unit_bytes: [1]"), 7, "valid integer"),
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


def test_load__missing_file_names_the_nearest(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "recipee.yaml")
    assert "did you mean 'recipe.yaml'?" in caught.value.fix


def test_schema__is_current():
    import json
    from pathlib import Path

    written = json.loads(Path("docs/recipe.schema.json").read_text(encoding="utf-8"))
    assert written == Recipe.model_json_schema(), "run `make docs`"
