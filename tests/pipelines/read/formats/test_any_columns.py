"""Tables of any type and any bits: `meta` is JSON, a bad value costs its row, nothing ends a batch."""

import datetime
import decimal
import json
import random
import struct
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.formats.json.columns import json_objects, json_values
from gristmill.pipelines.read.formats.tables import columnar, parquet
from gristmill.pipelines.read.formats.tables.salvage import DAMAGED, GOOD, NOT_UTF8, salvage
from tests.pipelines.read.formats.any_columns import NAMES, Unknown, any_array


def values(column: pa.Array) -> list:
    """What the JSON of a column says, checked as RFC 8259 has it."""
    return [strict(text) for text in json_values(column).to_pylist()]


def strict(text: str):
    def refuse(name: str):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def write(path, batch: pa.RecordBatch, kind: str) -> None:
    if kind == "parquet":
        pq.write_table(pa.Table.from_batches([batch]), path)
        return
    with (ipc.new_file if kind == "file" else ipc.new_stream)(path, batch.schema) as writer:
        writer.write_batch(batch)


def read(read_all, path, batch: pa.RecordBatch, kind: str, **source):
    write(path, batch, kind)
    return read_all("parquet" if kind == "parquet" else "arrow", path, **source)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from(["file", "stream"]))
@example(2879, "file")
def test_rows__of_any_types_are_kept_or_dead_and_their_meta_is_json(tmp_path, read_all, seed, kind) -> None:
    rng = random.Random(seed)
    rows = rng.randrange(1, 30)
    columns = [any_array(rng, rows) for _ in range(3)]
    texts = pa.array([f"文{i}" for i in range(rows)])
    batch = pa.RecordBatch.from_arrays([texts, *columns], names=["text", *(rng.choice(NAMES) for _ in columns)])
    write(tmp_path / "a", batch, kind)
    assume(comes_back(tmp_path / "a", columns, kind))
    outcome = read_all("arrow", tmp_path / "a")
    assert len(outcome.rows) + len(outcome.dead) == rows, outcome.dead
    for row in outcome.rows:
        strict(row["meta"])
        assert row["text"] == f"文{row['row']}"
    faults = [found.fault_R for column in columns if (found := salvage(column)) is not None]
    for dead in outcome.dead:
        assert any(fault_R[dead.offset] for fault_R in faults)
        assert dead.first_bytes == f"文{dead.offset}".encode()


def comes_back(path, columns: list[pa.Array], kind: str) -> bool:
    """Whether pyarrow reads what it wrote: it mixes buffers up in unions and runs under extension types, and in
    dictionaries of dictionaries."""
    try:
        with (ipc.open_file if kind == "file" else ipc.open_stream)(path) as file:
            found = file.read_all().combine_chunks().to_batches()[0].to_struct_array()
        for i, column in enumerate(columns, 1):
            found.field(i).validate()
            before, after = salvage(column), salvage(found.field(i))
            if (before and before.fault_R.tolist()) != (after and after.fault_R.tolist()):
                return False
    except (pa.ArrowException, OSError):
        return False
    return True


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize(
    "zone", [None, "UTC", "utc", "Z", "GMT+1", "tzutc()", "Mars/Phobos", "+25:00", "+08:00", "时区"]
)
def test_moments__of_any_zone_are_told_in_utc(unit, zone) -> None:
    ticks = 1_709_209_800 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    column = pa.array([ticks, None]).view(pa.timestamp(unit, zone))
    digits = {"s": "", "ms": ".000", "us": ".000000", "ns": ".000000000"}[unit]
    told = f"2024-02-29 12:30:00{digits}{'Z' if zone else ''}"
    assert values(column) == [told, None]
    nested = pa.array([[{"t": None}]], pa.list_(pa.struct([("t", column.type)])))
    assert values(nested) == [[{"t": None}]]
    listed = pa.ListArray.from_arrays(pa.array([0, 2]), column)
    assert values(pa.StructArray.from_arrays([listed], names=["when"])) == [{"when": [told, None]}]


