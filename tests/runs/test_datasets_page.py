"""docs/datasets.md says what a run's files hold: every column, its type, and whether it is ever null."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from gristmill.pipelines.cli.datasets_page import datasets_page, schemas
from gristmill.pipelines.records.columns import meaning_of
from gristmill.pipelines.storage.ledger import TABLES
from gristmill.tokenizer.shards.format import MEANINGS


def opened(run: Path, dataset: str) -> pa.Table:
    return ds.dataset(run / dataset, format="parquet" if dataset in TABLES else "ipc").to_table()


@pytest.mark.parametrize("dataset", ["text", "ledger", "clusters", "dropped", "curated"])
def test_page__every_column_with_its_type_and_no_null_that_it_denies(small_run, dataset):
    table, schema = opened(small_run, dataset), schemas()[dataset]
    assert table.schema.names[: len(schema)] == schema.names or set(schema.names) <= set(table.schema.names)
    for field in schema:
        assert table.schema.field(field.name).type.id == field.type.id
        assert meaning_of(dataset, field.name).text
        if not meaning_of(dataset, field.name).null:
            assert table.column(field.name).null_count == 0, field.name
    others = set(table.schema.names) - set(schema.names)
    assert all(name == "stars" or dataset == "ledger" for name in others)


def test_page__token_shards(small_run):
    table = opened(small_run, "tokens/train")
    assert set(table.schema.names) <= MEANINGS.keys()
    assert all(column.null_count == 0 for column in table.columns)


def test_page__its_links_lead_somewhere():
    page = datasets_page()
    titles = {title.replace("/", "") for title in re.findall(r"^## (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= titles
