"""A part of the input is done to see what the whole will take: which part, and what where it cannot be done whole."""

import gzip
import json
import random
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.run.capacity.forecast import Measured
from gristmill.pipelines.run.trials.trial import LEAST, _spread, _units, main, try_out
from tests.runs.conftest import chinese, english


def lines(rng, number):
    made = [{"text": write(rng)} for write in (english, chinese) for _ in range(number // 2)]
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made).encode()


@pytest.fixture
def folder(tmp_path):
    rng = random.Random(5)
    text = lines(rng, 200)
    for number in range(6):
        (tmp_path / f"en-{number}.jsonl").write_bytes(text * 3)
    (tmp_path / "one.jsonl.gz").write_bytes(gzip.compress(text * 12, 0))
    recipe = {"gristmill": 1, "name": "t", "sources": {
        "many": {"format": "jsonl", "paths": "en-*.jsonl"}, "one": {"format": "jsonl", "paths": "one.jsonl.gz"}
    }}  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(json.dumps({**recipe, "tokenizer": None}), "utf-8")
    return tmp_path


def test_units__of_every_source_and_from_all_over_its_files(folder):
    loaded = load(folder / "recipe.yaml")
    units = list(_units(loaded, 1_000_000, folder / "heads"))
    many = [unit for unit in units if unit.source == "many"]
    assert 0.5 * LEAST < sum(unit.bytes for unit in many) < 2 * LEAST
    assert len({split.path for unit in many for split in unit.splits}) >= 3
    (one,) = [unit for unit in units if unit.source == "one"]
    assert LEAST <= one.bytes < 2 * LEAST  # of a file that cannot be cut, its beginning
    assert str(folder / "heads") in one.splits[0].path
    whole = list(_units(loaded, 10**9, folder / "heads"))
    assert sum(unit.bytes for unit in whole) == sum(file.stat().st_size for file in folder.glob("*.jsonl*"))


def test_spread__by_bytes_so_that_a_large_file_counts_as_what_it_is():
    units = [Unit("web", (Split(str(at), 0, 1, 1, ""),), size) for at, size in enumerate((1, 1, 1, 96, 1))]
    assert [(unit.splits[0].path, times) for unit, times in _spread(units, 4)] == [("3", 4)]
    even = [replace(unit, bytes=10) for unit in units]
    assert [(unit.splits[0].path, times) for unit, times in _spread(even, 5)] == [(str(at), 1) for at in range(5)]
    assert list(_spread([], 1)) == []
    assert [times for _, times in _spread([replace(unit, bytes=0) for unit in units], 5)] == [5]


def test_units__neither_half_a_document_nor_a_piece_that_takes_minutes(folder, monkeypatch):
    (folder / "book.txt").write_bytes(b"word " * 600_000)  # 3 MB of one document
    recipe = json.loads((folder / "recipe.yaml").read_text("utf-8"))
    recipe["sources"]["book"] = {"format": "text", "paths": "book.txt"}
    (folder / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    loaded = load(folder / "recipe.yaml")
    (book,) = [unit for unit in _units(loaded, 1_000_000, folder / "heads") if unit.source == "book"]
    assert book.bytes == 3_000_000
    monkeypatch.setattr("gristmill.pipelines.run.trials.trial.MOST", 2_000_000)
    assert {unit.source for unit in _units(loaded, 1_000_000, folder / "heads")} == {"many", "one"}


@pytest.mark.process
def test_main__measures_all_stages_up_to_one_that_fails(folder):
    text = json.loads((folder / "recipe.yaml").read_text("utf-8"))
    text["tokenizer"] = {"vocabulary": 640, "sample_bytes": "1MB"}
    (folder / "recipe.yaml").write_text(json.dumps(text), "utf-8")
    found = measured_in(folder)
    assert found["ended"] == ""
    part = Measured.from_json(found["measured"])
    assert part.stages == ("score", "duplicates", "text", "tokenizer", "tokens")
    assert part.sources["one"].documents > 100
    assert part.sources["one"].input_bytes < 2 * LEAST
    text["decide"] = [{"rules": [{"signal": "characters", "at_least": 10**7}]}]  # which no text fulfils
    (folder / "recipe.yaml").write_text(json.dumps(text), "utf-8")
    found = measured_in(folder)
    assert found["ended"]
    assert Measured.from_json(found["measured"]).stages == ("score", "duplicates", "text")


def measured_in(folder: Path) -> dict:
    with tempfile.TemporaryDirectory() as place:
        command = [
            sys.executable,
            "-m",
            "gristmill.pipelines.run.trials.trial",
            str(folder / "recipe.yaml"),
            "1000000",
            place,
        ]
        assert subprocess.run(command).returncode == 0
        return json.loads((Path(place) / "measured.json").read_text("utf-8"))


def test_main__an_error_of_ours_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("gristmill.pipelines.run.trials.trial.end_with_parent", lambda number: None)
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())  # it sets both for its process, which here is that of all tests
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    assert main(str(tmp_path / "none.yaml"), "1000", str(tmp_path)) == 0
    told = json.loads((tmp_path / "measured.json").read_text("utf-8"))
    assert told["measured"] is None
    assert "none.yaml" in told["ended"]


def test_the_key_of_its_operators__is_read_before_anything_is_measured(folder):
    (folder / "audit.key").write_text("5f" * 32, encoding="utf-8")
    recipe = json.loads((folder / "recipe.yaml").read_text("utf-8"))
    scrub = {"operator": "hash", "key": "audit.key"}
    (folder / "recipe.yaml").write_text(json.dumps({**recipe, "scrub": scrub, "sources": {
        "none": {"format": "jsonl", "paths": "en-*.jsonl"}
    }}), "utf-8")  # fmt: skip
    for file in folder.glob("en-*.jsonl"):
        file.write_text('{"text": "write to li@qq.com"}\n' if file.name == "en-0.jsonl" else "", encoding="utf-8")
    found = try_out(load(folder / "recipe.yaml"), 1_000, folder / "tried")
    assert found["ended"] == ""
    assert "text" in found["measured"]["sources"]["none"]["seconds"]
