"""`labels` of a recipe: files of every kind give the same numbers; what is wrong with one is named, with what to do."""

import gzip
import json
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import LoadedRecipe, dump, load
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.storage.models import keep
from gristmill.pipelines.storage.store import Store

RECIPE = """\
gristmill: 1
name: labelled
sources: {web: {format: jsonl, paths: a.jsonl, id: id}}
labels:
  propella: {paths: "PATH", key: id, columns: {score: null, grade: {high: 2, 低: 1}}}
decide:
  - rules: [{signal: propella.score, at_least: 0.5}]
"""
ROWS = [("a", 0.5, "high"), ("磨坊", 1.0, "低"), ("c", None, None)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys, scores, grades = (list(column) for column in zip(*ROWS, strict=True))
    pq.write_table(pa.table({"grade": grades, "id": keys, "score": scores, "other": [1, 2, 3]}), tmp_path / "a.parquet")
    texts = "".join(f"{key},{'' if score is None else score},{grade or ''}\n" for key, score, grade in ROWS)
    (tmp_path / "a.csv").write_text("id,score,grade\n" + texts, "utf-8")
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(("id,score,grade\n" + texts).replace(",", "\t").encode()))
    lines = "".join(json.dumps({"id": k, "score": s, "grade": g}) + "\n" for k, s, g in ROWS)
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return tmp_path


def loaded(folder: Path, path: str = "a.parquet", text: str = RECIPE) -> LoadedRecipe:
    (folder / "recipe.yaml").write_text(text.replace("PATH", path), encoding="utf-8")
    return load(folder / "recipe.yaml")


def key_of(recipe: LoadedRecipe, folder: Path) -> str:
    return make_job(recipe.recipe, [], Store.at(folder / "run"), 1.0, "text").books["score"].key


@pytest.mark.parametrize("path", ["a.parquet", "a.csv", "a.tsv.gz", "a.jsonl", "a.jsonl.gz"])
def test_files_of_every_kind_give_the_same_numbers_and_key(folder, path) -> None:
    recipe = loaded(folder, path)
    check(recipe)
    (found,) = recipe.recipe.read_labels
    value_DC = found.values(pa.array(["磨坊", "a", "c", "d"]))
    assert str(value_DC.tolist()) == "[[1.0, 1.0, 1.0], [1.0, 0.5, 2.0], [1.0, nan, nan], [0.0, nan, nan]]"
    assert key_of(recipe, folder) == key_of(loaded(folder), folder)


def test_they_are_the_key_by_what_is_used_of_them(folder) -> None:
    first = key_of(loaded(folder), folder)
    table = pq.read_table(folder / "a.parquet")
    pq.write_table(table.drop(["other"]).take([2, 0, 1]), folder / "b.parquet")
    assert key_of(loaded(folder, "b.parquet"), folder) == first
    pq.write_table(
        table.set_column(table.schema.get_field_index("score"), "score", [[0.5, 0.75, None]]), folder / "b.parquet"
    )
    assert key_of(loaded(folder, "b.parquet"), folder) != first


def test_their_signals_are_known_checked_and_travel(folder) -> None:
    recipe = loaded(folder).recipe
    assert {"propella", "propella.score", "propella.grade"} <= set(SIGNALS)
    sent = pickle.dumps(recipe)
    with pytest.raises(RecipeError, match=r"no step emits 'propella.scor'; did you mean 'propella.score'"):
        check(loaded(folder, text=RECIPE.replace("signal: propella.score", "signal: propella.scor")))
    loaded(folder, text="gristmill: 1\nname: own\nsources: {web: {format: jsonl, paths: a.jsonl}}\n")
    assert "propella" not in SIGNALS
    assert pickle.loads(sent).read_labels == recipe.read_labels
    assert "propella.grade" in SIGNALS


def test_a_run_keeps_them_and_its_recipe_reads_what_it_kept(folder) -> None:
    recipe = loaded(folder)
    store = Store.at(folder / "run")
    store.prepare()
    keep(store, recipe.recipe)
    (folder / "run" / "recipe.yaml").write_text(dump(recipe.recipe), "utf-8")
    (folder / "a.parquet").unlink()
    again = load(folder / "run" / "recipe.yaml")
    assert key_of(again, folder) == key_of(recipe, folder)
    assert again.recipe.read_labels == recipe.recipe.read_labels


def csv(folder: Path, text: str) -> str:
    (folder / "bad.csv").write_text(text, "utf-8")
    return "bad.csv"


BAD = {
    "several labels": (
        "id,score,grade\na,1,high\na,2,high\n",
        r"labels.propella.paths: a document has several labels .* \('bad.csv', row 1 and 'bad.csv', row 2\)",
    ),
    "no column": (
        "id,scor,grade\na,1,high\n",
        "labels.propella.columns: 'bad.csv' has no column 'score'; did you mean 'scor'",
    ),
    "no key": (
        "name,score,grade\na,1,high\n",
        "labels.propella.paths: 'bad.csv' has no column 'id'|'bad.csv' has no column 'id'",
    ),
    "text": ("id,score,grade\na,1,high\nb,gut,high\n", "'bad.csv', row 2: 'score' is text; say which number"),
    "unknown text": (
        "id,score,grade\na,1,high\nb,1,secret\n",
        "'bad.csv', row 2: 'grade' is a text that the recipe gives no",
    ),
    "empty": ("id,score,grade\n", "its files hold no row"),
    "no keys": ("id,score,grade\n,1,high\n", "no value of 'id' is an id"),
    "no number": ("id,score,grade\na,,high\nb,NA,high\n", "'score' holds no number for any label"),
    "semicolons": ("id;score;grade\na;1;high\n", "no column 'id'; its columns are parted by semicolons; write commas"),
    "a column twice": ("id,score,grade,score\na,1,high,2\n", "columns: 'bad.csv' has several columns 'score'; rename"),
    "ragged": ("id,score,grade\na,1\n", "'bad.csv' cannot be read"),
}


