"""Parquet and Arrow IPC: the same records from both, columns as JSON, damage, cutting."""

import datetime
import decimal
import json
import math

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.pipelines.read.formats.json.columns import json_objects, json_values

TABLE = pa.table(
    {
        "text": ["The mill.\nTwo lines.", "水车“转动”。", "", "四"],
        "id": ["a", "b", None, ""],
        "url": ["http://example.org/", None, "u", "v"],
        "lang": ["en", "zh-Hans", "mul", None],
        "n": [1, 2, None, 4],
        "标题": ['quote " and \\ and \n', "磨坊", None, "\x00\x1f"],
    }
)


def write(path, table: pa.Table, form: str, rows: int = 2, **options) -> None:
    if form == "parquet":
        pq.write_table(table, path, row_group_size=rows, **options)
        return
    opener = ipc.new_stream if form == "stream" else ipc.new_file
    with opener(path, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)


def form_of(kind: str) -> str:
    return "parquet" if kind == "parquet" else "arrow"


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_read__columns_and_meta(tmp_path, read_all, kind) -> None:
    write(tmp_path / "a", TABLE, kind)
    outcome = read_all(
        form_of(kind), tmp_path / "a", id="id", language={"column": "lang"}, columns={"n": "float64", "x": "bool"}
    )
    assert [row["text"] for row in outcome.rows] == TABLE["text"].to_pylist()
    assert [row["id"] for row in outcome.rows] == ["a", "b", None, None]
    assert [row["url"] for row in outcome.rows] == TABLE["url"].to_pylist()
    assert [row["declared_language"] for row in outcome.rows] == ["en", "zh", None, None]
    assert [row["n"] for row in outcome.rows] == [1.0, 2.0, None, 4.0]
    assert [row["x"] for row in outcome.rows] == [None] * 4
    expected = [{"lang": row["lang"], "标题": row["标题"]} for row in TABLE.to_pylist()]
    assert [json.loads(row["meta"]) for row in outcome.rows] == expected
    assert [row["row"] for row in outcome.rows] == [0, 1, 2, 3]


def test_doc_id__is_of_the_row_and_does_not_depend_on_its_file(tmp_path, read_all) -> None:
    ids = []
    for kind, rows, options in (
        ("parquet", 1, {"compression": "zstd"}),
        ("file", 4, {"compression": "lz4"}),
        ("stream", 3, {}),
    ):
        for table in (TABLE, TABLE.select(TABLE.column_names[::-1]), TABLE.cast(_large(TABLE.schema))):
            write(tmp_path / "a", table, kind, rows, **options)
            ids.append([row["doc_id"] for row in read_all(form_of(kind), tmp_path / "a").rows])
    assert all(found == ids[0] for found in ids)
    assert len(set(ids[0])) == 4
    by_id = [row["doc_id"] for row in read_all("arrow", tmp_path / "a", id="id").rows]
    assert len(set(by_id) & set(ids[0])) == 2  # rows without an id of their own


def _large(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(f.name, pa.large_string() if pa.types.is_string(f.type) else f.type) for f in schema])


