"""CSV and TSV: dialects, quoting, damage, and that files may be cut anywhere."""

import csv
import gzip
import io
import json

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.read.formats.tables.csv_rows import Dialect, Row
from gristmill.pipelines.read.lines import lines
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.inputs.units import plan_units

ROWS = [
    ["id", "text", "标题"],
    ["a", 'The mill, "old",\nturns.', "磨坊"],
    ["b", "磨坊在河边，“水车”转动；\r\n第二行", "a;b|c"],
    ["c", "plain", ""],
]
TEXTS = ['The mill, "old",\nturns.', "磨坊在河边，“水车”转动；\n第二行", "plain"]


def dump(rows: list[list[str]], **options) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, **options).writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".csv.zst"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-32-be"])
def test_read__quotes_line_ends_delimiters_encodings(tmp_path, read_all, delimiter, end, suffix, encoding) -> None:
    data = dump(ROWS, delimiter=delimiter, lineterminator=end).encode(encoding)
    pack = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}.get(suffix.split(".")[-1], bytes)
    (tmp_path / f"a{suffix}").write_bytes(pack(data))
    outcome = read_all("csv", tmp_path, id="id")
    assert outcome.texts == TEXTS
    assert [row["id"] for row in outcome.rows] == ["a", "b", "c"]
    assert [json.loads(row["meta"]) for row in outcome.rows] == [{"标题": row[2]} for row in ROWS[1:]]
    assert not outcome.dead


@pytest.mark.parametrize("header", [None, ["text", "n"]])
@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "\ufeffSEP=;\n"])
def test_read__a_line_that_tells_excel_the_delimiter(tmp_path, read_all, first, header) -> None:
    names = "" if header else "text;n\n"
    (tmp_path / "a.csv").write_text(f"{first}{names}甲,乙;1\nb,c,d;2\n", encoding="utf-8")
    outcome = read_all("csv", tmp_path, csv={"header": header})
    assert outcome.texts == ["甲,乙", "b,c,d"]
    assert not outcome.dead


def test_read__without_a_header_and_with_types(tmp_path, read_all) -> None:
    (tmp_path / "a.csv").write_text("甲,1,1.5,true\n乙,,,\n\n丙,x,1,no\n丁,９,1e999,FALSE\n", encoding="utf-8")
    columns = {"n": "int64", "f": "float64", "b": "bool"}
    outcome = read_all("csv", tmp_path, csv={"header": ["text", "n", "f", "b"]}, columns=columns)
    assert [(r["text"], r["n"], r["f"], r["b"]) for r in outcome.rows] == [
        ("甲", 1, 1.5, True),
        ("乙", None, None, None),
        ("丁", 9, None, False),
    ]
    assert [dead.error for dead in outcome.dead] == ["WrongType: field 'n' is a string, the recipe says int64"]


def test_read__quotation_marks_without_meaning(tmp_path, read_all) -> None:
    (tmp_path / "a.tsv").write_text('text\tn\n"open\t1\n5" screen\t2\n', encoding="utf-8")
    assert read_all("csv", tmp_path, csv={"quotes": False}).texts == ['"open', '5" screen']
    (tmp_path / "a.tsv").write_text('text\tn\n5" screen\t1\n"a"b"\t2\n', encoding="utf-8")
    assert read_all("csv", tmp_path).texts == ['5" screen', 'ab"']


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("x,secret", "UnevenRow: 2 fields, and there are 3 columns (line 6)"),
        ("x,secret,3,4", "UnevenRow: 4 fields, and there are 3 columns (line 6)"),
        ('x,"' + "密" * 500 + '",3', "RecordTooLong: 1,506 bytes, and read.max_record_bytes is 1,000"),
    ],
)
@pytest.mark.parametrize("unit_bytes", [16_000_000, 30])
def test_read__a_bad_row_is_a_dead_letter_with_its_line(tmp_path, read_all, row, error, unit_bytes) -> None:
    good = dump(ROWS, lineterminator="\n")
    data = good.replace("c,plain,", row + "\nc,plain,").encode()
    (tmp_path / "a.csv").write_bytes(data)
    outcome = read_all("csv", tmp_path, max_record_bytes=1000, unit_bytes=unit_bytes)
    assert outcome.texts == TEXTS
    (dead,) = outcome.dead
    assert dead.error == error
    assert dead.offset == data.index(row.encode())
    assert dead.first_bytes == row.encode()[:4096]


def test_read__bytes_of_another_encoding_cost_their_row(tmp_path, read_all) -> None:
    data = ("text,n\n" + "好的一行，没有问题,1\n" * 9000).encode() + "坏的,2\n".encode("gb18030") + "末行,3\n".encode()
    (tmp_path / "a.csv").write_bytes(data)
    outcome = read_all("csv", tmp_path)
    assert outcome.texts[-1] == "末行"
    (dead,) = outcome.dead
    assert dead.error.startswith("UnicodeDecodeError")
    assert dead.error.endswith("(line 9,002)")


@pytest.mark.parametrize("unit_bytes", [16_000_000, 40])
def test_read__a_quotation_mark_that_is_never_closed(tmp_path, read_all, unit_bytes) -> None:
    (tmp_path / "a.csv").write_text('text,n\na,1\n"秘密,2\n' + "".join(f"行{i},{i}\n" for i in range(20)))
    outcome = read_all("csv", tmp_path, unit_bytes=unit_bytes)
    assert outcome.texts == ["a", *(f"行{i}" for i in range(20))]
    (dead,) = outcome.dead
    assert dead.error == "OpenQuote: a quotation mark is not closed; the lines behind it are read as rows (line 3)"


