"""Text within other fields, and conversations: the same from JSON lines and from tables."""

import json

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.read.nested import names_in
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.inputs.units import plan_units

FORMS = ("jsonl", "json", "parquet", "arrow")


def written(folder, form: str, records: list[dict]):
    path = folder / f"a.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    elif form == "json":
        path.write_text(json.dumps(records, indent=1, ensure_ascii=False), encoding="utf-8")
    else:
        table = pa.Table.from_pylist(records)
        if form == "parquet":
            pq.write_table(table, path)
        else:
            with ipc.new_file(path, table.schema) as writer:
                writer.write_table(table)
    return path


RECORDS = [
    {"n": 1, "data": {"body": "磨坊在河边。", "parts": ["one", "二"], "items": [{"text": "甲"}, {"text": "b"}]}},
    {"n": 2, "data": {"body": "The mill.", "parts": ["", "丁"], "items": [{"text": "c"}]}},
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("data.body", ["磨坊在河边。", "The mill."]),
        ("data.parts.1", ["二", "丁"]),
        ("data.parts.*", ["one\n\n二", "丁"]),
        ("data.items.*.text", ["甲\n\nb", "c"]),
        ("data.items.0.text", ["甲", "c"]),
    ],
)
def test_text__within_other_fields(tmp_path, read_all, form, path, texts) -> None:
    outcome = read_all(form, written(tmp_path, form, RECORDS), text=path)
    assert outcome.texts == texts
    meta = [json.loads(row["meta"]) for row in outcome.rows]
    assert [one["n"] for one in meta] == [1, 2]
    assert all(text not in json.dumps(one, ensure_ascii=False) for one, text in zip(meta, texts, strict=True))
    if path == "data.body":
        assert meta[1] == {"n": 2, "data": {"parts": ["", "丁"], "items": [{"text": "c"}]}}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_text__what_is_not_there_costs_its_record(tmp_path, read_all, form) -> None:
    records = [{"data": {"body": "a", "parts": []}}, {"data": {"body": None, "parts": ["x"]}}, {"data": None}]
    outcome = read_all(form, written(tmp_path, form, records), text="data.parts.0")
    assert outcome.texts == ["x"]
    assert len(outcome.dead) == 2
    assert outcome.dead[0].error == "MissingField: no item 'data.parts.0'"
    outcome = read_all(form, written(tmp_path, form, records), text="data.body")
    assert outcome.texts == ["a"]


def test_text__items_that_have_none_are_passed_over(tmp_path, read_all) -> None:
    records = [{"a": [{"text": "磨坊"}, {"image": "x.png"}, {"text": "mill"}]}, {"a": [{"image": "y.png"}]}, {"a": []}]
    outcome = read_all("jsonl", written(tmp_path, "jsonl", records), text="a.*.text")
    assert outcome.texts[0] == "磨坊\n\nmill"
    assert [dead.error for dead in outcome.dead] == ["MissingField: no field 'a.*.text'"]


