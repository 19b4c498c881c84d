"""A format of a user's own: a function in a plugin, read as any other format is."""

import gzip
from pathlib import Path

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe.files.plugins import declare_plugins
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.inputs.plan import plan_source

PLUGIN = """
import gristmill

@gristmill.reader("notes", suffixes=(".note",))
def read_notes(file):
    for number, block in enumerate(file.read().decode().split("---")):
        title, _, body = block.strip().partition(":")
        if title == "broken":
            raise ValueError("secret words of the note")
        yield {"title": title, "body": body.strip(), "extra": {1, 2} if title == "odd" else number}
"""
RECIPE = """\
gristmill: 1
name: notes
plugins: [notes.py]
sources: {mine: {format: notes, paths: ".", text: body, id: title}}
"""
NOTES = "one: first note --- 二: 第二条笔记 --- odd: never --- three: third --- broken: x --- four: lost"


@pytest.fixture
def recipe(tmp_path: Path):
    (tmp_path / "notes.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "a.note").write_text(NOTES, encoding="utf-8")
    (tmp_path / "b.note.gz").write_bytes(gzip.compress(b"five: fifth", mtime=0))
    (tmp_path / "c.other").write_text("six: not a note", encoding="utf-8")
    yield load(tmp_path / "recipe.yaml").recipe
    declare_plugins([])


def records(recipe, folder: Path):
    source = recipe.sources["mine"]
    units = plan_source("mine", source, folder, 1000)
    return [got for unit in units for got in read_unit(unit, source, recipe.read, recipe.extract)]


def test_format__documents_and_dead_letters(recipe, tmp_path) -> None:
    found = records(recipe, tmp_path)
    rows = [row for got in found for row in got.batch.to_pylist()]
    assert [(row["id"], row["text"]) for row in rows] == [
        ("one", "first note"), ("二", "第二条笔记"), ("three", "third"), ("five", "fifth"),
    ]  # fmt: skip
    errors = [dead.error for got in found for dead in got.dead]
    assert errors == [
        "TypeError: field 'extra' is of the type set, which JSON does not know",
        f"ValueError at notes.py:{1 + PLUGIN[: PLUGIN.index('raise')].count(chr(10))} (rest of the file)",
    ]


def test_format__unknown_without_its_plugin(recipe, tmp_path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("notes,", "note,"), encoding="utf-8")
    with pytest.raises(RecipeError, match="unknown format 'note'; did you mean 'notes'"):
        load(tmp_path / "recipe.yaml")
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("plugins: [notes.py]\n", ""), encoding="utf-8")
    with pytest.raises(RecipeError, match="unknown format 'notes'"):
        load(tmp_path / "recipe.yaml")
