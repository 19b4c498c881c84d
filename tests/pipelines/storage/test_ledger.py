"""The tables of a run are opened by the names that a printed query uses."""

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.storage.ledger import TABLES, Ledger
from gristmill.pipelines.storage.sql import identifier, literal

PART = "{:0>16}-00-0000000000000000.parquet"
QUERY = "SELECT lang, count(*) AS documents FROM 'ledger/*.parquet' GROUP BY lang ORDER BY lang"


def part(file: Path, **columns: list) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    part(
        tmp_path / "run" / "ledger" / PART.format("a"),
        doc_id=["1", "2"],
        lang=["en", "zh"],
        words=[3.0, None],
    )
    part(
        tmp_path / "run" / "ledger" / PART.format("b"),
        doc_id=["3"],
        lang=["zh"],
        words=[7.0],
    )
    return tmp_path / "run"


def test_rows__all_parts_of_a_table_are_one(run: Path) -> None:
    with Ledger(run) as ledger:
        assert ledger.rows(QUERY) == [{"lang": "en", "documents": 1}, {"lang": "zh", "documents": 2}]


def test_rows__the_same_query_runs_in_plain_duckdb_inside_the_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(run) as ledger:
        ours = [tuple(row.values()) for row in ledger.rows(QUERY)]
    monkeypatch.chdir(run)
    assert duckdb.sql(QUERY).fetchall() == ours


@pytest.mark.parametrize("name", ["a,b", "it's", "[x]*", "运行 一", 'quo"te'])
def test_open__any_directory_name(run: Path, name: str) -> None:
    os.rename(run, run.parent / name)
    with Ledger(run.parent / name) as ledger:
        assert ledger.row("SELECT count(*) AS n FROM 'ledger/*.parquet'") == {"n": 3}


def test_has__absent_tables_are_absent_not_errors(run: Path) -> None:
    with Ledger(run) as ledger:
        assert [table for table in TABLES if ledger.has(table)] == ["ledger"]
        assert ledger.columns("ledger") == ["doc_id", "lang", "words"]
        assert ledger.columns("dropped") == []


def test_open__parts_may_lack_a_signal_column(run: Path) -> None:
    part(run / "ledger" / PART.format("c"), doc_id=["4"], lang=["de"])
    with Ledger(run) as ledger:
        assert ledger.rows("SELECT doc_id FROM 'ledger/*.parquet' WHERE words IS NULL ORDER BY doc_id") == [
            {"doc_id": "2"},
            {"doc_id": "4"},
        ]


def test_open__no_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run directory"):
        Ledger(tmp_path / "nowhere")


def test_open__a_broken_file_is_named_without_its_content(run: Path) -> None:
    (run / "ledger" / PART.format("c")).write_bytes(b"lihua@example.com is not a Parquet file")
    with pytest.raises(InputError, match="'ledger' cannot be read") as caught:
        Ledger(run)
    assert "lihua" not in str(caught.value)


def test_rows__parameters_are_values_not_sql(run: Path) -> None:
    with Ledger(run) as ledger:
        query = "SELECT doc_id FROM 'ledger/*.parquet' WHERE doc_id IN (SELECT unnest(?))"
        rows = ledger.rows(query, [["2", "' OR 1=1"]])
    assert rows == [{"doc_id": "2"}]


def test_quoting() -> None:
    assert identifier('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"
    assert literal(0.1) == "0.1"