def test_read__a_broken_stream_keeps_what_came_before(tmp_path, read_all) -> None:
    packed = gzip.compress(("text,n\n" + "".join(f"第{i}行,{i * 7919}\n" for i in range(3000))).encode())
    (tmp_path / "a.csv.gz").write_bytes(packed[: len(packed) // 2])
    outcome = read_all("csv", tmp_path)
    assert outcome.texts[:2] == ["第0行", "第1行"]
    assert outcome.dead[-1].error.startswith("EOFError: the gzip stream ends early")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("标题，text，n\n甲，乙，1\n".encode(), "WrongDelimiter: '，' (U+FF0C) stands in the first line"),
        (b"body,n\nx,1\n", "MissingColumn: no column 'text'; the file has 'body', 'n'"),
        (b"\n\n", "MissingHeader: the file holds no row"),
        (b'"text,n\nx,1\n', "OpenQuote"),
    ],
)
def test_read__a_header_that_cannot_serve_is_said_once(tmp_path, read_all, data, error) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    outcome = read_all("csv", tmp_path, unit_bytes=8)
    assert not outcome.rows
    (dead,) = outcome.dead
    assert dead.error.startswith(error)


def test_read__a_full_width_comma_where_the_recipe_says_so(tmp_path, read_all) -> None:
    (tmp_path / "a.csv").write_text('text，n\n"甲，\n乙"，1\n丙，2\n', encoding="utf-8")
    assert read_all("csv", tmp_path, csv={"delimiter": "，"}, unit_bytes=10).texts == ["甲，\n乙", "丙"]


def test_names__twice_or_none(tmp_path, read_all) -> None:
    (tmp_path / "a.csv").write_text(",text,text, n \n0,x,y,1\n")
    (row,) = read_all("csv", tmp_path).rows
    assert (row["text"], json.loads(row["meta"])) == ("x", {"column 1": "0", "text (2)": "y", "n": "1"})


FIELDS = st.text(alphabet='ab",\n\r，中 \t', max_size=6)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(FIELDS, min_size=2, max_size=4), max_size=8), st.sampled_from(",\t"))
def test_rows_and_fields__as_pythons_csv_reads_them(rows, delimiter) -> None:
    rows = [[field.replace("\r", "") for field in row] for row in rows]
    data = dump(rows, delimiter=delimiter, lineterminator="\n")
    dialect = Dialect(delimiter, True)
    found = list(dialect.rows(lines([data.encode()], 0, 1 << 20)))
    assert [dialect.fields(row.data.decode()) for row in found if isinstance(row, Row)] == rows
    assert [data.encode()[row.offset :].startswith(row.data) for row in found] == [True] * len(rows)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet='ab",\n，中', max_size=120), st.integers(1, 50), st.booleans())
def test_cut__any_file_anywhere(tmp_path, read_all, body, unit_bytes, quotes) -> None:
    (tmp_path / "a.csv").write_text("text,n\n" + body, encoding="utf-8", newline="")
    whole, cut = (read_all("csv", tmp_path, unit_bytes=size, csv={"quotes": quotes}) for size in (1 << 24, unit_bytes))
    assert [row["doc_id"] for row in cut.rows] == [row["doc_id"] for row in whole.rows]
    assert [(d.offset, d.error, d.sha256) for d in cut.dead] == [(d.offset, d.error, d.sha256) for d in whole.dead]


def test_cut__large_files_in_parallel(tmp_path, read_all) -> None:
    rows = [[f"第 {i} 行", 'a "b"\n' * (i % 7)] for i in range(300)]
    (tmp_path / "a.csv").write_text(dump([["text", "n"], *rows], lineterminator="\n"), encoding="utf-8", newline="")
    outcome = read_all("csv", tmp_path, unit_bytes=1000)
    assert outcome.units > 5
    assert outcome.texts == [row[0] for row in rows]


def recipe(folder, text: str):
    file = folder / "recipe.yaml"
    file.write_text(f"gristmill: 1\nname: c\nsources:\n  web: {text}\n", encoding="utf-8")
    loaded = load(file)
    check(loaded)
    return loaded


def test_validate__names_delimiters_and_options(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("texts,n\nx,1\n")
    with pytest.raises(RecipeError, match="no record has a field 'text'; did you mean 'texts'"):
        plan_units(recipe(tmp_path, "{format: csv, paths: a.csv}"), 1000)
    (tmp_path / "b.csv").write_text("标题，text\n甲，乙\n")
    with pytest.raises(InputError, match="delimiter: '，'"):
        plan_units(recipe(tmp_path, "{format: csv, paths: b.csv}"), 1000)
    (tmp_path / "mac.csv").write_bytes("id,text\r1,磨坊\r2,a secret".encode())
    with pytest.raises(InputError, match="CR alone") as caught:
        plan_units(recipe(tmp_path, "{format: csv, paths: mac.csv}"), 1000)
    assert "secret" not in str(caught.value)
    with pytest.raises(RecipeError, match="has no such options"):
        recipe(tmp_path, "{format: jsonl, paths: b.csv, csv: {quotes: false}}")
    with pytest.raises(RecipeError, match="a single character"):
        recipe(tmp_path, "{format: csv, paths: b.csv, csv: {delimiter: ', '}}")
    with pytest.raises(RecipeError, match="a name stands twice"):
        recipe(tmp_path, "{format: csv, paths: b.csv, csv: {header: [a, a]}}")
