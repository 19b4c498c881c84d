"""JSON lines: values as Python's json has them, identity, typed columns, cutting, damage."""

import gzip
import hashlib
import json
import math
import random

import pytest
import xxhash
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipelines.read.test_streams import pack

RECORDS = [
    {
        "text": "The mill turns.\nTwo lines.",
        "url": "http://example.org/a",
        "lang": "en",
        "score": 1.5,
        "tags": ["x", None],
    },
    {"text": "水车转动，磨出面粉。“引号”、（括号）", "lang": "zh-CN", "标题": "磨坊", "n": 2**70},
    {"text": "", "empty": {}, "url": 7},
]


def dump(records: list[dict], **options) -> bytes:
    return b"".join(json.dumps(record, **options).encode() + b"\n" for record in records)


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_read__text_address_and_all_other_fields(tmp_path, read_all, ascii_only, suffix) -> None:
    data = dump(RECORDS, ensure_ascii=ascii_only)
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}[suffix]
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(pack(data))
    outcome = read_all("jsonl", path, language={"column": "lang"})
    assert [row["text"] for row in outcome.rows] == [record["text"] for record in RECORDS]
    assert [row["url"] for row in outcome.rows] == ["http://example.org/a", None, None]
    assert [row["declared_language"] for row in outcome.rows] == ["en", "zh", None]
    assert [row["raw_bytes"] for row in outcome.rows] == [len(line) for line in data.splitlines()]
    for row, record in zip(outcome.rows, RECORDS, strict=True):
        taken = {"text"} | ({"url"} if isinstance(record.get("url"), str) else set())
        assert json.loads(row["meta"]) == {key: value for key, value in record.items() if key not in taken}


def test_doc_id__is_of_the_line_and_does_not_depend_on_its_file(tmp_path, read_all) -> None:
    lines = dump(RECORDS).splitlines()
    (tmp_path / "lf.jsonl").write_bytes(b"\n".join(lines))
    (tmp_path / "crlf.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines) + b"\r\n")
    (tmp_path / "z.jsonl.gz").write_bytes(
        gzip.compress(b"\n".join(lines[:1])) + gzip.compress(b"\n" + b"\n".join(lines[1:]))
    )
    ids = [
        [row["doc_id"] for row in read_all("jsonl", tmp_path / name).rows]
        for name in ("lf.jsonl", "crlf.jsonl", "z.jsonl.gz")
    ]
    assert ids[0] == ids[1] == ids[2] == [xxhash.xxh3_128_hexdigest(b"web\0" + line) for line in lines]


def test_doc_id__is_of_the_records_own_id_and_its_line_where_the_recipe_names_one(tmp_path, read_all) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        dump([{"key": "甲", "text": "a"}, {"key": 12, "text": "b"}, {"key": "", "text": "c"}, {"text": "d"}])
    )
    rows = read_all("jsonl", path, id="key").rows
    assert [row["id"] for row in rows] == ["甲", "12", None, None]
    lines = path.read_bytes().splitlines()
    expected = ["web\0甲\0".encode() + lines[0], b"web\x0012\0" + lines[1], b"web\0" + lines[2], b"web\0" + lines[3]]
    assert [row["doc_id"] for row in rows] == [xxhash.xxh3_128_hexdigest(raw) for raw in expected]
    assert [json.loads(row["meta"]) for row in rows] == [{}] * 4


def test_columns__take_values_of_their_type_and_refuse_others(tmp_path, read_all) -> None:
    path = tmp_path / "a.jsonl"
    good = {"text": "t", "n": 3, "f": 2, "s": "中", "b": True}
    bad = [
        good | {"n": 1.5},
        good | {"n": True},
        good | {"n": 2**63},
        good | {"f": "1"},
        good | {"s": 1},
        good | {"b": 0},
    ]
    path.write_bytes(dump([good, {"text": "t", "n": None}, *bad]))
    outcome = read_all("jsonl", path, columns={"n": "int64", "f": "float64", "s": "string", "b": "bool"})
    assert [(row["n"], row["f"], row["s"], row["b"]) for row in outcome.rows] == [(3, 2.0, "中", True), (None,) * 4]
    assert [row["meta"] for row in outcome.rows] == ["{}", "{}"]
    assert [dead.error for dead in outcome.dead] == [
        "WrongType: field 'n' is a number, the recipe says int64",
        "WrongType: field 'n' is a boolean, the recipe says int64",
        "WrongType: field 'n' does not fit into int64",
        "WrongType: field 'f' is a string, the recipe says float64",
        "WrongType: field 's' is a number, the recipe says string",
        "WrongType: field 'b' is a number, the recipe says bool",
    ]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"text": "caf\xe9 au lait"}', "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9 in position 13"),
        (b'{"text": "\\ud800"}', "LoneSurrogate: in field 'text', character 0"),
        (b'{"text": "x", "url": "\\udc00"}', "LoneSurrogate: in field 'url', character 0"),
        (b'{"text": "x", "n": 1' + b"0" * 5000 + b"}", "ValueError"),
        ('{"text": "文"}'.encode("utf-16"), "WrongEncoding: UTF-16"),
        ('{"text": "文"}'.encode("utf-32"), "WrongEncoding: UTF-32"),
        (b'["text"]', "WrongType: the record is an array, not an object"),
        (b"null", "WrongType: the record is null, not an object"),
        (b'{"body": "secret"}', "MissingField: no field 'text'"),
        (b'{"text": null}', "WrongType: field 'text' is null, not a string"),
        (b'{"text": ["secret"]}', "WrongType: field 'text' is an array, not a string"),
        (b'{"text": "secret', "JSONDecodeError: Unterminated string starting at: line 1 column 10 (char 9)"),
        (b'{"text": 1' + b"0" * 5000 + b"}", "ValueError"),
        (b'{"text": ' + b"[" * 100_000, "RecursionError"),
    ],
)
def test_bad_line__is_a_dead_letter_and_its_neighbours_stay(tmp_path, read_all, line, error) -> None:
    good = dump(RECORDS[:2]).splitlines(keepends=True)
    path = tmp_path / "a.jsonl"
    path.write_bytes(good[0] + line + b"\n" + good[1])
    outcome = read_all("jsonl", path)
    assert outcome.texts == [record["text"] for record in RECORDS[:2]]
    assert [row["row"] for row in outcome.rows] == [0, 2]
    (dead,) = outcome.dead
    assert dead.error.startswith(error)
    assert "secret" not in dead.error
    assert (dead.row, dead.step, dead.offset, dead.length) == (1, "read", len(good[0]), len(line))
    assert dead.sha256 == hashlib.sha256(line).hexdigest()
    assert dead.first_bytes == line[:4096]


