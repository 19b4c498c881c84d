"""`scrub.drop_above`: who goes, what says so, and what becomes of the duplicates of who went."""

import json
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.explain.explanation import Explainer
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute

PROSE = {
    "en": [
        f"The old mill {number} turns by the river and its people tell stories of year {number}." for number in range(9)
    ],
    "zh": [f"山中第{number}座磨坊旁边的人们讲述着那一年的故事，春天来临时道路两旁开满了花。" for number in range(9)],
}
MAILS = [f"writer{number}@mills.org" for number in range(4)]
RECIPE = """\
gristmill: 1
name: much
sources:
  web: {format: jsonl, paths: web.jsonl, id: id, language: {column: lang}}
  lists: {format: jsonl, paths: lists.jsonl, id: id, language: {column: lang}}
deduplicate: {minhash: {threshold: 0.5}}
scrub:
  drop_above: {all: 4, EMAIL_ADDRESS: 2}
  sources: {lists: {drop_above: {PHONE_NUMBER: 3}}}
tokenizer: {vocabulary: 520, sample_bytes: 100kB}
tokens: {sequence_length: 64}
"""


def documents(lang: str, source: str) -> list[dict]:
    prose = "\n".join(PROSE[lang] if source == "web" else PROSE[lang][::-1][:5])
    mobiles = "\n".join(f"电话1381234567{number}。" for number in range(3))
    made = {
        "two": "\n".join([{"en": "Nothing else stands here.", "zh": "这里没有别的内容。"}[lang] * 2, *MAILS[:2]]),
        "three": "\n".join([prose, *MAILS[:3], "And more of it." * (lang == "en")]),
        "near": "\n".join([prose, MAILS[0]]),
        "many": "\n".join([prose[50:90], *MAILS[:3], mobiles]),
    }
    if source == "lists":
        made.pop("two")
    return [{"id": f"{source}-{lang}-{name}", "text": text, "lang": lang} for name, text in made.items()]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("much")
    for source in ("web", "lists"):
        lines = [json.dumps(one) + "\n" for lang in PROSE for one in documents(lang, source)]
        (folder / f"{source}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    execute(Request(folder / "recipe.yaml", folder / "run"))
    return folder / "run"


def table(run: Path, dataset: str) -> dict[str, dict]:
    format_ = "arrow" if dataset == "text" else "parquet"
    return {row["id"]: row for row in ds.dataset(str(run / dataset), format=format_).to_table().to_pylist()}


def test_run__documents_above_a_bound_go_and_the_ledger_names_it(run):
    ledger = table(run, "ledger")
    gone = {name: row["rules"] for name, row in ledger.items() if row["step"] == "scrub"}
    mails, every = "personal_data/EMAIL_ADDRESS", "personal_data/all"
    assert gone == {
        f"web-{lang}-{name}": rules for lang in PROSE for name, rules in (("three", [mails]), ("many", [every, mails]))
    }
    assert {ledger[name]["verdict"] for name in gone} == {"dropped"}
    assert {len(ledger[f"web-{lang}-three"]["findings"]) for lang in PROSE} == {3}, "what was counted stays"
    assert {tuple(ledger[name]["edits"]) for name in gone} == {()}
    assert set(table(run, "text")) == {name for name, row in ledger.items() if row["verdict"] == "kept"}
    dropped = table(run, "dropped")
    assert {name: dropped[name]["rules"] for name in gone} == gone
    assert {dropped[name]["step"] for name in gone} == {"scrub"}


def test_run__duplicates_of_who_went_stay_out(run):
    ledger = table(run, "ledger")
    for lang in PROSE:
        near, winner = ledger[f"web-{lang}-near"], ledger[f"web-{lang}-three"]
        assert (near["verdict"], near["step"], near["duplicate_of"]) == ("dropped", "deduplicate", winner["doc_id"])
        assert (near["weight"], winner["weight"]) == (None, None)


def test_run__accounts_and_report_count_them(run):
    accounts = json.loads((run / "manifest.json").read_text())["accounts"]
    of_scrub = [one for one in accounts if (one["step"], one["source"]) == ("scrub", "web")]
    assert {(one["outcome"], one["reason"], one["lang"]): one["documents"] for one in of_scrub} == {
        (outcome, reason, lang): count
        for lang in PROSE
        for outcome, reason, count in (
            ("in", "", 3), ("kept", "", 1),
            ("dropped", "personal_data/EMAIL_ADDRESS", 1), ("dropped", "personal_data/all", 1),
            ("fired", "personal_data/EMAIL_ADDRESS", 2), ("fired", "personal_data/all", 1),
        )
    }  # fmt: skip
    report = json.loads((run / "report/report.json").read_text(encoding="utf-8"))
    group = next(one for one in report["samples"]["groups"] if one["reason"] == "personal_data/EMAIL_ADDRESS")
    assert (group["step"], group["documents"]) == ("scrub", 2)
    assert "drop_above" in group["sentence"]
    why = group["samples"][0]["why"][0]
    assert (why["signal"], why["value"], why["threshold"]) == ("findings", 3, 2)
    assert MAILS[0] not in (run / "report/report.json").read_text(encoding="utf-8")


def test_why__shows_count_bound_and_remedy(run):
    with Explainer(Store.at(run), Excerpts(str)) as explainer:
        found = explainer.find("web-zh-many")
        assert found is not None
        told = explainer.explain(found.rows[0], 100)
    fired = {one.rule: (one.value, one.comparison, one.threshold) for one in told.checks if one.fired}
    assert fired == {"personal_data/all": (6, "<=", 4), "personal_data/EMAIL_ADDRESS": (3, "<=", 2)}
    assert told.remedy is not None
    assert told.remedy.change.split() == ["scrub:", "drop_above:", "all:", "6", "EMAIL_ADDRESS:", "3"]