def test_text__a_field_of_that_name_goes_before(tmp_path, read_all) -> None:
    path = written(tmp_path, "jsonl", [{"a.b": "this", "a": {"b": "not this"}}, {"a": {"b": {"c": 1}}}, {"a": ["x"]}])
    outcome = read_all("jsonl", path, text="a.b")
    assert outcome.texts == ["this"]
    assert [dead.error for dead in outcome.dead] == [
        "WrongType: field 'a.b' is an object, not a string",
        "WrongType: 'a' is an array; say which item, or '*' for all",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_names__within_fields_are_checked(tmp_path, form) -> None:
    written(tmp_path, form, RECORDS)
    file = tmp_path / "recipe.yaml"
    for path, wrong in (("data.body", "data.bodyy"), ("data.items.0.text", "data.items.0.txt")):
        for text in (path, wrong):
            recipe = f"gristmill: 1\nname: c\nsources:\n  web: {{format: {form}, paths: a.{form}, text: {text}}}\n"
            file.write_text(recipe)
            if text == path:
                plan_units(load(file), 1000)
            else:
                with pytest.raises(RecipeError, match="no record has a field 'data"):
                    plan_units(load(file), 1000)


def test_names_in__is_bounded() -> None:
    assert names_in({"a": {"b": [{"c": 1}]}, "d": 1}) == {"a", "a.b", "a.b.*", "a.b.*.c", "d"}
    deep: dict = {}
    for _ in range(500):
        deep = {"x": deep}
    assert len(names_in(deep)) < 20
    assert len(names_in({"a": [{str(i): 1} for i in range(10_000)]})) < 20


TURNS = [
    {"role": "system", "content": "You are a miller."},
    {"role": "user", "content": "水车怎么转？"},
    {"role": "assistant", "content": "Water turns it."},
]
SHAPES = {
    "openai": {"messages": TURNS},
    "sharegpt": {
        "system": "You are a miller.",
        "conversations": [{"from": "human", "value": "水车怎么转？"}, {"from": "gpt", "value": "Water turns it."}],
    },
    "alpaca": {"system": "You are a miller.", "instruction": "水车怎么转？", "input": "", "output": "Water turns it."},
    "firefly": {
        "system": "You are a miller.",
        "conversation": [{"human": "水车怎么转？", "assistant": "Water turns it."}],
    },
    "named": {"dialogue": [{"from": turn["role"], "value": turn["content"]} for turn in TURNS]},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_chat__any_shape_gives_the_same(tmp_path, read_all, form, shape) -> None:
    chat = {"field": "dialogue"} if shape == "named" else {}
    outcome = read_all(form, written(tmp_path, form, [{"k": 1, **SHAPES[shape]}]), chat=chat)
    assert outcome.texts == ["system: You are a miller.\n\nuser: 水车怎么转？\n\nassistant: Water turns it."]
    assert json.loads(outcome.rows[0]["messages"]) == TURNS
    assert {name: value for name, value in json.loads(outcome.rows[0]["meta"]).items() if value is not None} == {"k": 1}


@pytest.mark.parametrize("form", FORMS)
def test_chat__turns_within_a_string(tmp_path, read_all, form) -> None:
    records = [{"messages": json.dumps(TURNS)}, {"messages": "[no json"}]
    outcome = read_all(form, written(tmp_path, form, records), chat={})
    assert [json.loads(row["messages"]) for row in outcome.rows] == [TURNS]
    assert [dead.error for dead in outcome.dead] == ["WrongType: field 'messages' is no list of turns"]


def test_chat__in_csv(tmp_path, read_all) -> None:
    turns = json.dumps(TURNS, ensure_ascii=False).replace('"', '""')
    (tmp_path / "a.csv").write_text(f'messages,n\n"{turns}",1\n', encoding="utf-8")
    outcome = read_all("csv", tmp_path / "a.csv", chat={})
    assert json.loads(outcome.rows[0]["messages"]) == TURNS
    (tmp_path / "b.csv").write_text("instruction,input,output\n问,,答\n", encoding="utf-8")
    assert read_all("csv", tmp_path / "b.csv", chat={}).texts == ["user: 问\n\nassistant: 答"]


def test_chat__roles_of_tool_use(tmp_path, read_all) -> None:
    names = ["human", "function_call", "observation", "GPT"]
    record = {"conversations": [{"from": name, "value": "磨"} for name in names]}
    outcome = read_all("jsonl", written(tmp_path, "jsonl", [record]), chat={})
    assert [turn["role"] for turn in json.loads(outcome.rows[0]["messages"])] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    called = {"name": "加", "arguments": {"a": 1}}
    record["conversations"][1]["value"] = json.dumps(called)
    outcome = read_all("jsonl", written(tmp_path, "jsonl", [record]), chat={})
    assert json.loads(outcome.rows[0]["messages"])[1] == {"role": "assistant", "content": None, "tool_calls": [called]}


def test_chat__parts_tools_and_history(tmp_path, read_all) -> None:
    parts = [{"type": "text", "text": "看图"}, {"type": "input_text", "text": "二"}]
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "function": {"name": "看", "arguments": '{"n":1}'}}],
    }
    records = [
        {
            "messages": [
                {"role": "user", "content": parts},
                call,
                {"role": "tool", "content": "42", "tool_call_id": "1"},
            ],
            "tools": [{"function": {"name": "看"}}],
        },
        {"instruction": "再说一次", "input": "短", "output": "好", "history": [["你好", "您好"]]},
    ]
    outcome = read_all("jsonl", written(tmp_path, "jsonl", records), chat={})
    assert outcome.texts == [
        "system: \n\nuser: 看图\n二\n\n"
        'assistant: <tool_call>{"name": "看", "arguments": {"n": 1}}</tool_call>\n\ntool: 42',
        "user: 你好\n\nassistant: 您好\n\nuser: 再说一次\n\n短\n\nassistant: 好",
    ]
    system, _, called, _ = json.loads(outcome.rows[0]["messages"])
    assert system == {"role": "system", "content": "", "tools": records[0]["tools"]}
    call["tool_calls"][0]["function"]["arguments"] = {"n": 1}
    assert called == call
    assert json.loads(outcome.rows[0]["meta"]) == {}


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"text": "x"}, "MissingField: no conversation: none of messages"),
        ({"messages": []}, "WrongType: field 'messages' is no list of turns"),
        ({"messages": ["秘密"]}, "WrongType: turn 1 of 'messages' is no object"),
        ({"messages": [{"content": "秘密"}]}, "MissingField: turn 1 of 'messages' has no role"),
        ({"messages": [{"role": "user", "content": 7}]}, "WrongType: turn 1 of 'messages' has no content"),
        ({"instruction": 7, "output": "x"}, "WrongType: field 'instruction' is not a string"),
        ({"messages": [{"role": "user", "content": "\ud800"}, TURNS[2]]}, "LoneSurrogate"),
        ({"messages": TURNS[:2]}, "NoAssistantTurn: "),
        ({"messages": TURNS[1:][::-1]}, "RolesOutOfOrder: turn 1 is assistant, at the beginning"),
        ({"messages": [{"role": "秘密", "content": "x"}]}, "UnknownRole: turn 1"),
        ({"instruction": "秘密", "output": ""}, "EmptyTurn: turn 2, of assistant"),
    ],
)
def test_chat__bad_records_are_dead_letters(tmp_path, read_all, record, error) -> None:
    outcome = read_all("jsonl", written(tmp_path, "jsonl", [record, SHAPES["openai"]]), chat={})
    assert len(outcome.texts) == 1
    (dead,) = outcome.dead
    assert dead.error.startswith(error)
    assert "秘密" not in dead.error


@pytest.mark.parametrize("source", [{"chat": {}}, {"text": "data.body"}])
def test_tables__what_was_taken_is_not_in_meta(tmp_path, read_all, source):
    turns = [{"from": "human", "value": "水磨"}, {"from": "gpt", "value": "mill"}]
    rows = [
        {"conversations": turns, "system": None, "data": {"body": "甲", "n": 1}, "other": None},
        {"conversations": turns, "system": "be kind", "data": {"body": "乙", "n": None}, "other": "x"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    outcome = read_all("parquet", tmp_path, **source)
    assert not outcome.dead
    first, second = (json.loads(row["meta"]) for row in outcome.rows)
    if "chat" in source:
        assert first == {"data": {"body": "甲", "n": 1}, "other": None}
        assert "conversations" not in second
        assert "system" not in second
    else:
        assert first["data"] == {"n": 1}
        assert second["data"] == {"n": None}
        assert second["other"] == "x"
