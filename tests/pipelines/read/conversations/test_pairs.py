"""Pairs of answers and prompts: the same columns from every shape and format; what is wrong is a named dead letter."""

import json

import pytest

from tests.pipelines.read.test_nested import FORMS, written

ASKED, GOOD, BAD = "水车怎么转？", "Water turns it.", "风吹的。"


def turns(*texts: str) -> list[dict]:
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


PAIRS = {
    "texts": {"prompt": ASKED, "chosen": GOOD, "rejected": BAD},
    "ultrafeedback": {"prompt": ASKED, "chosen": turns(ASKED, GOOD), "rejected": turns(ASKED, BAD)},
    "conversations": {"chosen": turns(ASKED, GOOD), "rejected": turns(ASKED, BAD)},
    "answers": {"question": turns(ASKED), "chosen": turns(ASKED, GOOD)[1:], "rejected": turns(ASKED, BAD)[1:]},
    "as JSON": {"prompt": ASKED, "chosen": json.dumps(turns(ASKED, GOOD)), "rejected": json.dumps(turns(ASKED, BAD))},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", PAIRS)
def test_pairs__any_shape_gives_the_same(tmp_path, read_all, form, shape) -> None:
    record = {"k": 1, **PAIRS[shape], "score_chosen": 8.5, "score_rejected": 3}
    outcome = read_all(form, written(tmp_path, form, [record]), pairs={})
    assert outcome.texts == [f"user: {ASKED}\n\nchosen assistant: {GOOD}\n\nrejected assistant: {BAD}"]
    (row,) = outcome.rows
    assert json.loads(row["messages"]) == turns(ASKED)
    assert json.loads(row["chosen"]) == turns(ASKED, GOOD)[1:]
    assert json.loads(row["rejected"]) == turns(ASKED, BAD)[1:]
    assert row["margin"] == 5.5
    assert json.loads(row["meta"]) == {"k": 1, "score_chosen": 8.5, "score_rejected": 3}


@pytest.mark.parametrize("form", ["jsonl", "parquet", "csv"])
def test_pairs__named_fields_and_margin(tmp_path, read_all, form) -> None:
    record = {"frage": ASKED, "gut": GOOD, "schlecht": "[1] " + BAD, "stärke": 2}
    if form == "csv":
        path = tmp_path / "a.csv"
        path.write_text(",".join(record) + "\n" + ",".join(map(str, record.values())) + "\n", encoding="utf-8")
    else:
        path = written(tmp_path, form, [record])
    named = {"prompt": "frage", "chosen": "gut", "rejected": "schlecht", "margin": "stärke"}
    outcome = read_all(form, path, pairs=named)
    assert not outcome.dead
    (row,) = outcome.rows
    assert (row["margin"], json.loads(row["rejected"])[0]["content"]) == (2, "[1] " + BAD)
    assert json.loads(row["meta"]) == {}


def test_pairs__go_on_from_a_conversation_and_over_several_turns(tmp_path, read_all) -> None:
    said = turns("甲", "one", "乙", GOOD, "丙", "three")
    record = {"chosen": said, "rejected": said[:3] + turns("", BAD)[1:], "margin": None, "system": "短"}
    outcome = read_all("jsonl", written(tmp_path, "jsonl", [record]), pairs={})
    (row,) = outcome.rows
    assert json.loads(row["messages"]) == [{"role": "system", "content": "短"}, *said[:3]]
    assert json.loads(row["chosen"]) == said[3:]
    assert row["margin"] is None


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"prompt": ASKED, "chosen": "秘密", "rejected": "秘密"}, "EqualAnswers: "),
        ({"chosen": turns(ASKED, "秘密"), "rejected": turns(ASKED, "秘密")}, "EqualAnswers: "),
        ({"prompt": ASKED, "chosen": "秘密", "rejected": " 秘密\n"}, "EqualAnswers: "),
        ({"prompt": ASKED, "chosen": "秘密", "rejected": turns(ASKED, "秘密")[1:]}, "EqualAnswers: "),
        (
            {"chosen": turns(ASKED, "秘密"), "rejected": [turns(ASKED)[0], {**turns("", "秘密")[1], "name": "b"}]},
            "EqualAn",
        ),
        ({"chosen": turns(ASKED, "秘密"), "rejected": turns("秘密", BAD)}, "DifferentPrompts: "),
        ({"chosen": turns(ASKED, GOOD, "秘密"), "rejected": turns(ASKED, GOOD)}, "DifferentPrompts: "),
        ({"prompt": ASKED, "chosen": "秘密"}, "MissingField: no field 'rejected'"),
        ({"chosen": "秘密", "rejected": BAD}, "MissingField: no prompt"),
        ({"prompt": ASKED, "chosen": "秘密", "rejected": " "}, "EmptyTurn: turn 2"),
        ({"prompt": ASKED, "chosen": "秘密", "rejected": 7}, "WrongType: field 'rejected' is no list of turns"),
        ({"prompt": ASKED, "chosen": "秘密", "rejected": BAD, "margin": "many"}, "WrongType: field 'margin'"),
        (
            {
                "prompt": turns(ASKED, GOOD, "秘密"),
                "chosen": [{**turns("", GOOD)[1], "weight": 0}],
                "rejected": [{**turns("", BAD)[1], "weight": 0}],
            },
            "NoAssistantTurn: no turn of an answer",
        ),
        ({"prompt": turns(ASKED, "秘密"), "chosen": GOOD, "rejected": BAD}, "RolesOutOfOrder: the assistant is to"),
    ],
)
def test_pairs__what_is_wrong_is_a_named_dead_letter(tmp_path, read_all, record, error) -> None:
    outcome = read_all("jsonl", written(tmp_path, "jsonl", [record, PAIRS["texts"]]), pairs={})
    assert len(outcome.texts) == 1
    (dead,) = outcome.dead
    assert dead.error.startswith(error)
    assert "秘密" not in dead.error


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["messages", "prompt", "problem"])
@pytest.mark.parametrize(
    ("answer", "text"), [("一二三", "一二三"), (42, "42"), (1.5, "1.5"), ({"x": ["a"]}, '{"x":["a"]}')]
)
def test_prompts__any_shape_gives_the_same(tmp_path, read_all, form, name, answer, text) -> None:
    record = {name: turns(ASKED) if name == "messages" else ASKED, "answer": answer, "task": "sort", "k": 1}
    outcome = read_all(form, written(tmp_path, form, [record]), prompts={})
    (row,) = outcome.rows
    assert outcome.texts == [f"user: {ASKED}"]
    assert json.loads(row["messages"]) == turns(ASKED)
    assert (row["answer"], row["task"], json.loads(row["meta"])) == (text, "sort", {"k": 1})


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"prompt": "秘密", "task": "sort"}, "NoAnswer: field 'answer'"),
        ({"prompt": "秘密", "task": "sort", "answer": ""}, "NoAnswer: field 'answer'"),
        ({"prompt": "秘密", "answer": "x"}, "MissingField: no field 'task'"),
        ({"answer": "秘密", "task": "sort"}, "MissingField: no prompt"),
        ({"prompt": " ", "answer": "秘密", "task": "sort"}, "EmptyTurn: "),
        ({"messages": turns(ASKED, "秘密"), "answer": "x", "task": "sort"}, "RolesOutOfOrder: the assistant is to"),
    ],
)
def test_prompts__what_is_wrong_is_a_named_dead_letter(tmp_path, read_all, record, error) -> None:
    good = {"prompt": ASKED, "answer": 0, "task": "add"}
    outcome = read_all("jsonl", written(tmp_path, "jsonl", [record, good]), prompts={})
    assert len(outcome.texts) == 1
    (dead,) = outcome.dead
    assert dead.error.startswith(error)
    assert "秘密" not in dead.error


def test_prompts__task_of_the_recipe(tmp_path, read_all) -> None:
    path = written(tmp_path, "jsonl", [{"q": ASKED, "a": "x"}, {"q": ASKED, "a": "y", "task": "other"}])
    outcome = read_all("jsonl", path, prompts={"prompt": "q", "answer": "a", "task": "exact"})
    assert [row["task"] for row in outcome.rows] == ["exact", "exact"]
