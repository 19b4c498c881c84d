"""`decontaminate` of a recipe: files read, and what is said of those that cannot be."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import LoadedRecipe, dump, load

ASKED = "Which of the wheels of the mill is turned by the water of the river?"


def loaded(folder: Path, decontaminate: dict) -> LoadedRecipe:
    (folder / "web.jsonl").write_text('{"text": "x"}\n')
    recipe = {"gristmill": 1, "name": "sets", "sources": {"web": {"format": "jsonl", "paths": "web.jsonl"}}}
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe | {"decontaminate": decontaminate}), encoding="utf-8")
    return load(file)


def files(folder: Path) -> dict[str, Path]:
    """One item in every form that is read."""
    record = {"question": ASKED, "answer": "the large one"}
    made = {name: folder / name for name in ("a.jsonl", "b.jsonl.gz", "c.json", "d.csv", "e.tsv", "f.parquet", "g.csv")}
    made["a.jsonl"].write_text(json.dumps(record) + "\n\n")
    made["b.jsonl.gz"].write_bytes(gzip.compress(json.dumps(record).encode()))
    made["c.json"].write_text(json.dumps([record]))
    made["d.csv"].write_text(f'\ufeffQuestion,Answer\n"{ASKED}",the large one\n', encoding="utf-8")
    made["e.tsv"].write_text(f"question\tanswer\n{ASKED}\tthe large one\n")
    pq.write_table(pa.Table.from_pylist([record]), made["f.parquet"])
    made["g.csv"].write_text(f'"{ASKED}",the small one,the large one,both,none,B\n')
    return made


def test_sets__are_read_in_every_form_alike(tmp_path):
    names = [path.name for path in files(tmp_path).values()]
    found = loaded(
        tmp_path, {"sets": {name.replace(".", "-"): {"paths": name} for name in names}}
    ).recipe.read_evaluations
    assert found is not None
    assert [(items, too_short) for _, items, too_short, _ in found.sets] == [(1, 0)] * len(names)
    assert {found.index.text("question", at) for at in range(found.index.items)} == {ASKED}
    assert {found.index.text("answer", at) for at in range(found.index.items)} == {"the large one"}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (json.dumps({"question": ASKED, "answer": "it"}, indent=1), "a.json"),
        (json.dumps({"version": "1", "data": [{"question": ASKED, "answer": "it"}]}), "a.json"),
        (json.dumps({"question": ASKED, "choices": [{"text": "it", "label": "A"}], "answer": "A"}), "a.json"),
        (json.dumps({"question": ASKED, "answer": "it"}) + "\n" + json.dumps({"question": "?"}), "a.json"),
        (json.dumps({"question": ASKED, "answer": "it"}).encode("utf-16"), "a.jsonl"),
        (f"question;answer\n{ASKED};it\n", "a.csv"),
        (f"question\tanswer\r\n{ASKED}\tit\r\n", "a.csv"),
    ],
)
def test_set__of_another_form_is_read_as_it_is_meant(tmp_path, content, name):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = loaded(tmp_path, {"sets": {"ours": {"paths": name}}}).recipe.read_evaluations
    assert found is not None
    assert (found.index.text("question", 0), found.index.text("answer", 0)) == (ASKED, "it")


def test_paths__patterns_in_any_part_and_a_file_that_two_of_them_match_once(tmp_path):
    folder = tmp_path / "a [1]"
    (folder / "mmlu" / "test").mkdir(parents=True)
    for name in ("a.jsonl", "b.jsonl"):
        (folder / "mmlu" / "test" / name).write_text(json.dumps({"question": f"{ASKED} {name}"}))
    for paths in (["mmlu/**/*.jsonl", "mmlu/*/?.jsonl"], "mmlu/*/[ab].jsonl"):
        found = loaded(folder, {"sets": {"ours": {"paths": paths}}}).recipe.read_evaluations
        assert found is not None
        assert [(items, too_short) for _, items, too_short, _ in found.sets] == [(2, 0)]
    for pattern, said in (("no/*.jsonl", "'no/*.jsonl' matches no file"), ("mml*", "'mml*' matches a folder")):
        with pytest.raises(RecipeError) as error:
            loaded(folder, {"sets": {"ours": {"paths": pattern}}})
        assert said in str(error.value)


def test_sets__same_files_same_index_and_a_kept_one_is_the_same(tmp_path):
    files(tmp_path)
    first = loaded(tmp_path, {"sets": {"one": {"paths": ["a.jsonl", "c.json"]}}})
    again = loaded(tmp_path, {"sets": {"one": {"paths": ["a.jsonl", "c.json"]}}})
    assert first.sha256 == again.sha256
    found = first.recipe.read_evaluations
    assert found is not None
    kept = yaml.safe_load(dump(first.recipe))["decontaminate"]
    assert (kept["sets"], kept["kept"]) == ({}, found.kept_as)
    from gristmill.filters.placed import placed

    (tmp_path / "kept.evaluations").write_bytes(Path(placed(found)).read_bytes())
    other = loaded(tmp_path, {"kept": "kept.evaluations"}).recipe.read_evaluations
    assert other is not None
    assert other.key == found.key


@pytest.mark.parametrize(
    ("content", "name", "asked", "said"),
    [
        (None, "no.jsonl", {}, "'no.jsonl' is no file"),
        ("", "a.jsonl", {}, "holds no record"),
        (
            '{"score": 1, "model": "x"}',
            "a.jsonl",
            {},
            "no field that is known to be a question; say which: `question: FIELD`",
        ),
        ('{"question": "", "answer": "x"}', "a.jsonl", {}, "no record of 'a.jsonl' has a text to look for"),
        ('{"question": "a b c"}', "a.jsonl", {}, "fewer than 4 words"),
        ('{"question": "x"', "a.jsonl", {}, "line 1 is no JSON object"),
        ("[1]", "a.json", {}, "list of something else than objects"),
        ("x", "a.xlsx", {}, "is no file of an evaluation set that is known"),
        (b"{\xff\xfe\x00", "a.jsonl", {}, "is not UTF-8 (byte 2); write it as UTF-8"),
        ("题目,答案\n磨坊,水\n".encode("gbk"), "a.csv", {}, "is not UTF-8 (byte 1)"),
        (b"\x00\x01\x02", "a.parquet", {}, "'a.parquet' is no Parquet file"),
        ("[" * 100_000, "a.jsonl", {}, "line 1 is no JSON object"),
        ('question,answer\n"never closed,x\ny,z\n', "a.csv", {}, "is no CSV (unexpected end of data)"),
        ("question,answer,question\na,b,c\n", "a.csv", {}, "has two columns 'question'"),
        (b"PAR1 and nothing", "a.parquet", {}, "cannot be read"),
        (gzip.compress(b"{}", mtime=0)[:10] + b"\xff" * 9, "a.jsonl.gz", {}, "cannot be read (damaged gzip)"),
        ('{"question": "x"}', "a.jsonl", {"answer": "gild"}, "has no field 'gild'"),
    ],
)
def test_bad_set__is_named_with_its_place_and_what_to_do(tmp_path, content, name, asked, said):
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecipeError) as error:
        loaded(tmp_path, {"sets": {"ours": {"paths": name, **asked}}})
    assert said in str(error.value)
    assert "decontaminate.sets.ours" in str(error.value)


def test_no_sets__and_a_bad_name(tmp_path):
    files(tmp_path)
    with pytest.raises(RecipeError, match="it names no sets"):
        loaded(tmp_path, {"action": "drop"})
    with pytest.raises(RecipeError, match="not a name for a set"):
        loaded(tmp_path, {"sets": {"a b": {"paths": "a.jsonl"}}})
    with pytest.raises(RecipeError, match="it names no files"):
        loaded(tmp_path, {"sets": {"ours": {}}})
