"""A file that can no longer be read when its turn comes: every piece says so, and no record is lost in silence."""

import errno
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.read.formats.json import reader as jsonl
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source

TABLE = pa.table({"text": [f"第{number}页 page {number} " * 40 for number in range(200)]})


def write_parquet(file):
    pq.write_table(TABLE, file, row_group_size=50, compression="none")


def write_arrow(file):
    with pa.ipc.new_file(file, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=50)


def letters(units, source):
    found = [records for unit in units for records in read_unit(unit, source, schema.Read(), schema.Extract())]
    assert sum(records.batch.num_rows for records in found) == 0
    return [letter for records in found for letter in records.dead]


@pytest.mark.parametrize(("form", "write"), [("parquet", write_parquet), ("arrow", write_arrow)])
def test_footer_damaged_after_planning__a_dead_letter_for_every_piece(tmp_path, form, write):
    file = tmp_path / f"a.{form}"
    write(file)
    source = schema.Source(format=form, paths=[str(file)])
    units = plan_source("web", source, tmp_path, 20_000)
    assert len(units) > 2
    before = file.stat()
    with file.open("r+b") as damaged:
        damaged.seek(-8, os.SEEK_END)
        damaged.write(b"garbage!")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = letters(units, source)
    assert [letter.offset for letter in found] == [unit.splits[0].start for unit in units]
    assert all(letter.error.startswith("ArrowInvalid") for letter in found)


def test_disk_error__a_dead_letter_for_every_piece(tmp_path, monkeypatch):
    file = tmp_path / "a.jsonl"
    file.write_text("".join(f'{{"text": "第{number}行"}}\n' for number in range(400)), encoding="utf-8")
    source = schema.Source(format="jsonl", paths=[str(file)])
    units = plan_source("web", source, tmp_path, 2_000)
    assert len(units) > 2

    def broken(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    monkeypatch.setattr(jsonl, "open_file", broken)
    found = letters(units, source)
    assert [(letter.offset, letter.error) for letter in found] == [
        (unit.splits[0].start, "OSError: Input/output error") for unit in units
    ]
