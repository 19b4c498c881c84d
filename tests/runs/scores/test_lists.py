"""A run that asks lists: verdicts by address and phrase, changed and changed back, without the original lists."""

import json
from pathlib import Path

import pytest

from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import verify
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: listed
sources: {web: {format: jsonl, paths: pages.jsonl, id: id}}
lists:
  blocked: {domains: domains.txt}
  swear: {phrases: starter/profanity}
decide:
  - rules:
      - {signal: blocked, at_most: 0}
      - {signal: swear, at_most: 1}
deduplicate: null
scrub: null
tokenizer: null
"""
PAGES = {
    "fine": ("http://good.com/1", "The mill grinds grain all day, and the miller sleeps."),
    "listed": ("https://www.bad.com/2", "The mill grinds grain all night, and nobody sleeps."),
    "below": ("http://a.坏.中国/3", "磨坊在河边，整天磨面，磨坊主晚上睡得很好。"),
    "swears": ("http://good.com/4", "fuck this shit, says the miller of the old mill."),
    "swears_zh": ("http://good.cn/5", "傻逼，操你妈，磨坊主在河边说了这样的话。"),
    "without": (None, "A page without an address is judged by its text alone."),
}


@pytest.fixture(scope="module")
def listed(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("listed")
    pages = [json.dumps({"id": name, "url": url, "text": text}) for name, (url, text) in PAGES.items()]
    (folder / "pages.jsonl").write_text("\n".join(pages))
    (folder / "domains.txt").write_text("bad.com\n坏.中国\n", "utf-8")
    (folder / "recipe.yaml").write_text(RECIPE)
    execute(Request(folder / "recipe.yaml", folder / "run"))
    return folder, folder / "run"


def rules_of(run: Path) -> dict[str, list[str]]:
    with Ledger(run) as ledger:
        rows = ledger.rows("SELECT id, rules FROM 'ledger/*.parquet'")
    return {row["id"]: list(row["rules"]) for row in rows}


def test_documents_are_dropped_by_address_and_by_phrase(listed) -> None:
    assert rules_of(listed[1]) == {
        "fine": [],
        "listed": ["recipe/blocked_max"],
        "below": ["recipe/blocked_max"],
        "swears": ["recipe/swear_max"],
        "swears_zh": ["recipe/swear_max"],
        "without": [],
    }
    with Ledger(listed[1]) as ledger:
        row = ledger.row("SELECT blocked, swear, \"swear.share\" AS share FROM 'ledger/*.parquet' WHERE id = 'without'")
    assert (row["blocked"], row["swear"], row["share"]) == (None, 0, 0)


def test_a_changed_list_redoes_it_and_changing_back_gives_the_same_bytes(listed, tmp_path) -> None:
    folder, run = listed
    before = (run / "manifest.json").read_bytes()
    text = (folder / "domains.txt").read_text("utf-8")
    (folder / "domains.txt").write_text("bad.com\n", "utf-8")
    execute(Request(folder / "recipe.yaml", run))
    assert rules_of(run)["below"] == []
    (folder / "domains.txt").write_text(f"# the same entries\n{text}", "utf-8")
    execute(Request(folder / "recipe.yaml", run))
    kept = [json.loads(one)["datasets"] for one in (before, (run / "manifest.json").read_bytes())]
    assert kept[0] == kept[1]
    verify(Store.at(run))