@pytest.mark.parametrize(("encoding", "expected"), [("utf-16", "is UTF-16"), ("gb18030", "is not UTF-8")])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_files_in_another_encoding_are_named(folder, encoding, expected, suffix) -> None:
    text = {"csv": "id,score,grade\n甲,1,high\n", "jsonl": '{"id": "甲", "score": 1, "grade": "high"}\n'}[suffix]
    (folder / f"bad.{suffix}").write_bytes(text.encode(encoding))
    with pytest.raises(RecipeError, match=f"'bad.{suffix}' {expected}; write it as UTF-8"):
        loaded(folder, f"bad.{suffix}")


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_a_file_is_said(folder, case) -> None:
    text, expected = BAD[case]
    with pytest.raises(RecipeError, match=expected) as error:
        loaded(folder, csv(folder, text))
    assert not {"secret", "gut"} & set(str(error.value).split())
    assert "line 5" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("key: id", "key: url", "no value of 'url'|no column 'url'"),
        ("key: id", "key: doc_id, field: id", "no value of 'id' is a doc_id, which is 32 hexadecimal digits"),
        (", id: id}", "}", "no source has an id, so nothing can match; say which field"),
        ("propella:", "Propella:", "is not a name for a signal"),
        ("propella:", "bytes:", "is a column of Gristmill's own"),
        ("columns: {score: null, grade: {high: 2, 低: 1}}", "columns: [score, grade]", "row 1: 'grade' is text"),
        ("columns: {score: null, grade: {high: 2, 低: 1}}", "columns: []", "it names no columns"),
        ('paths: "PATH", ', "", "it names no files"),
        ("PATH", "b.parquet", r"is no file"),
        ("PATH", "recipe.yaml", "is no Parquet, CSV"),
        ("labels:\n", "lists: {propella: {domains: starter/parking}}\nlabels:\n", "'propella' is declared by"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_recipe_is_said(folder, old, new, expected) -> None:
    with pytest.raises(RecipeError, match=expected):
        loaded(folder, text=RECIPE.replace(old, new))


def test_a_list_column_and_a_key_of_fractions_are_refused(folder) -> None:
    pq.write_table(pa.table({"id": ["a"], "score": [[1.0]], "grade": ["high"]}), folder / "b.parquet")
    with pytest.raises(RecipeError, match=r"'score' of 'b.parquet' holds list<.*>, not numbers"):
        loaded(folder, "b.parquet")
    pq.write_table(pa.table({"id": [0.5], "score": [1.0], "grade": ["high"]}), folder / "b.parquet")
    with pytest.raises(RecipeError, match=r"'id' of 'b.parquet' holds double, and a key is a text or a whole number"):
        loaded(folder, "b.parquet")


@pytest.mark.parametrize("name", ["bad.csv.gz", "bad.jsonl.gz"])
def test_a_damaged_gzip_is_named(folder, name) -> None:
    (folder / name).write_bytes(gzip.compress(b"{}")[:10] + b"\xff" * 9)
    with pytest.raises(RecipeError, match=rf"'{name}' cannot be read .*; check the file"):
        loaded(folder, name)


def test_truth_and_whole_numbers_are_numbers(folder) -> None:
    pq.write_table(pa.table({"id": [1, 2], "score": [True, False], "grade": ["high", None]}), folder / "b.parquet")
    (found,) = loaded(folder, "b.parquet").recipe.read_labels
    assert found.values(pa.array(["1", "2"]))[:, 1].tolist() == [1, 0]


def test_an_infinite_number_is_none(folder) -> None:
    (folder / "far.csv").write_text("id,score,grade\na,inf,high\nb,-inf,high\nc,0.5,high\n", "utf-8")
    (found,) = loaded(folder, "far.csv").recipe.read_labels
    assert str(found.values(pa.array(["a", "b", "c"]))[:, 1].tolist()) == "[nan, nan, 0.5]"


def test_json_lines_of_long_numbers_and_of_truth_among_numbers_are_numbers(folder) -> None:
    rows = [
        {"id": 10**30, "score": 10**25, "grade": "high"},
        {"id": 2, "score": True, "grade": "high"},
        {"id": 3, "score": 0.5},
    ]
    (folder / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (found,) = loaded(folder, "b.jsonl").recipe.read_labels
    assert found.values(pa.array([str(10**30), "3"]))[:, 1].tolist() == [1e25, 0.5]
    (folder / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[1:]), "utf-8")
    (found,) = loaded(folder, "b.jsonl").recipe.read_labels
    assert found.values(pa.array(["2", "3"]))[:, 1].tolist() == [1, 0.5]


def test_json_lines_of_several_kinds_are_named(folder) -> None:
    (folder / "b.jsonl").write_text('{"id": 1, "score": 1, "grade": "high"}\n{"id": 2, "score": [1]}\n', "utf-8")
    with pytest.raises(RecipeError, match=r"'score' of 'b.jsonl' holds lists, numbers; give it one kind of value"):
        loaded(folder, "b.jsonl")
