"""The poison directory as a run meets it: bounded time and memory, everything accounted for, nothing good lost."""

import json
import subprocess
import sys

import duckdb
import pyarrow.dataset as ds
import pytest
import yaml

from gristmill.pipelines.errors import Exit
from gristmill.pipelines.records.accounts import Accounts, reconcile
from gristmill.pipelines.run.request import Request

MEMORY_MB = 1000


@pytest.fixture(scope="module")
def run(poison, tmp_path_factory):
    """A run over every poisoned source, in a process whose memory is looked at."""
    folder = tmp_path_factory.mktemp("poisoned")
    sources = {
        name: {**source, "paths": [str(poison.folder / path) for path in source["paths"]], "language": "en"}
        for name, source in poison.sources.items()
    }
    tokenizer = {"vocabulary": 520, "sample_bytes": "1MB"}
    recipe = {"gristmill": 1, "name": "poison", "sources": sources, "deduplicate": None, "tokenizer": tokenizer}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    request = Request(folder / "recipe.yaml", folder / "run", runner="fnapi").to_json()
    # VmHWM, not ru_maxrss: the latter begins with the memory of the process that started this one.
    code = (
        "import re, sys; from gristmill.pipelines.run.worker import main; code = main(sys.argv[1], sys.argv[2]); "
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]); sys.exit(code)"
    )
    line = [sys.executable, "-c", code, request, str(folder)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    error = (folder / "error").read_text() if (folder / "error").exists() else ""
    silent = [name for name, (good, _, _) in poison.outcomes.items() if good == 0]
    assert done.returncode == (Exit.EMPTY if silent else Exit.OK), error + done.stderr[-2000:]
    assert all(f"source {name}: " in error for name in silent)
    assert int(done.stdout.split()[-1]) / 1024 < MEMORY_MB
    return folder / "run"


def test_every_record_is_kept_dropped_or_dead_as_it_should_be(poison, run):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    accounts = Accounts.from_json(manifest["accounts"])
    reconcile(accounts, manifest["reconciled_steps"])
    found = {}
    for name in poison.sources:
        mine = accounts.of(name)
        dead = mine.total("read", "dead") + mine.total("extract", "dead")
        dropped = mine.total("read", "dropped") + mine.total("extract", "dropped")
        found[name] = (mine.total("read", "in") - dead - dropped, dropped, dead)
    assert found == poison.outcomes


def test_the_ledger_has_one_row_for_every_record_also_the_dead(run):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    accounts = Accounts.from_json(manifest["accounts"])
    verdicts = dict(duckdb.sql(f"SELECT verdict, count(*) FROM '{run}/ledger/*.parquet' GROUP BY verdict").fetchall())
    steps = [step for step in manifest["reconciled_steps"] if step != "encode"]
    expected = {name: sum(accounts.total(step, name) for step in steps) for name in ("dropped", "dead")}
    assert verdicts == {**expected, "kept": accounts.total("scrub", "kept")}
    assert sum(verdicts.values()) == accounts.total("read", "in")
    letters = duckdb.sql(f"SELECT source, step, \"row\" FROM '{run}/dead/*.parquet' ORDER BY ALL").fetchall()
    query = f"""SELECT source, step, "row" FROM '{run}/ledger/*.parquet' WHERE verdict = 'dead' ORDER BY ALL"""
    assert duckdb.sql(query).fetchall() == letters


def test_dead_letters_name_file_offset_and_reason_without_text(poison, run):
    letters = duckdb.sql(f"SELECT * FROM '{run}/dead/*.parquet'").to_arrow_table().to_pylist()
    assert len(letters) == sum(dead for _, _, dead in poison.outcomes.values())
    for letter in letters:
        assert letter["file"].startswith(str(poison.folder))
        assert letter["offset"] >= 0
        assert ":" in letter["error"]
        assert "Good text" not in letter["error"]
        assert len(letter["first_bytes"]) <= 4096


def test_good_records_beside_bad_ones_come_out_unchanged(run):
    texts = ds.dataset(run / "text", format="ipc").to_table().column("text").to_pylist()
    good = [text for text in texts if "Good text stays beside bad text." in text]
    assert len(good) >= 10
    assert all("好的文字留在坏的旁边。" in text for text in good)
    assert any("\x00" in text for text in texts), "NUL is a character"


def test_report_shows_dead_letters_by_kind_and_no_content(run):
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert "RecordTooLong" in page or "too long" in page.lower() or "long.jsonl" in page
    assert "half \\ud83d" not in page
