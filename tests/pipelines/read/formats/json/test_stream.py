"""JSON arrays and objects over many lines: told from lines by content, read in bounded memory, one value at a time."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.read.formats.json.stream import NOT_CLOSED, holds_values, values
from gristmill.pipelines.read.lines import Line

RECORDS = [
    {"id": "a", "text": 'The mill: "turns", \\ } ] {', "n": [1, {"x": [{}]}]},
    {"id": "b", "text": "磨坊在河边，“水车”转动。"},
    {"id": "丙", "text": "第三条：［１，２］{"},
]
LAYOUTS = {
    "array": json.dumps(RECORDS, ensure_ascii=False),
    "escaped": json.dumps(RECORDS),
    "pretty": json.dumps(RECORDS, ensure_ascii=False, indent=2),
    "a line each": "[\n" + ",\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS) + "\n]\n",
    "objects": "".join(json.dumps(record, ensure_ascii=False) for record in RECORDS),
    "pretty objects": "\r\n".join(json.dumps(record, ensure_ascii=False, indent="\t") for record in RECORDS),
    "byte order mark": "\ufeff" + json.dumps(RECORDS, ensure_ascii=False),
    "two arrays": json.dumps(RECORDS[:1]) + "\n" + json.dumps(RECORDS[1:]),
}


def found(data: bytes, size: int, limit: int = 1 << 20) -> list:
    return list(values((data[i : i + size] for i in range(0, len(data), size)), limit))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_read__any_layout_gives_the_same_documents(tmp_path, read_all, layout, suffix) -> None:
    data = LAYOUTS[layout].encode()
    (tmp_path / f"a{suffix}").write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    for form in ("json", "jsonl"):
        outcome = read_all(form, tmp_path, id="id", unit_bytes=40)
        assert [(row["id"], row["text"]) for row in outcome.rows] == [(r["id"], r["text"]) for r in RECORDS]
        assert outcome.units == 1
        assert not outcome.dead
    assert json.loads(outcome.rows[0]["meta"]) == {"n": RECORDS[0]["n"]}


def test_read__lines_that_are_called_json_are_cut(tmp_path, read_all) -> None:
    lines = [json.dumps({"text": f"第 {i} 行 " + "x" * 100}) for i in range(50)]
    (tmp_path / "a.json").write_text("\n".join(lines))
    outcome = read_all("jsonl", tmp_path, unit_bytes=1000)
    assert outcome.units > 3
    assert outcome.texts == [json.loads(line)["text"] for line in lines]
    assert read_all("json", tmp_path).texts == outcome.texts


@pytest.mark.parametrize(
    ("data", "is_values"),
    [
        (b'{"text": "a"}\n{"text": "b"}\n', False),
        (b'{"text": "damaged\n{"text": "b"}\n', False),
        (b'\xef\xbb\xbf{"text": "a"}', False),
        (b'{"text": "a"} {"text": "b"}\n', True),
        (b'\n\n  [{"text": "a"}]', True),
        (b'{\n  "text": "a"\n}\n', True),
        (b"", False),
        (b"text", False),
    ],
)
def test_holds_values__by_content(data, is_values) -> None:
    assert holds_values(data) == is_values


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), JSON_VALUES, max_size=3), max_size=6),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.integers(1, 40),
)
def test_values__are_the_elements_wherever_pieces_end(records, indent, ascii_only, size) -> None:
    data = json.dumps(records, indent=indent, ensure_ascii=ascii_only).encode()
    lines = found(data, size)
    assert [json.loads(line.data) for line in lines] == records
    assert all(data[line.offset : line.offset + len(line.data)] == line.data for line in lines)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ('{"id": "x", "text": broken}', "JSONDecodeError: Expecting value"),
        ('{"id": "x", "text": "秘密",}', "JSONDecodeError: "),
        ('{"id": "x", "text": "没有结尾}', "JSONDecodeError: "),
        ('{"id": "x" "text": 秘密, [}', "JSONDecodeError: "),
        ("{'id': 'x', 'text': '秘密'}", "JSONDecodeError: "),
        ('{"id": "x", "text": "a\\ud800"}', "LoneSurrogate"),
        ('"a text"', "WrongType: the record is a string"),
        ("[1, 2]", "WrongType: the record is an array"),
        ("null", "WrongType: the record is null"),
        ('{"id": "x", "text": "' + "长" * 400 + '"}', "RecordTooLong: 1,2"),
        ('{"id": "x", "text": ' + "[" * 200 + "]" * 200 + "}", "WrongType"),
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_read__a_bad_value_costs_itself_only(tmp_path, read_all, bad, error, indent) -> None:
    good = [json.dumps(record, ensure_ascii=False, indent=indent) for record in RECORDS]
    data = "[" + ",\n".join([good[0], bad, *good[1:]]) + "]"
    (tmp_path / "a.json").write_bytes(data.encode())
    outcome = read_all("json", tmp_path, id="id", max_record_bytes=1000)
    assert outcome.texts == [record["text"] for record in RECORDS]
    (dead,) = outcome.dead
    assert dead.error.startswith(error)
    assert dead.offset == data.encode().index(bad.encode())
    assert "秘密" not in dead.error


def test_read__bytes_that_are_no_utf8_cost_their_record(tmp_path, read_all) -> None:
    data = json.dumps(RECORDS, ensure_ascii=False).encode().replace("磨坊".encode(), b"\xff\xfe")
    (tmp_path / "a.json").write_bytes(data)
    outcome = read_all("json", tmp_path)
    assert len(outcome.texts) == 2
    assert [dead.error[:18] for dead in outcome.dead] == ["UnicodeDecodeError"]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_read__a_file_that_ends_early_says_so(tmp_path, read_all, cut) -> None:
    whole = LAYOUTS["array"].encode()
    (tmp_path / "a.json").write_bytes(whole[:-cut])
    outcome = read_all("json", tmp_path)
    assert len(outcome.texts) == 3 - (cut > 1)
    assert outcome.dead[-1].error == NOT_CLOSED
    packed = gzip.compress(whole, mtime=0)
    (tmp_path / "a.json").unlink()
    (tmp_path / "b.json.gz").write_bytes(packed[:-12])
    outcome = read_all("json", tmp_path)
    assert outcome.texts == [record["text"] for record in RECORDS][: len(outcome.texts)]
    assert outcome.dead[-1].error.startswith("EOFError: the gzip stream ends early")


def test_values__of_a_long_array_in_little_memory_and_linear_time() -> None:
    record = b'{"text": "' + "磨".encode() * 3000 + b'"},\n'

    def pieces():
        yield b"["
        for _ in range(300):
            yield record * 10
        yield b"{}]"

    tracemalloc.start()
    assert sum(isinstance(line, Line) for line in values(pieces(), 1 << 20)) == 3001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_values__a_value_over_many_pieces_is_linear() -> None:
    data = b'[{"text": "' + b"x" * 2_000_000 + b'"}, {"text": "y"}]'
    assert [len(line.data) for line in found(data, 1000, 4 * 2**20)] == [2_000_012, 13]