def test_nan__reads_as_null(tmp_path, read_all) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "t", "a": NaN, "b": [-Infinity, 1]}\n')
    (row,) = read_all("jsonl", tmp_path / "a.jsonl").rows
    assert json.loads(row["meta"]) == {"a": None, "b": [None, 1]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b'"a": 1e999', {"a": None}),
        (b'"a": {"b": [-1e400, 1]}', {"a": {"b": [None, 1]}}),
        (b'"a": ["\\udc00\xe6\x96\x87"]', {"a": ["\ufffd文"]}),
        (b'"\\ud83d": {"\\udc00": "\\ud83d\\ude00"}', {"\ufffd": {"\ufffd": "😀"}}),
        (b'"a\\u0000\\u001b[1m\\n": 1', {"a\0\x1b[1m\n": 1}),
        (b'"a": 1, "a": 2, "n": 1180591620717411303424', {"a": 2, "n": 2**70}),
    ],
)
def test_meta__is_json_whatever_the_record_holds(tmp_path, read_all, field, value) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "t", ' + field + b"}\n")
    (row,) = read_all("jsonl", tmp_path / "a.jsonl").rows
    assert strict(row["meta"]) == value


def strict(text: str):
    """As RFC 8259 has it: no NaN, no infinity, no half characters."""

    def refuse(name: str):
        raise AssertionError(name)

    value = json.loads(text, parse_constant=refuse)
    text.encode()
    assert not any(isinstance(item, float) and math.isinf(item) for item in leaves(value))
    return value


def leaves(value):
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


NUMBERS = st.floats() | st.sampled_from(["1e999", "-1e999", "1E400", "9" * 400, "-0", "1e-999"])
JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(st.characters(codec=None)), JSON_TEXTS, max_size=4))
def test_meta__of_any_json_parses_strictly(tmp_path, read_all, record) -> None:
    text = json.dumps({**record, "text": "文", "url": None})
    for number in ("1e999", "-1e999", "1E400", "9" * 400):
        text = text.replace(f'"{number}"', number)
    (tmp_path / "a.jsonl").write_text(text + "\n", encoding="utf-8")
    outcome = read_all("jsonl", tmp_path / "a.jsonl")
    assert outcome.texts == ["文"], outcome.dead
    strict(outcome.rows[0]["meta"])


def test_typed_number__beyond_any_float_is_null(tmp_path, read_all) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        b'{"text": "t", "f": 1e999}\n{"text": "t", "f": 1' + b"0" * 400 + b'}\n{"text": "t", "f": NaN}\n'
    )
    outcome = read_all("jsonl", tmp_path / "a.jsonl", columns={"f": "float64"})
    assert [row["f"] for row in outcome.rows] == [None, None, None]


@pytest.mark.parametrize("pack", [lambda parts: b"".join(parts), lambda parts: b"".join(map(gzip.compress, parts))])
def test_byte_order_mark__of_every_joined_file_is_none_of_its_record(tmp_path, read_all, pack) -> None:
    """`cat a.jsonl b.jsonl` of files that begin with one; so do members of a .gz."""
    lines = dump(RECORDS).splitlines(keepends=True)
    (tmp_path / "plain.jsonl").write_bytes(b"".join(lines))
    path = tmp_path / ("a.jsonl.gz" if pack([b""]) else "a.jsonl")
    path.write_bytes(pack([b"\xef\xbb\xbf" + line for line in lines]))
    outcome = read_all("jsonl", path)
    assert outcome.dead == []
    plain = read_all("jsonl", tmp_path / "plain.jsonl")
    assert [row["doc_id"] for row in outcome.rows] == [row["doc_id"] for row in plain.rows]


