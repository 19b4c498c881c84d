"""A run that joins labels: verdicts by them in both languages, changed and changed back, without the original files."""

import json
from pathlib import Path

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.inputs.units import plan_units
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import verify
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: labelled
sources:
  web: {format: jsonl, paths: pages.jsonl, id: id}
  bare: {format: jsonl, paths: bare.jsonl}
labels:
  grades: {paths: by_url.csv, key: url, columns: {grade: {good: 2, 坏: 0}}}
  scores: {paths: by_id.csv, key: id, columns: [score]}
decide:
  - rules:
      - {signal: grades.grade, at_least: 1}
      - {signal: scores.score, at_least: 0.5}
deduplicate: null
scrub: null
tokenizer: null
"""
PAGES = {
    "fine": ("http://www.good.com/1/", "The mill grinds grain all day, and the miller sleeps."),
    "graded": ("https://坏.中国/2?p=1", "磨坊在河边，整天磨面，磨坊主晚上睡得很好。"),
    "scored": ("http://good.com/3", "The mill grinds grain all night, and nobody sleeps."),
    "without": (None, "A page without an address or a label is kept: no rule on them fires."),
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("labelled")
    pages = [json.dumps({"id": name, "url": url, "text": text}) for name, (url, text) in PAGES.items()]
    (folder / "pages.jsonl").write_text("\n".join(pages))
    (folder / "bare.jsonl").write_text(json.dumps({"text": "没有地址的文章，也没有名字。", "url": "no address"}))
    grades = "url,grade\nhttps://good.com/1,good\nxn--7es.xn--fiqs8s/2?p=1#x,坏\nhttp://other.com,good\n"
    (folder / "by_url.csv").write_text(grades, "utf-8")
    (folder / "by_id.csv").write_text("id,score\nscored,0.25\nfine,0.75\n", "utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, "utf-8")
    execute(Request(folder / "recipe.yaml", folder / "run"))
    return folder, folder / "run"


def rules_of(run: Path) -> dict[str | None, list[str]]:
    with Ledger(run) as ledger:
        rows = ledger.rows("SELECT id, rules FROM 'ledger/*.parquet'")
    return {row["id"]: list(row["rules"]) for row in rows}


def test_documents_are_dropped_by_their_labels(labelled) -> None:
    assert rules_of(labelled[1]) == {
        "fine": [],
        "graded": ["recipe/grades.grade_min"],
        "scored": ["recipe/scores.score_min"],
        "without": [],
        None: [],
    }


def test_the_report_says_how_many_documents_of_each_source_have_one(labelled) -> None:
    grades, scores = json.loads((labelled[1] / "report" / "report.json").read_text("utf-8"))["labels"]
    assert grades["whole"] == {"name": "grades", "documents": 5, "matched": 2, "share_matched": 0.4}
    assert [(of["name"], of["documents"], of["matched"]) for of in scores["sources"]] == [("bare", 1, 0), ("web", 4, 2)]
    page = (labelled[1] / "report" / "index.html").read_text("utf-8")
    assert "2 of 5 documents have a label (40.0%)" in page


def test_changed_labels_redo_it_and_changing_back_gives_the_same_bytes(labelled) -> None:
    folder, run = labelled
    before = (run / "manifest.json").read_bytes()
    text = (folder / "by_id.csv").read_text("utf-8")
    (folder / "by_id.csv").write_text(text.replace("0.25", "0.5"), "utf-8")
    execute(Request(folder / "recipe.yaml", run))
    assert rules_of(run)["scored"] == []
    (folder / "by_id.csv").write_text(text.replace("score\n", "score\n\n"), "utf-8")
    execute(Request(folder / "recipe.yaml", run))
    kept = [json.loads(one)["datasets"] for one in (before, (run / "manifest.json").read_bytes())]
    assert kept[0] == kept[1]


def test_a_run_stays_whole_without_the_files(labelled, tmp_path) -> None:
    folder, run = labelled
    assert verify(Store.at(run)).faults == []
    (tmp_path / "recipe.yaml").write_bytes((run / "recipe.yaml").read_bytes())
    (tmp_path / "models").symlink_to(run / "models")
    for name in ("pages.jsonl", "bare.jsonl"):
        (tmp_path / name).symlink_to(folder / name)
    text = (tmp_path / "recipe.yaml").read_text("utf-8")
    (tmp_path / "recipe.yaml").write_text(text, "utf-8")
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "again"))
    assert rules_of(tmp_path / "again") == rules_of(run)


def units_of(folder: Path, tmp_path: Path, old: str, new: str, records: int = 0) -> list[str]:
    for name in ("pages.jsonl", "bare.jsonl", "by_url.csv", "by_id.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "by_id.csv").write_text((tmp_path / "by_id.csv").read_text("utf-8").replace(old, new), "utf-8")
    more = [json.dumps({"id": f"more {n}", "text": "更多的磨坊。"}) for n in range(records)]
    with (tmp_path / "pages.jsonl").open("a") as file:
        file.writelines(f"\n{line}" for line in more)
    (tmp_path / "recipe.yaml").write_text(RECIPE, "utf-8")
    notes: list[str] = []
    loaded = load(tmp_path / "recipe.yaml")
    plan_units(loaded, loaded.recipe.plan.unit_bytes, notes)
    return notes


def test_labels_that_no_record_has_are_an_error_where_all_were_seen_else_a_note(labelled, tmp_path) -> None:
    swap = ("scored,0.25\nfine", "nobody,0.25\nnothing")
    with pytest.raises(RecipeError, match=r"line 8  labels.scores: no record is among its 2 labels, by id; compare"):
        units_of(labelled[0], tmp_path, *swap)
    (note,) = units_of(labelled[0], tmp_path, *swap, records=200)
    assert note.startswith("labels.scores: none of the first 101 records is among its 2 labels, by id")
    assert units_of(labelled[0], tmp_path, "", "", records=200) == []
