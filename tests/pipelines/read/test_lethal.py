"""A reader that ends its process: what it gave before stays, one dead letter stands for the rest of that file."""

import ctypes
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.read.formats.json import reader as jsonl
from gristmill.pipelines.read.formats.tables.columnar import Columns
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source

TEXTS = [f"第{number}页 page {number}" for number in range(9)]


@pytest.fixture
def lethal(monkeypatch):
    """The readers of JSON lines and of columns end their process at the sixth record of a file called `bad`."""
    parse, records = jsonl.parse, Columns.records

    def lethal_parse(data):
        if b"bad 5" in data:
            ctypes.string_at(0)
        return parse(data)

    def lethal_records(self, batch, first):
        if first >= 5 and "bad" in self.path:
            ctypes.string_at(0)
        return records(self, batch, first)

    monkeypatch.setattr(jsonl, "parse", lethal_parse)
    monkeypatch.setattr(Columns, "records", lethal_records)


def read(folder, form):
    source = schema.Source(format=form, paths=[f"*.{form}"])
    (unit,) = plan_source("web", source, folder, 1 << 20)
    return list(read_unit(unit, source, schema.Read(), schema.Extract(), guard=Guard(careful=True)))


def write_jsonl(file, name):
    lines = [json.dumps({"id": f"{name} {at}", "text": text}, ensure_ascii=False) for at, text in enumerate(TEXTS)]
    file.write_text("\n".join(lines), encoding="utf-8")


def write_parquet(file, name):
    pq.write_table(pa.table({"text": TEXTS}), file, row_group_size=5)


@pytest.mark.parametrize(("form", "write"), [("jsonl", write_jsonl), ("parquet", write_parquet)])
def test_lethal_reader__other_files_are_whole_and_the_rest_of_this_one_is_a_dead_letter(tmp_path, lethal, form, write):
    for name in ("a-good", "bad", "c-good"):
        write(tmp_path / f"{name}.{form}", name)
    found = read(tmp_path, form)
    texts = [text for records in found for text in records.batch.column("text").to_pylist()]
    assert texts == [*TEXTS, *TEXTS[:5], *TEXTS]
    (letter,) = [letter for records in found for letter in records.dead]
    assert letter.file == str(tmp_path / f"bad.{form}")
    assert letter.error == "LethalRecord: it ends its process (SIGSEGV) (rest of the file)"
    rows = [row for records in found for row in records.batch.column("row").to_pylist()]
    assert sorted([*rows, letter.row]) == list(range(len(TEXTS) * 2 + 6))