@pytest.mark.parametrize(
    ("kind", "ticks", "told"),
    [
        (pa.date32(), -719_162, "0001-01-01"),
        (pa.date32(), -719_163, "+0000-12-31"),
        (pa.date32(), 2_932_896, "9999-12-31"),
        (pa.date32(), 2_932_897, "+10000-01-01"),
        (pa.date32(), -(2**31), "-5877641-06-23"),
        (pa.date32(), 2**31 - 1, "+5881580-07-11"),
        (pa.date64(), 2_932_897 * 86_400_000, "+10000-01-01"),
        (pa.timestamp("s"), 253_402_300_799, "9999-12-31 23:59:59"),
        (pa.timestamp("s", "UTC"), 253_402_300_800, "+10000-01-01 00:00:00Z"),
        (pa.timestamp("ms"), -62_135_596_800_001, "+0000-12-31 23:59:59.999"),
        (pa.timestamp("us"), 2**63 - 1, "+294247-01-10 04:00:54.775807"),
        (pa.timestamp("ns"), 2**63 - 1, "2262-04-11 23:47:16.854775807"),
        (pa.duration("ns"), 90_061_000_000_001, "PT90061.000000001S"),
        (pa.duration("ms"), -1_500, "PT-1.5S"),
        (pa.duration("s"), 0, "PT0S"),
        (pa.time64("ns"), 1, "00:00:00.000000001"),
    ],
)
def test_times__beyond_four_digits_and_microseconds(kind, ticks, told) -> None:
    column = pa.array([ticks, None], pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)
    assert values(column) == [told, None]


def test_day__is_the_calendar_of_python_within_its_years() -> None:
    from gristmill.pipelines.read.formats.tables.time_texts import _day

    for day in range(-719_162, 2_932_897, 997):
        assert _day(day) == f"+{datetime.date.fromordinal(day + 719_163).isoformat()}"


def test_values__of_types_that_python_has_not() -> None:
    pairs = pa.array([[("a", 1), ("a", 2)], [], None], pa.map_(pa.string(), pa.int64()))
    assert values(pairs) == [[["a", 1], ["a", 2]], [], None]
    assert values(pa.array([[(1, "甲")]], pa.map_(pa.int64(), pa.string()))) == [[[1, "甲"]]]
    assert values(pa.array([pa.MonthDayNano([1, -2, 3_500_000_000]), None])) == ["P1M-2DT3.5S", None]
    assert values(pa.array([1.5, float("nan"), None], pa.float16())) == [1.5, None, None]
    assert values(pa.array([decimal.Decimal("1.20")], pa.decimal256(40, 2))) == ["1.20"]
    assert values(pa.array([b"\xff", None], pa.binary_view())) == ["/w==", None]
    assert values(pa.array([["a"], None, []], pa.list_view(pa.string_view()))) == [["a"], None, []]
    assert values(pa.array([[1, 2], None], pa.list_(pa.int8(), 2)).slice(1)) == [None]
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], fields=[pa.field("a", pa.int64())] * 2)
    assert values(twice) == [{"a": 1, "a (2)": 2}]
    assert values(pa.ExtensionArray.from_storage(Unknown(), pa.array([7], pa.int16()))) == [7]
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 5], pa.int32()), pa.array(["甲", None]))
    assert values(runs.slice(1)) == ["甲", None, None, None]
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["甲", "乙"])])
    assert values(union) == [1, "乙"]


NOT_UTF8_NAMES = (b"n\xe9m", b"s\xff\xfet")


def rename(data: bytes) -> bytes:
    return data.replace(b"n_m", NOT_UTF8_NAMES[0]).replace(b"s__t", NOT_UTF8_NAMES[1])


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_names__that_are_not_utf8_or_stand_twice(tmp_path, read_all, kind) -> None:
    columns = [["一", "two"], [1, 2], [{"s__t": "x"}, None], [3, 4], ["三", "四"]]
    batch = pa.RecordBatch.from_arrays([pa.array(column) for column in columns], ["text", "n_m", "s", "n_m", "text"])
    if kind == "parquet":
        pq.write_table(pa.Table.from_batches([batch]), tmp_path / "a", store_schema=False)
    else:
        write(tmp_path / "a", batch, kind)
    (tmp_path / "a").write_bytes(rename((tmp_path / "a").read_bytes()))
    outcome = read_all("parquet" if kind == "parquet" else "arrow", tmp_path / "a")
    assert outcome.texts == ["一", "two"], outcome.dead
    name = "n\\xe9m"
    assert [strict(row["meta"]) for row in outcome.rows] == [
        {name: 1, "s": {"s\\xff\\xfet": "x"}, f"{name} (2)": 3, "text (2)": "三"},
        {name: 2, "s": None, f"{name} (2)": 4, "text (2)": "四"},
    ]


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_columns__named_as_ours_travel_in_meta(tmp_path, read_all, kind) -> None:
    names = ["row", "drop", "drop_step", "raw_bytes", "doc_id", "declared_language", "source", "edits"]
    batch = pa.RecordBatch.from_pydict({"text": ["文"]} | {name: ["x"] for name in names})
    outcome = read(read_all, tmp_path / "a", batch, kind)
    assert strict(outcome.rows[0]["meta"]) == dict.fromkeys(names, "x")


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_metadata__that_is_broken_costs_nothing(tmp_path, read_all, kind) -> None:
    metadata = {b"pandas": b'{"columns": [{"name": "\xff', b"\xfe\xff": b"\x00\xff", b"huggingface": b"not json"}
    batch = pa.RecordBatch.from_pydict({"text": ["文"]}).replace_schema_metadata(metadata)
    assert read(read_all, tmp_path / "a", batch, kind).texts == ["文"]


