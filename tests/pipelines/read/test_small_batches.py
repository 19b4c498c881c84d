"""Every batch costs something at every step: a file of many small ones is read as few."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source

TEXTS = [f"第{number}页 page {number} " * 40 for number in range(500)]


def write_parquet(file):
    pq.write_table(pa.table({"text": TEXTS}), file, row_group_size=5)


def write_arrow(file):
    table = pa.table({"text": TEXTS})
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)


@pytest.mark.parametrize(("form", "write"), [("parquet", write_parquet), ("arrow", write_arrow)])
def test_small_row_groups__are_one_batch(tmp_path, form, write):
    file = tmp_path / f"a.{form}"
    write(file)
    source = schema.Source(format=form, paths=[str(file)])
    (unit,) = plan_source("web", source, tmp_path, 16_000_000)
    (records,) = read_unit(unit, source, schema.Read(), schema.Extract())
    assert records.batch.column("text").to_pylist() == TEXTS
    assert records.batch.column("row").to_pylist() == list(range(500))
