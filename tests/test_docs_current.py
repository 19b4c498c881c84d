"""Pages that are made from the code are current, and every command stands in both READMEs."""

from pathlib import Path

import pytest
import yaml

from gristmill.pipelines.cli.docs import DOCS, pages
from gristmill.pipelines.cli.main import Commands
from gristmill.pipelines.cli.writing.init import example


def test_generated_pages__are_current():
    stale = [name for name, text in pages().items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_readme__names_every_command(readme):
    text = Path(readme).read_text(encoding="utf-8")
    for name in Commands.table:
        assert f"`{name}" in text, name


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_readme__its_recipe_is_valid(readme, tmp_path):
    from gristmill.pipelines.recipe.check import check
    from gristmill.pipelines.recipe.load import load

    text = Path(readme).read_text(encoding="utf-8")
    recipe = text.split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe, encoding="utf-8")
    check(load(file))


def test_starter__says_the_same_in_both_languages():
    english, chinese = (example(name).splitlines() for name in ("starter", "starter.zh"))
    assert [line.partition("#")[0].rstrip() for line in english] == [
        line.partition("#")[0].rstrip() for line in chinese
    ]
    assert yaml.safe_load("\n".join(english)) == yaml.safe_load("\n".join(chinese))


@pytest.mark.parametrize("name", Commands.table)
def test_help__has_an_example_a_paragraph(name):
    """Rich joins the lines of a paragraph: two commands would read as one."""
    paragraphs = (Commands.table[name].listed(name).help or "").split("\n\n")
    assert [text for text in paragraphs if text.count("\ngristmill ") or text.count("\n    gristmill ")] == []
