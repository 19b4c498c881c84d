"""The bundled documents meet the verdicts that they announce, when the real job runs the demo's recipe over them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds
import pytest
import yaml

from gristmill.pipelines.read.formats.bundled import FOLDER
from gristmill.pipelines.run.request import Request
from tests.in_process import execute

DEMO = Path(__file__).parents[4] / "pipelines" / "recipe" / "examples" / "demo.yaml"
PERSONAL = Path(__file__).parents[3] / "golden" / "bundled_personal.jsonl"
LANGUAGES = ("en", "zh")
DEFECTS = {
    "near_duplicate", "exact_duplicate", "boilerplate", "keyword_spam", "advertising", "repeated_lines",
    "repeated_phrases", "bullet_stubs", "ellipsis", "hashtags", "number_table", "personal_data", "mixed_scripts",
    "full_width", "very_short", "very_long", "nearly_empty",
}  # fmt: skip


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


DOCUMENTS = [document for language in LANGUAGES for document in read(FOLDER / f"{language}.jsonl")]
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["id"])


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of the demo's recipe over the bundled documents alone."""
    recipe = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    recipe["sources"] = {"bundled": recipe["sources"]["bundled"]}
    recipe["decide"] = [entry for entry in recipe["decide"] if entry["when"].get("source", "bundled") == "bundled"]
    folder = tmp_path_factory.mktemp("bundled")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    execute(Request(folder / "recipe.yaml", folder / "run", until="text"))
    return folder / "run"


@pytest.fixture(scope="module")
def ledger(run) -> dict[str, dict[str, Any]]:
    rows = duckdb.sql(f"SELECT * FROM '{run}/ledger/*.parquet'").to_arrow_table().to_pylist()
    return {row["id"]: row for row in rows}


@pytest.fixture(scope="module")
def clean(run) -> dict[str, str]:
    rows = ds.dataset(run / "text", format="ipc").to_table(columns=["id", "text"]).to_pylist()
    return {row["id"]: row["text"] for row in rows}


@pytest.fixture(scope="module")
def personal() -> dict[str, list[list[str]]]:
    """id -> [entity type, value] in the order of the text, written down by hand."""
    return {record["id"]: record["values"] for record in read(PERSONAL)}


@every_document
def test_verdict_is_the_expected_one(document, ledger):
    row = ledger[document["id"]]
    assert (row["verdict"], row["step"]) == (document["expected_verdict"], document["expected_step"])
    assert set(document["expected_rules"]) <= set(row["rules"])
    assert bool(row["rules"]) == (row["verdict"] == "dropped")
    assert Counter(edit["kind"] for edit in row["edits"]) == Counter(document["expected_edits"])


@every_document
def test_text_changes_at_the_expected_edits_and_nowhere_else(document, clean, personal):
    assert (document["id"] in clean) == (document["expected_verdict"] == "kept")
    if document["expected_verdict"] == "kept":
        values = personal.get(document["id"], [])
        assert sorted(entity for entity, _ in values) == sorted(document["expected_edits"])
        expected = document["text"]
        for entity, value in values:
            assert expected.count(value) == 1
            expected = expected.replace(value, f"<{entity}>")
        assert clean[document["id"]] == expected


def test_ledger_holds_every_document_and_no_other(ledger):
    assert sorted(ledger) == sorted(document["id"] for document in DOCUMENTS)


def test_copies_are_dropped_for_the_page_that_they_copy(ledger):
    ids = {row["doc_id"]: row["id"] for row in ledger.values()}
    copies = [document["id"] for document in DOCUMENTS if document["kind"].endswith("_duplicate")]
    for copy in copies:
        original = ids[ledger[copy]["duplicate_of"]]
        assert copy.startswith(f"{original}-")
        assert ledger[original]["verdict"] == "kept"


def test_pages_alike_in_subject_only_are_no_duplicates(ledger):
    for pair in (
        ("en-two-lighthouses-north", "en-two-lighthouses-south"),
        ("zh-liang-zuo-ta-bei", "zh-liang-zuo-ta-nan"),
    ):
        assert len({ledger[name]["cluster"] for name in pair}) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_page_is_there(language):
    documents = [document for document in DOCUMENTS if document["lang"] == language]
    kinds = Counter(document["kind"] for document in documents)
    assert len(documents) >= 60
    assert set(kinds) == DEFECTS | {"good"}
    assert kinds["good"] >= 34
    assert kinds["near_duplicate"] >= 6
    assert kinds["exact_duplicate"] >= 2
    assert len(documents) - kinds["good"] >= 30


def test_identity_is_unique_and_says_the_language():
    ids = [document["id"] for document in DOCUMENTS]
    assert len(set(ids)) == len(ids)
    assert all(document["id"].startswith(f"{document['lang']}-") for document in DOCUMENTS)
    assert all(document["note"] for document in DOCUMENTS)
