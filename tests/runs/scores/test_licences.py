"""Keep only what is openly licensed: pages, code and records, English and Chinese; decided again as by a fresh run."""

import json
from pathlib import Path

import pytest

from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: licensed
sources:
  pages: {format: html, paths: pages}
  code: {format: code, paths: code}
  records: {format: jsonl, paths: records.jsonl, id: id}
decide:
  - rules: [{signal: license_open, at_least: 1}]
deduplicate: null
scrub: null
tokenizer: null
"""
TEXT = "<p>The mill grinds grain all day, and the miller sleeps at night. 磨坊在河边，整天磨面。</p>" * 6
FOOTERS = {
    "open": "<a rel='license' href='https://creativecommons.org/licenses/by-sa/4.0/'>CC BY-SA 4.0</a>",
    "open_zh": "除特别声明外，本站内容采用知识共享署名 4.0 国际许可协议",
    "closed": "CC BY-NC-ND 4.0",
    "none": "All rights reserved",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("licensed")
    for name in ("pages", "code/mit", "code/none"):
        (folder / name).mkdir(parents=True)
    for name, footer in FOOTERS.items():
        body = f"<article>{TEXT}</article><footer>{footer}</footer>"
        page = f"<html><head><title>{name}</title></head><body>{body}</body></html>"
        (folder / "pages" / f"{name}.html").write_text(page, "utf-8")
    (folder / "code/mit/LICENSE").write_text(
        "Permission is hereby granted, free of charge, to any person obtaining a copy"
    )
    (folder / "code/mit/a.py").write_text("# 磨坊\nprint('grain')\n", "utf-8")
    (folder / "code/none/b.py").write_text("print('bread')\n")
    (folder / "code/none/c.py").write_text("# SPDX-License-Identifier: GPL-2.0-only OR MIT\nprint('flour')\n")
    records = [
        {"id": "by", "text": "磨坊。", "license": "CC BY 4.0"},
        {"id": "nc", "text": "A mill.", "license": "cc-by-nc-4.0"},
    ]
    (folder / "records.jsonl").write_text("\n".join(map(json.dumps, records)))
    (folder / "recipe.yaml").write_text(RECIPE)
    execute(Request(folder / "recipe.yaml", folder / "run"))
    return folder


def kept_in(run: Path) -> set[str]:
    with Ledger(Store.at(run)) as ledger:
        kept = {row["doc_id"] for row in ledger.rows("SELECT doc_id FROM 'ledger/*.parquet' WHERE verdict = 'kept'")}
    names = set()
    for meta, own in metas_of(run).values():
        record = json.loads(meta)
        names.add(record.get("title") or record.get("path") or own)
    return names if kept else set()


def metas_of(run: Path) -> dict[str, tuple[str, str | None]]:
    import pyarrow.dataset as ds

    rows = ds.dataset(run / "text", format="ipc").to_table().to_pylist()
    return {row["doc_id"]: (row["meta"], row["id"]) for row in rows}


def test_what_is_open_stays(folder) -> None:
    assert kept_in(folder / "run") == {"open", "open_zh", "mit/a.py", "mit/LICENSE", "none/c.py", "by"}


def test_the_record_says_which_licence_and_where_it_stands(folder) -> None:
    records = [json.loads(meta) for meta, _ in metas_of(folder / "run").values()]
    said = {record.get("title") or record.get("path"): record for record in records}
    assert (said["open"]["license"], said["open"]["license_place"]) == ("CC-BY-SA-4.0", "footer")
    assert (said["open_zh"]["license"], said["open_zh"]["license_place"]) == ("CC-BY-4.0", "footer")
    assert (said["none/c.py"]["license"], said["none/c.py"]["license_place"]) == ("GPL-2.0-only OR MIT", "file")
    assert said["mit/a.py"]["license"] == "MIT"
    assert "licenses" not in said["open"]


def test_another_bound_is_decided_again_as_a_fresh_run_decides(folder, tmp_path) -> None:
    text = RECIPE.replace("license_open, at_least: 1", "license_openness, at_least: 3")
    (folder / "other.yaml").write_text(text)
    execute(Request(folder / "other.yaml", folder / "run"))
    execute(Request(folder / "other.yaml", tmp_path / "fresh"))
    assert kept_in(folder / "run") == {"open_zh", "mit/a.py", "mit/LICENSE", "none/c.py", "by"}
    datasets = [
        json.loads((run / "manifest.json").read_text())["datasets"] for run in (folder / "run", tmp_path / "fresh")
    ]
    assert datasets[0] == datasets[1]