@pytest.mark.parametrize(
    "kind",
    [pa.binary(), pa.large_binary(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
)
def test_text__of_any_string_like_type(tmp_path, read_all, kind) -> None:
    texts = ["one", "二", "one"]
    column = pa.array(texts).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(texts).cast(kind)
    write(tmp_path / "a", pa.table({"text": column}), "file")
    assert read_all("arrow", tmp_path / "a").texts == texts


@pytest.mark.parametrize("kind", ["parquet", "file"])
def test_bad_rows__are_dead_letters_and_their_neighbours_stay(tmp_path, read_all, kind) -> None:
    raw = [b"good", b"\xff\xfe", None, "好".encode(), b"x" * 500, b"last"]
    text = pa.array(raw).view(pa.string())
    title = pa.array([b"t", b"t", b"t", b"\xe9", b"t", b"t"]).view(pa.string())
    write(tmp_path / "a", pa.table({"text": text, "title": title}), kind, rows=4)
    outcome = read_all(form_of(kind), tmp_path / "a", max_record_bytes=100)
    assert outcome.texts == ["good", "last"]
    assert [row["row"] for row in outcome.rows] == [0, 5]
    assert [(dead.row, dead.offset, dead.length, dead.error) for dead in outcome.dead] == [
        (1, 1, 2, "UnicodeDecodeError: column 'text' is not UTF-8"),
        (2, 2, 0, "MissingField: 'text' is null"),
        (3, 3, 3, "UnicodeDecodeError: column 'title' is not UTF-8"),
        (4, 4, 500, "RecordTooLong: 500 bytes, and read.max_record_bytes is 100"),
    ]
    assert outcome.dead[0].first_bytes == b"\xff\xfe"


@pytest.mark.parametrize(
    ("table", "source", "error"),
    [
        (pa.table({"body": ["x"], "id": ["y"]}), {}, "MissingColumn: no column 'text'; the file has 'body', 'id'"),
        (pa.table({"text": [1]}), {}, "WrongType: column 'text' is int64, not a string"),
        (
            pa.table({"text": [{"a": "磨"}]}),
            {},
            "WrongType: column 'text' is struct<a: string>, not a string; a field within it is 'text.*' or 'text.NAME'",
        ),
        (
            pa.table({"text": ["x"], "id": [1.5]}),
            {"id": "id"},
            "WrongType: column 'id' is double, not an id (string or integer)",
        ),
        (
            pa.table({"text": ["x"], "n": ["1"]}),
            {"columns": {"n": "int64"}},
            "WrongType: column 'n' is string, not int64",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_file_without_what_the_source_needs__is_one_dead_letter(tmp_path, read_all, kind, table, source, error) -> None:
    write(tmp_path / "a", pa.concat_tables([table] * 5), kind, rows=1)
    write(tmp_path / "b", pa.table({"text": ["好"]}), kind)
    outcome = read_all(form_of(kind), tmp_path / "a", tmp_path / "b", unit_bytes=1, **source)
    assert outcome.texts == ["好"]
    assert [(dead.error, dead.length) for dead in outcome.dead] == [(error, (tmp_path / "a").stat().st_size)]


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_cut_arrow_file__gives_the_batches_before(tmp_path, read_all, keep) -> None:
    table = pa.table({"text": [f"{i} 文" * 200 for i in range(100)]})
    write(tmp_path / "a", table, "file", rows=5)
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(len(data) * keep)])
    outcome = read_all("arrow", tmp_path / "a")
    assert len(outcome.texts) >= int(100 * keep) // 5 * 5 - 10
    assert outcome.texts == table["text"].to_pylist()[: len(outcome.texts)]
    assert len(outcome.dead) == 1
    assert outcome.dead[0].offset == len(outcome.texts)


def test_damaged_row_group__costs_only_itself(tmp_path, read_all) -> None:
    texts = [f"{i} 文" * 300 for i in range(40)]
    write(tmp_path / "a", pa.table({"text": texts}), "parquet", rows=10, compression="gzip")
    about = pq.read_metadata(tmp_path / "a").row_group(1).column(0)
    data = bytearray((tmp_path / "a").read_bytes())
    start = about.dictionary_page_offset or about.data_page_offset
    data[start + 60 : start + 200] = b"\xff" * 140
    (tmp_path / "a").write_bytes(data)
    outcome = read_all("parquet", tmp_path / "a")
    assert outcome.texts == texts[:10] + texts[20:]
    (dead,) = outcome.dead
    assert dead.offset == 10
    assert "(rest of row group 1)" in dead.error


def test_garbage__is_one_dead_letter(tmp_path, read_all) -> None:
    for form in ("parquet", "arrow"):
        (tmp_path / "a").write_bytes(b"PAR1 or not " * 50)
        outcome = read_all(form, tmp_path / "a")
        assert not outcome.rows
        assert len(outcome.dead) == 1
        (tmp_path / "a").write_bytes(b"")
        assert read_all(form, tmp_path / "a").dead == []


def test_own_text_dataset__keeps_its_ids(tmp_path, read_all) -> None:
    columns = {
        "doc_id": ["0" * 32, "1" * 32],
        "id": ["x", None],
        "source": ["s", "s"],
        "text": ["one", "二"],
        "lang": ["en", "zh"],
    }
    table = pa.table(columns | {"lang_score": [1.0, 0.5], "cluster": ["0" * 32] * 2, "meta": ['{"a":1}', "{}"]})
    write(tmp_path / "a", table, "file")
    rows = read_all("arrow", tmp_path / "a").rows
    assert [row["id"] for row in rows] == ["0" * 32, "1" * 32]
    assert json.loads(rows[0]["meta"])["meta"] == {"a": 1}
    assert json.loads(rows[0]["meta"])["id"] == "x"


def test_json_values__of_every_kind_of_column() -> None:
    moment = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)
    columns = {
        "s": pa.array(['"\\/\n\t\x00\x7f', "中文", None]),
        "i": pa.array([2**63 - 1, -1, None]),
        "u": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "f": pa.array([0.1, math.nan, math.inf]),
        "b": pa.array([True, False, None]),
        "raw": pa.array([b"\xff", b"", None]),
        "list": pa.array([["a", None], [], None]),
        "struct": pa.array([{"x": 1.5, "y": "中"}, {"x": None, "y": None}, None]),
        "time": pa.array([moment, None, None], pa.timestamp("us", "UTC")),
        "decimal": pa.array([decimal.Decimal("1.20"), None, None]),
        "null": pa.nulls(3),
        "dict": pa.array(["x", "y", None]).dictionary_encode(),
    }
    objects = json_objects(list(columns), [json_values(column) for column in columns.values()], 3)
    first, second, third = map(json.loads, objects.to_pylist())
    assert first == {
        "s": '"\\/\n\t\x00\x7f', "i": 2**63 - 1, "u": 2**64 - 1, "f": 0.1, "b": True, "raw": "/w==",
        "list": ["a", None], "struct": {"x": 1.5, "y": "中"}, "time": "2024-02-29 12:30:00.000000Z", "decimal": "1.20",
        "null": None, "dict": "x",
    }  # fmt: skip
    assert (second["s"], second["f"], second["list"], third["f"]) == ("中文", None, [], None)
    assert {name for name, value in third.items() if value is None} == set(columns)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(max_size=30), max_size=30),
    st.integers(1, 9),
    st.integers(1, 2000),
    st.sampled_from(["parquet", "file"]),
)
def test_units__together_give_the_rows_of_the_file(tmp_path, read_all, texts, rows, unit_bytes, kind) -> None:
    write(tmp_path / "a", pa.table({"text": pa.array(texts, pa.string())}), kind, rows=rows)
    whole = read_all(form_of(kind), tmp_path / "a")
    cut = read_all(form_of(kind), tmp_path / "a", unit_bytes=unit_bytes)
    assert [row["text"] for row in whole.rows] == [row["text"] for row in cut.rows] == texts
    assert [row["doc_id"] for row in cut.rows] == [row["doc_id"] for row in whole.rows]


def test_sample__counts_what_it_leaves_out(tmp_path, read_all) -> None:
    write(tmp_path / "a", pa.table({"text": [f"第{i}篇" for i in range(1000)]}), "parquet", rows=300)
    outcome = read_all("parquet", tmp_path / "a", sample=0.3)
    assert 240 < len(outcome.rows) < 360
    assert outcome.aside == {"not_sampled": 1000 - len(outcome.rows)}


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_lack_of_memory__is_not_taken_for_a_damaged_file(tmp_path, read_all, kind, monkeypatch) -> None:
    """pyarrow's error is a MemoryError and an ArrowException: under `--memory`, good rows once became dead letters."""

    def refuse(*_, **__):
        raise pa.lib.ArrowMemoryError("malloc of size 64 failed")

    write(tmp_path / "a", TABLE, kind)
    monkeypatch.setattr("gristmill.pipelines.read.formats.tables.columnar.Columns.records", refuse)
    with pytest.raises(MemoryError):
        read_all(form_of(kind), tmp_path / "a")
