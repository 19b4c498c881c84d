"""Mixtures of real runs: `mix plan RECIPE`, before a corpus is made, and a written mixture exported."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.cli.main import app
from gristmill.pipelines.errors import RecipeError
from gristmill.tokenizer.mixing.pool import Pool, open_runs
from gristmill.tokenizer.mixing.written import open_mix
from gristmill.tokenizer.shards.index import read_index, write_index


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


def rows_in_order(runs, mix) -> list[list[int]]:
    """The training rows of a mixture, token by token, as often as they are read."""
    shards, found = Pool(runs, "train").shards, []
    for row in mix.row_R.tolist():
        mine = mix.rows.segments(row)
        parts = zip(mix.rows.shard[mine], mix.rows.doc[mine], mix.rows.start[mine], mix.rows.length[mine], strict=True)
        found.append([number for s, d, at, n in parts for number in shards[s].document(d)[at : at + n].tolist()])
    return found


def rows_of(export) -> list[list[int]]:
    files = sorted((export / "data").glob("train-*.parquet"))
    return [row for file in files for row in pq.read_table(file)["tokens"].to_pylist()]


def test_exported_mixture__of_two_runs_has_the_rows_of_both(small_run, tmp_path, capsys, monkeypatch):
    run, second = tmp_path / "run", tmp_path / "second"
    shutil.copytree(small_run, run)
    shutil.copytree(small_run, second)
    index = read_index(second / "tokens" / "index.json")
    fewer = replace(index.splits["train"], shards=index.splits["train"].shards[:1])
    write_index(second / "tokens" / "index.json", replace(index, splits=index.splits | {"train": fewer}))
    for command in ("mix", "export"):  # else the second one's index is compared with its manifest
        monkeypatch.setattr(f"gristmill.pipelines.cli.training.{command}.on_this_machine", lambda run, *_: Path(run))
    asked = ("--set", "by=run weights.run=1 weights.second=1 epochs=2 spread=true", "--name", "both")
    app(["mix", "write", str(run), str(second), *asked], standalone_mode=False)
    call = ["export", str(run), "--mix", "both", "--to", "hf", "--out", str(tmp_path / "out")]
    with pytest.raises(RecipeError, match="made for other shards"):
        app(call, standalone_mode=False)
    assert not (tmp_path / "out").exists()
    app([*call, "--also", str(second), "--json"], standalone_mode=False)
    told = capsys.readouterr().out
    about = json.loads(told[told.index("{") :])
    runs = open_runs([run, second])
    mix = open_mix(run / "mix" / "both", runs)
    assert rows_of(tmp_path / "out") == rows_in_order(runs, mix)
    assert {one["index"] for one in about["runs"]} == {one.index_sha256 for one in runs}
    with pytest.raises(RecipeError, match="several runs are exported as a mixture"):
        app(["export", str(run), "--also", str(second), "--to", "hf", "--out", "x"], standalone_mode=False)


def test_exported_mixture__has_its_rows_in_its_order(small_run, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    asked = ("--set", "by=lang weights.en=3 weights.zh=1 epochs=2", "--name", "m")
    app(["mix", "write", str(run), *asked], standalone_mode=False)
    app(
        ["export", str(run), "--mix", "m", "--to", "hf", "--out", str(tmp_path / "out"), "--json"],
        standalone_mode=False,
    )
    told = capsys.readouterr().out
    about = json.loads(told[told.index("{") :])
    runs = open_runs([run])
    mix = open_mix(run / "mix" / "m", runs)
    expected = rows_in_order(runs, mix)
    assert rows_of(tmp_path / "out") == expected
    assert len(expected) > len(mix.rows), "some rows are read twice"
    assert about["splits"]["train"] == {"documents": len(expected), "tokens": sum(map(len, expected))}
    assert set(about["splits"]) == {"train", "validation"}
    assert [one["index"] for one in about["runs"]] == [runs[0].index_sha256], "forgetting finds its copies by it"
    with pytest.raises(RecipeError, match="a mixture is of rows"):
        app(["export", str(run), "--mix", "m", "--content", "text", "--to", "hf", "--out", "x"], standalone_mode=False)
    with pytest.raises(RecipeError, match="there is no mixture"):
        app(["export", str(run), "--mix", "n", "--to", "hf", "--out", str(tmp_path / "n")], standalone_mode=False)
