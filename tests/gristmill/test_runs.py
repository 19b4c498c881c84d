"""A run's tables in a notebook."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gristmill
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.storage.store import Store

PART = f"{'0' * 16}-00-{'1' * 16}.parquet"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "ledger").mkdir()
    pq.write_table(pa.table({"id": ["a", "b"], "verdict": ["kept", "dropped"]}), tmp_path / "ledger" / PART)
    shard = {"path": f"ledger/{PART}", "rows": 2, "bytes": 1, "sha256": ""}
    manifest = {"datasets": {"ledger": {"rows": 2, "bytes": 1, "content": "", "shards": [shard]}}}
    store = Store.at(tmp_path)
    store.write_sealed("run.json", {"status": "finished"})
    store.write_sealed("manifest.json", manifest)
    return tmp_path


def test_run__tables_are_queried_and_scanned(run) -> None:
    opened = gristmill.open_run(run)
    assert opened.datasets == {"ledger": 2}
    assert "ledger 2" in repr(opened)
    found = opened.query("SELECT id FROM 'ledger/*.parquet' WHERE verdict = ? ORDER BY id", "kept")
    assert found.to_pylist() == [{"id": "a"}]
    assert opened.dataset("ledger").to_table().num_rows == 2
    for table in ("dead", "dropped", "clusters", "contamination"):  # of which this run has no row
        assert (
            opened.query(
                f"SELECT doc_id FROM '{table}/*.parquet'" if table != "dead" else "FROM 'dead/*.parquet'"
            ).num_rows
            == 0
        )


def test_run__what_is_not_there(run, tmp_path) -> None:
    with pytest.raises(InputError, match=r"no dataset 'text'[\s\S]*there are: ledger"):
        gristmill.open_run(run).dataset("text")
    manifest = Store.at(run).read_json("manifest.json")
    shard = {"path": "tokenizer/tokenizer.model", "rows": 1, "bytes": 1, "sha256": ""}
    manifest["datasets"]["tokenizer"] = {"rows": 1, "bytes": 1, "content": "", "shards": [shard]}
    Store.at(run).write_sealed("manifest.json", manifest)
    with pytest.raises(InputError, match=r"'tokenizer' is no table[\s\S]*its files lie in .*/tokenizer"):
        gristmill.open_run(run).dataset("tokenizer")
    with pytest.raises(RecipeError, match="is not a run directory"):
        gristmill.open_run(tmp_path / "nothing")