@pytest.mark.parametrize("unit", [0, 1])
def test_intervals__that_pyarrow_does_not_know_are_null(tmp_path, read_all, unit) -> None:
    """Of months, or of days and milliseconds, as Java writes them."""
    batch = pa.RecordBatch.from_pydict({"text": ["文"], "i": pa.array([pa.MonthDayNano([1, 2, 3])])})
    write(tmp_path / "a", batch, "stream")
    data = bytearray((tmp_path / "a").read_bytes())
    places = [i for i in range(200) if data[i : i + 2] == b"\x02\x00" and i % 2 == 0]
    for place in places:
        changed = bytearray(data)
        changed[place] = unit
        with suppress(pa.ArrowException, OSError), ipc.open_stream(bytes(changed)) as stream:
            if any(name in str(stream.schema) for name in ("i: month_interval", "i: day_time_interval")):
                break
    else:
        raise AssertionError("the unit was not found")
    (tmp_path / "a").write_bytes(changed)
    outcome = read_all("arrow", tmp_path / "a")
    assert (outcome.texts, strict(outcome.rows[0]["meta"])) == (["文"], {"i": None})


def broken(kind: pa.DataType, buffers: list, rows: int = 4, children: list | None = None) -> pa.Array:
    made = [None if data is None else pa.py_buffer(data) for data in buffers]
    return pa.Array.from_buffers(kind, rows, made, children=children)


def ints(*numbers: int, bits: str = "i") -> bytes:
    return struct.pack(f"<{len(numbers)}{bits}", *numbers)


BROKEN = {
    "offsets beyond the data": broken(pa.string(), [None, ints(0, 1, 99, 2, 3), b"abc"]),
    "offsets that go back": broken(pa.large_binary(), [None, ints(0, 2, 1, 0, 3, bits="q"), b"abc"]),
    "not UTF-8": broken(pa.string(), [None, ints(0, 1, 2, 3, 4), b"a\xe9\xffb"]),
    "time": broken(pa.time32("s"), [None, ints(0, 86_400, -1, 5)]),
    "date": broken(pa.date64(), [None, ints(0, 1, 2, 86_400_000, bits="q")]),
    "decimal": broken(pa.decimal128(2, 0), [None, ints(1, 0, 100, 0, -100, -1, 99, 0, bits="q")]),
    "indices": pa.DictionaryArray.from_arrays(pa.array([0, 9, -1, 1], pa.int8()), ["a", "b"], safe=False),
    "dictionary": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 1, 2], pa.int8()), pa.array([b"a", b"\xff", b"c"]).view(pa.string()), safe=False
    ),
    "list": broken(pa.list_(pa.int8()), [None, ints(0, 1, 99, 2, 3)], children=[pa.array([1, 2, 3], pa.int8())]),
    "in a list": pa.ListArray.from_arrays([0, 1, 2, 3, 4], pa.array([b"a", b"\xff", b"\xfe", b"b"]).view(pa.string())),
    "in a struct": pa.StructArray.from_arrays([pa.array([b"a", b"\xff", b"\xfe", b"b"]).view(pa.string())], ["x"]),
    "in a fixed list": pa.FixedSizeListArray.from_arrays(broken(pa.time32("s"), [None, ints(0, -1, -2, 1)]), 1),
    "in a map": pa.MapArray.from_arrays(
        [0, 1, 2, 3, 4], pa.array(list("abcd")), pa.array([b"a", b"\xff", b"\xfe", b"b"]).view(pa.string())
    ),
}


@pytest.mark.parametrize("place", BROKEN)
@pytest.mark.parametrize("shift", [0, 1])
def test_value__that_contradicts_its_type_costs_its_row(place, shift) -> None:
    column = BROKEN[place].slice(shift)
    found = salvage(column)
    assert found is not None
    found.column.validate(full=True)
    assert [fault == GOOD for fault in found.fault_R] == [True, False, False, True][shift:]
    assert set(found.fault_R) <= {GOOD, NOT_UTF8, DAMAGED}
    told = values(found.column)
    assert told[-1] is not None
    assert all(value is None for value in told[1 - shift : 3 - shift])


@pytest.mark.parametrize("place", BROKEN)
def test_batch__loses_the_rows_of_bad_values_only(tmp_path, read_all, place) -> None:
    texts = pa.array(["一", "二", "三", "四"])
    try:
        outcome = read(
            read_all, tmp_path / "a", pa.RecordBatch.from_arrays([texts, BROKEN[place]], ["text", "x"]), "file"
        )
    except pa.ArrowInvalid:
        pytest.skip("pyarrow does not write it")
    assert outcome.texts == ["一", "四"]
    assert [dead.first_bytes.decode() for dead in outcome.dead] == ["二", "三"]
    assert {dead.kind for dead in outcome.dead} <= {"UnicodeDecodeError", "DamagedValue"}


