"""`gristmill mix plan RECIPE`: a corpus before it is made, from a run of text like it."""

import json
import shutil

import pytest

from gristmill.pipelines.cli.main import app
from gristmill.pipelines.errors import RecipeError


@pytest.fixture
def plan(capsys):
    """Function: arguments -> the first variant's numbers, in this process."""

    def call(*arguments):
        app(["mix", "plan", *map(str, arguments), "--json"], standalone_mode=False)
        return json.loads(capsys.readouterr().out)["variants"][0]

    return call


def test_like__scaled_by_the_bytes_of_each_source(small, small_run, tmp_path, plan):
    folder = tmp_path / "more"
    shutil.copytree(small.folder, folder)
    for n in range(3):
        shutil.copy(folder / "web-0.jsonl", folder / f"web-more-{n}.jsonl")
    size = {name: sum(file.stat().st_size for file in at.glob("web-*.jsonl"))
            for name, at in (("here", folder), ("there", small.folder))}  # fmt: skip
    asked = ("--set", "by=source")
    before, after = plan(small_run, *asked), plan(folder / "recipe.yaml", "--like", small_run, *asked)
    assert after["scales"]["table"] == 1
    assert after["scales"]["web"] == pytest.approx(size["here"] / size["there"])
    for one, two in zip(before["groups"], after["groups"], strict=True):
        assert two["tokens"] == pytest.approx(one["tokens"] * after["scales"][one["group"]], rel=0.01)


def test_a_sample_of_the_recipe__stands_for_the_whole(small, small_run, tmp_path, plan, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_run, tmp_path / "runs" / "mill")
    whole = plan(small.recipe)
    manifest = json.loads((tmp_path / "runs/mill/manifest.json").read_bytes())
    assert whole["total"]["tokens"] == sum(group["tokens"] for group in plan("runs/mill")["groups"])
    assert set(whole["scales"].values()) == {1 / (manifest["sample"] or 1)}


def test_like__a_source_that_nobody_knows(small, small_run):
    corpus = small.with_recipe("other", "  table: {", "  books: {")
    with pytest.raises(RecipeError, match="has no source 'books'"):
        app(["mix", "plan", str(corpus.recipe), "--like", str(small_run)], standalone_mode=False)
    with pytest.raises(RecipeError, match="is of a recipe's plan"):
        app(["mix", "plan", str(small_run), "--like", str(small_run)], standalone_mode=False)