LINES = st.lists(
    st.one_of(
        st.text(max_size=40).map(lambda text: json.dumps({"text": text}, ensure_ascii=False).encode()),
        st.sampled_from([b"", b"  ", b"{", b"\xff", b'{"text": "' + b"y" * 300 + b'"}']),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.booleans(), st.booleans(), st.integers(1, 200))
def test_units__together_give_the_lines_of_the_file(tmp_path, read_all, lines, crlf, last_end, unit_bytes) -> None:
    end = b"\r\n" if crlf else b"\n"
    path = tmp_path / "a.jsonl"
    path.write_bytes(end.join(lines) + (end if last_end else b""))
    whole = read_all("jsonl", path, max_record_bytes=200)
    cut = read_all("jsonl", path, max_record_bytes=200, unit_bytes=unit_bytes)
    fields = ("doc_id", "text", "raw_bytes")
    assert [[row[key] for key in fields] for row in cut.rows] == [[row[key] for key in fields] for row in whole.rows]
    ends = [(dead.offset, dead.length, dead.error, dead.sha256) for dead in whole.dead]
    assert [(dead.offset, dead.length, dead.error, dead.sha256) for dead in cut.dead] == ends
    expected = [line for line in lines if line.strip()]
    assert len(whole.rows) + len(whole.dead) == len(expected)


def test_batches__hold_at_most_4096_rows_and_4_mib(tmp_path, read_all) -> None:
    rng = random.Random(3)
    sizes = [rng.choice((10, 1000, 100_000, 2**20, 5 * 2**20)) for _ in range(60)] + [1] * 9000
    path = tmp_path / "a.jsonl"
    path.write_bytes(dump([{"text": "字" * (size // 3)} for size in sizes], ensure_ascii=False))
    outcome = read_all("jsonl", path)  # checks the bounds of every batch
    assert [len(row["text"]) for row in outcome.rows] == [size // 3 for size in sizes]


def test_sample__takes_the_same_records_however_files_are_cut(tmp_path, read_all) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(dump([{"text": f"document {i} 文档"} for i in range(2000)]))
    tenth = read_all("jsonl", path, sample=0.1, seed=5)
    again = read_all("jsonl", path, sample=0.1, seed=5, unit_bytes=5000)
    fifth = {row["doc_id"] for row in read_all("jsonl", path, sample=0.2, seed=5).rows}
    other = {row["doc_id"] for row in read_all("jsonl", path, sample=0.1, seed=6).rows}
    ids = [row["doc_id"] for row in tenth.rows]
    assert [row["doc_id"] for row in again.rows] == ids
    assert 150 < len(ids) < 250
    assert set(ids) < fifth
    assert len(other & set(ids)) < 60
    assert tenth.aside == {"not_sampled": 2000 - len(ids)}


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json"])
def test_wide__lines_are_read(tmp_path, read_all, codec, name) -> None:
    rows = [{"text": f"第{i}页，磨坊 🌾 mill\n"} for i in range(30)]
    data = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows).encode(codec)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    outcome = read_all("jsonl", tmp_path, unit_bytes=300)
    assert outcome.texts == [row["text"] for row in rows]
    assert not outcome.dead


def test_wide__joined_with_marks_and_a_broken_character(tmp_path, read_all) -> None:
    lines = [json.dumps({"text": f"磨坊 {i}"}, ensure_ascii=False) + "\n" for i in range(3)]
    broken = '{"text": "'.encode("utf-16-le") + b"\x00\xd8" + '"}\n'.encode("utf-16-le")
    mark = b"\xff\xfe"
    parts = [mark + lines[0].encode("utf-16-le"), broken, mark + "".join(lines[1:]).encode("utf-16-le")]
    (tmp_path / "a.jsonl").write_bytes(b"".join(parts))
    outcome = read_all("jsonl", tmp_path)
    assert outcome.texts == ["磨坊 0", "磨坊 1", "磨坊 2"]
    assert len(outcome.dead) == 1


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bzip2", "xz", "lz4"])
def test_packed__under_a_plain_name_is_read_once(tmp_path, read_all, compression) -> None:
    data = "".join(json.dumps({"text": f"磨坊 {i} {i * 7919}"}) + "\n" for i in range(500)).encode()
    (tmp_path / "a.jsonl").write_bytes(pack(compression, data))
    outcome = read_all("jsonl", tmp_path, unit_bytes=500)
    assert outcome.texts == [f"磨坊 {i} {i * 7919}" for i in range(500)]
    (tmp_path / "a.jsonl").rename(tmp_path / "a.jsonl.gz")
    assert len(read_all("jsonl", tmp_path).texts) == 500
    (tmp_path / "a.jsonl.gz").write_bytes(data)
    assert len(read_all("jsonl", tmp_path).texts) == 500