def test_row_count__that_is_a_lie_is_one_dead_letter() -> None:
    class Lying:
        type = pa.string()

        def validate(self, full):
            raise pa.ArrowInvalid("Buffer #1 too small")

        def __len__(self):
            return 2**40

        def buffers(self):
            return [None, pa.py_buffer(ints(0, 1, 2)), pa.py_buffer(b"ab")]

    with pytest.raises(BadRecordError, match="shorter than its number of rows"):
        salvage(Lying())


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_long_value__in_every_row_is_read_in_pieces(tmp_path, read_all, monkeypatch, kind, encoded) -> None:
    """A dictionary page or batch of some MB may decode to many GB: pyarrow's offsets overflow at 2 GB."""
    if kind != "parquet" and not encoded:
        pytest.skip("stored as it is")
    monkeypatch.setattr(columnar, "DECODED_BYTES", 1_000_000)
    monkeypatch.setattr(parquet, "DECODED_BYTES", 30_000_000)
    sizes = []
    decoded = columnar.decoded
    monkeypatch.setattr(columnar, "decoded", lambda column: sizes.append(decoded(column).nbytes) or decoded(column))
    long = "长" * 100_000
    indices = pa.array(np.arange(1000) % 2, pa.int8())
    column = pa.DictionaryArray.from_arrays(indices, ["short", long])
    table = pa.RecordBatch.from_arrays([column if encoded else column.cast(pa.string())], ["text"])
    outcome = read(read_all, tmp_path / "a", table, kind)
    assert len(outcome.rows) == 1000
    assert all(row["text"] == ("short", long)[row["row"] % 2] for row in outcome.rows)
    assert max(sizes) < 31_000_000


def test_int96__keeps_its_year(tmp_path, read_all) -> None:
    """As Spark writes times; in nanoseconds the year 9999 would be 1816."""
    ticks = pa.array([253_402_300_799_000_000, -62_135_596_800_000_000]).view(pa.timestamp("us"))
    table = pa.table({"text": ["甲", "乙"], "t": ticks})
    pq.write_table(table, tmp_path / "a", use_deprecated_int96_timestamps=True)
    told = [strict(row["meta"])["t"] for row in read_all("parquet", tmp_path / "a").rows]
    assert told == ["9999-12-31 23:59:59.000000", "0001-01-01 00:00:00.000000"]


@pytest.mark.parametrize("depth", [40, 300])
def test_nesting__of_any_depth_ends_no_run(tmp_path, read_all, depth) -> None:
    column = pa.array([1])
    for _ in range(depth):
        column = pa.StructArray.from_arrays([column], ["x"])
    pq.write_table(pa.table({"text": ["文"], "n": column}), tmp_path / "a")
    outcome = read_all("parquet", tmp_path / "a")
    assert (len(outcome.rows), len(outcome.dead)) == ((1, 0) if depth < 64 else (0, 1))


@pytest.mark.slow
def test_row_group__of_more_than_2_gb_decoded(tmp_path, read_all) -> None:
    from gristmill.pipelines.read.unit import read_unit
    from gristmill.pipelines.recipe import schema
    from gristmill.pipelines.run.inputs.plan import plan_source

    long = "长" * 400_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 2_500, pa.int8()), [long])
    pq.write_table(pa.table({"text": column, "tags": pa.array([["标签"]] * 2_500)}), tmp_path / "a")
    source = schema.Source(format="parquet", paths=[str(tmp_path / "a")])
    (unit,) = plan_source("web", source, tmp_path, 10**9)
    rows = 0
    for records in read_unit(unit, source, schema.Read(), schema.Extract()):
        assert not records.dead
        rows += records.batch.num_rows
    assert rows == 2_500


@pytest.mark.parametrize("message", ["offset overflow while concatenating arrays", "chunked array outputs"])
def test_batch__too_large_for_32_bit_offsets_is_read_again_in_smaller_ones(
    tmp_path, read_all, monkeypatch, message
) -> None:
    pq.write_table(pa.table({"text": [f"文{i}" for i in range(9_000)]}), tmp_path / "a")
    whole = pq.ParquetFile.iter_batches

    def limited(self, rows, **options):
        for number, batch in enumerate(whole(self, rows, **options)):
            if number and rows > 100:
                raise pa.ArrowInvalid(message)
            yield batch

    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", limited)
    outcome = read_all("parquet", tmp_path / "a")
    assert outcome.dead == []
    assert outcome.texts == [f"文{i}" for i in range(9_000)]


def test_objects__of_no_columns() -> None:
    assert json_objects([], [], 2).to_pylist() == ["{}", "{}"]
