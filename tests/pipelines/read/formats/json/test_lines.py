"""Lines of JSON that are not one object each."""

import json

import pytest

A, B, C = ('{"text": "磨坊"}', '{"text": "the {mill}, [\\"x\\"]"}', '{"text": "c", "n": [1, {"d": 2}]}')
TEXTS = ["磨坊", 'the {mill}, ["x"]', "c"]
LAYOUTS = {
    "joined": f"{A}{B}\n{C}\n",
    "with commas": f"{A}, {B}\n{C}\n",
    "commas at line ends": f"{A},\n{B},\n{C},\n",
    "an array, an element a line": f"[{A},\n{B},\n{C}]\n",
    "an array, brackets on lines of their own": f"[\n{A},\n{B},\n{C}\n]\n",
    "an array, commas first": f"[ {A}\n, {B}\n, {C}\n]",
    "an array on a line": f"[{A},{B}]\n[{C}]\n",
    "text sequence": f"\x1e{A}\n\x1e{B}\n\x1e{C}\n",
    "empty arrays": f"[]\n{A}{B}\n[]\n{C}\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_several_objects__are_records_each(tmp_path, read_all, layout, name):
    (tmp_path / name).write_text(LAYOUTS[layout], encoding="utf-8")
    outcome = read_all("jsonl", tmp_path / name)
    assert not outcome.dead
    assert outcome.texts == TEXTS
    assert [json.loads(row["meta"]) for row in outcome.rows][2] == {"n": [1, {"d": 2}]}
    alone = tmp_path / "alone.jsonl"
    alone.write_text(f"{A}\n{B}\n{C}\n", encoding="utf-8")
    assert [row["doc_id"] for row in outcome.rows] == [row["doc_id"] for row in read_all("jsonl", alone).rows]


@pytest.mark.parametrize("unit_bytes", [20, 35, 1000])
def test_several_objects__wherever_the_file_is_cut(tmp_path, read_all, unit_bytes):
    (tmp_path / "a.jsonl").write_text(f"[{A},\n{B}{C},\n{A}]\n", encoding="utf-8")
    assert read_all("jsonl", tmp_path, unit_bytes=unit_bytes).texts == [*TEXTS, TEXTS[0]]


def test_several_objects__a_bad_one_costs_itself(tmp_path, read_all):
    first = f'{A}{{"body": 1}}'
    (tmp_path / "a.jsonl").write_text(f"{first}{C}\n", encoding="utf-8")
    outcome = read_all("jsonl", tmp_path)
    assert outcome.texts == ["磨坊", "c"]
    assert [(dead.offset, dead.error) for dead in outcome.dead] == [(len(A.encode()), "MissingField: no field 'text'")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "a",}', "a comma stands before the bracket that closes"),
        ('{"text": "a", "n": [1,]}', "a comma stands before the bracket that closes"),
        ("{'text': 'a'}", "double quotes"),
        (f"{A} and more", "write one object a line"),
        (f"{A}; {B}", "write one object a line"),
        ('{"text": "a', "`format: json`"),
        ('{"text":', "`format: json`"),
        ("{", "`format: json`"),
        ('[1, 2, "秘密"]', "WrongType: the record is an array"),
        ('"秘密"', "WrongType: the record is a string"),
    ],
)
def test_no_object__says_what_it_is_and_what_to_do(tmp_path, read_all, line, said):
    (tmp_path / "a.jsonl").write_text(f"{line}\n{B}\n", encoding="utf-8")
    outcome = read_all("jsonl", tmp_path)
    assert outcome.texts == [TEXTS[1]]
    (dead,) = outcome.dead
    assert said in dead.error
    assert "秘密" not in dead.error
