"""Own ids that repeat: a record with other bytes is another document, the same record again is itself, and neither is
said to duplicate itself."""

import json
import random
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.cli.inspecting.why import why
from gristmill.pipelines.run.request import Request
from tests.in_process import execute

WORDS = {"en": "river stone mill bridge bread letter winter road market lamp boat hill", "zh": "山水磨坊桥面信冬路灯"}

RECIPE = """\
gristmill: 1
name: ids
sources:
  web: {format: jsonl, paths: "web-*.jsonl", id: id}
  other: {format: jsonl, paths: other.jsonl, id: id}
  table: {format: parquet, paths: table.parquet, id: id}
plan: {unit_bytes: %s}
decide: []
tokenizer: null
"""
OFF = "deduplicate: null\n"


def text_of(lang: str, seed: int) -> str:
    rng = random.Random(seed)
    words, space = (WORDS["en"].split(), " ") if lang == "en" else (WORDS["zh"], "")
    return space.join(rng.choices(words, k=80))


def records() -> dict[str, list[dict]]:
    """File -> records; `case` says what is special about them."""
    files: dict[str, list[dict]] = {"web-0.jsonl": [], "web-1.jsonl": [], "other.jsonl": [], "table.parquet": []}
    for at, lang in enumerate(("en", "zh")):
        text, tail = text_of(lang, at + 500), " and more" if lang == "en" else "又及"

        def put(file: str, case: str, text: str, lang=lang, **more: str) -> None:
            files[file].append({"id": f"{lang}-{case}", "text": text, "note": "", **more})

        for number, where in enumerate((("web-0.jsonl",) * 2, ("web-0.jsonl", "web-1.jsonl"), ("table.parquet",) * 2)):
            again = text_of(lang, 10 * number + at)
            other, third = text_of(lang, 10 * number + at + 100), text_of(lang, 10 * number + at + 200)
            for file, tail_or_none, note in zip(where, ("", tail), ("", "later"), strict=True):
                put(file, f"same-{number}", again)
                put(file, f"near-{number}", other + tail_or_none)
                put(file, f"note-{number}", third, note=note)
                put(file, f"far-{number}", text_of(lang, 1000 * number + at + 300 + len(tail_or_none)))
        for file in ("web-0.jsonl", "other.jsonl", "table.parquet"):
            put(file, "everywhere", text)
    return files


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("ids")
    for name, rows in records().items():
        if name.endswith(".jsonl"):
            (made / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        else:
            pq.write_table(pa.Table.from_pylist(rows), made / name, row_group_size=3)
    return made


def do(folder: Path, name: str, recipe: str) -> tuple[Path, dict]:
    (folder / f"{name}.yaml").write_text(recipe, "utf-8")
    execute(Request(folder / f"{name}.yaml", folder / name))
    return folder / name, json.loads((folder / name / "manifest.json").read_text("utf-8"))


def table(run: Path, name: str) -> list[dict]:
    return duckdb.sql(f"SELECT * FROM '{run}/{name}/*.parquet'").to_arrow_table().to_pylist()


def test_run__tells_records_apart_by_their_bytes_and_names_another_winner(folder):
    run, manifest = do(folder, "on", RECIPE % "1kB")
    ledger, clusters = table(run, "ledger"), table(run, "clusters")
    raw = {(source_of(file), json.dumps(row)) for file, rows in records().items() for row in rows}
    assert len({row["doc_id"] for row in ledger}) == len(raw)
    kept = {row["doc_id"] for row in ledger if row["verdict"] != "dropped"}
    assert len(kept) == sum(row["verdict"] != "dropped" for row in ledger)  # no doc_id stays twice
    for row in [*ledger, *clusters, *table(run, "dropped")]:
        assert row["duplicate_of"] != row["doc_id"]
        assert row["duplicate_of"] is None or row["duplicate_of"] in kept
    rules = Counter((row["id"].split("-")[1], *row["rules"]) for row in ledger if row["rules"])
    assert rules == {
        ("same", "repeated_record"): 6,
        ("near", "near_duplicate"): 6,
        ("note", "exact_duplicate"): 6,
        ("everywhere", "exact_duplicate"): 4,
    }
    for row in ledger:
        assert (row["similarity"] is None) == (row["verdict"] != "dropped")
        if row["rules"] == ["repeated_record"]:
            assert row["similarity"] == 1
            assert row["duplicate_of"] is None
            assert row["doc_id"] in kept  # the one that stays is found by the same id
    assert len(clusters) == sum(row["id"].split("-")[1] != "far" for rows in records().values() for row in rows)
    text = ds.dataset(run / "text", format="ipc").to_table()
    assert sorted(text["doc_id"].to_pylist()) == sorted(kept)
    report = json.loads((run / "report" / "report.json").read_text("utf-8"))["duplicates"]
    assert (report["exact"], report["near"], report["ruled"], report["repeated"]) == (16, 6, 0, 22)
    _, whole = do(folder, "whole", RECIPE % "1MB")
    for name, dataset in manifest["datasets"].items():
        assert whole["datasets"][name]["content"] == dataset["content"], name


def test_why__shows_the_one_that_stays_first_and_says_what_the_other_is(folder, capsys):
    run, _ = do(folder, "on", RECIPE % "1kB")
    why(str(run), "zh-same-0")
    said = capsys.readouterr().out
    assert said.count("zh-same-0") == 2
    assert said.index("kept") < said.index("repeated_record") < said.index("The same record again")


def test_run__without_deduplication_keeps_all_and_repeats_only_the_same_record(folder):
    run, _ = do(folder, "off", RECIPE % "1kB" + OFF)
    ids = Counter(ds.dataset(run / "text", format="ipc").to_table()["doc_id"].to_pylist())
    assert sum(ids.values()) == sum(len(rows) for rows in records().values())
    assert Counter(ids.values())[2] == 6  # "same" in three pairs of places, two languages
    assert max(ids.values()) == 2


def source_of(file: str) -> str:
    return file.split("-")[0].split(".")[0]
