"""One record at a time: what is said in every shape, tools' results by whose they are, and what is refused by name."""

import json

import pytest

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.conversations.take import take
from gristmill.pipelines.recipe.sources import Source

CHAT, PAIRS = (Source(paths=["a.jsonl"], format="jsonl", **{kind: {}}) for kind in ("chat", "pairs"))
ASKED, SAID = {"role": "user", "content": "磨坊有几袋？"}, {"role": "assistant", "content": "3 bags"}


def taken(**record):
    return take(record, CHAT).messages["messages"]


def called(*ids: str | None) -> dict:
    calls = [{"id": name, "type": "function", "function": {"name": f"f{n}", "arguments": f'{{"n": {n}}}'}}
             for n, name in enumerate(ids)]  # fmt: skip
    return {"role": "assistant", "content": None, "tool_calls": calls}


def gave(name: str | None, text: str) -> dict:
    return {"role": "tool", "tool_call_id": name, "content": text}


@pytest.mark.parametrize("as_text", [False, True])
def test_tools__results_stand_in_the_order_of_the_calls(as_text):
    one = [ASKED, called("a", "b", "c"), gave("c", "丙"), gave("a", "甲"), gave("b", "乙"), SAID]
    two = [called("x"), gave("x", "5"), SAID]
    turns = [*one[:-1], *two]
    if as_text:
        turns = [
            {**turn, "tool_calls": json.dumps(turn["tool_calls"])} if "tool_calls" in turn else turn for turn in turns
        ]
    found = taken(messages=turns)
    assert [turn["content"] for turn in found if turn["role"] == "tool"] == ["甲", "乙", "丙", "5"]
    assert found[1]["tool_calls"][2]["function"] == {"name": "f2", "arguments": {"n": 2}}


def test_tools__without_ids_results_stay_as_they_are():
    for ids, results in (((None, None), ("a", "b")), (("a", "b"), (None, None)), (("a", "b"), ("b",))):
        turns = [ASKED, called(*ids), *(gave(name, str(n)) for n, name in enumerate(results)), SAID]
        assert [turn["content"] for turn in taken(messages=turns)[2:-1]] == [str(n) for n in range(len(results))]


@pytest.mark.parametrize("results", [("z",), ("a", "a"), ("a", "b", "z")])
def test_tools__a_result_of_no_call_is_refused(results):
    with pytest.raises(BadRecordError, match=r"^BadToolCall: a result behind turn 2"):
        taken(messages=[ASKED, called("a", "b"), *(gave(name, "秘密") for name in results), SAID])


@pytest.mark.parametrize("name", ["tools", "functions"])
@pytest.mark.parametrize("tools", [[{"name": "加"}], '[{"name": "加"}]'])
def test_tools__definitions_stand_in_the_system_turn(name, tools):
    assert taken(messages=[ASKED, SAID], **{name: tools})[0] == {
        "role": "system",
        "content": "",
        "tools": [{"name": "加"}],
    }
    own = taken(messages=[{"role": "system", "content": "短", name: tools}, ASKED, SAID])[0]
    assert own.get("tools", [{"name": "加"}]) == [{"name": "加"}]


@pytest.mark.parametrize(("call", "result"), [
    ("function_call", "observation"), ("tool_call", "tool_response"), ("function_call", "ipython"),
])  # fmt: skip
def test_roles__of_calls_and_results(call, result):
    said = json.dumps({"name": "加", "arguments": {"a": 1}})
    turns = [("human", "几袋？"), (call, said), (result, "3"), ("gpt", "3 袋")]
    found = taken(conversations=[{"from": role, "value": text} for role, text in turns])
    assert [turn["role"] for turn in found] == ["user", "assistant", "tool", "assistant"]
    assert found[1]["tool_calls"] == [{"name": "加", "arguments": {"a": 1}}]


@pytest.mark.parametrize("given", [None, "", "<noinput>", " <NoInput> "])
def test_alpaca__without_input(given):
    assert taken(instruction="翻译 mill", input=given, output="磨坊")[0]["content"] == "翻译 mill"
    assert taken(instruction="翻译", input="<noinput> mill", output="磨坊")[0]["content"] == "翻译\n\n<noinput> mill"


@pytest.mark.parametrize(("turns", "error"), [
    ([{**ASKED, "content": ["看", {"type": "image_url", "image_url": {}}]}, SAID], "NotText: turn 1"),
    ([ASKED, {**SAID, "content": [{"type": "tool_use", "name": "f", "input": {}}]}], "NotText: turn 2"),
    ([ASKED, {**SAID, "content": [["秘密"]]}], "NotText: turn 2"),
    ([ASKED, {**SAID, "weight": "0"}], "WrongType: turn 2 has a weight"),
    ([ASKED, {**SAID, "weight": 0.5}], "WrongType: turn 2 has a weight"),
    ([{"role": "system", "content": "x", "tools": "秘密"}, ASKED, SAID], "WrongType: the tools of the system"),
    ([ASKED, SAID, {"role": "system", "content": "x"}], "RolesOutOfOrder: turn 3"),
    ([ASKED, {**SAID, "content": None}], "WrongType: turn 2"),
    ([ASKED, {**SAID, "content": ""}], "EmptyTurn: turn 2"),
    ([{**ASKED, "content": []}, SAID], "EmptyTurn: turn 1"),
])  # fmt: skip
def test_turns__what_cannot_be_learnt_is_named(turns, error):
    with pytest.raises(BadRecordError, match=f"^{error}") as caught:
        taken(messages=turns)
    assert "秘密" not in str(caught.value)


def test_pairs__conversations_that_differ_beside_what_is_said_begin_alike():
    chosen, rejected = ([{**ASKED, "id": n}, {**SAID, "content": text}] for n, text in enumerate(("三袋", "不知道")))
    found = take({"chosen": chosen, "rejected": rejected}, PAIRS).messages
    assert found["messages"] == [chosen[0]]
    assert (found["chosen"], found["rejected"]) == (chosen[1:], rejected[1:])


def test_pairs__the_record_s_instruction_stands_before_whole_conversations():
    answers = {"chosen": [ASKED, SAID], "rejected": [ASKED, {**SAID, "content": "no"}]}
    system = {"role": "system", "content": "短"}
    assert take({"system": "短", **answers}, PAIRS).messages["messages"] == [system, ASKED]
    own = {name: [{"role": "system", "content": "长"}, *turns] for name, turns in answers.items()}
    assert take({"system": "短", **own}, PAIRS).messages["messages"][0]["content"] == "长"


@pytest.mark.parametrize(("record", "error"), [
    ({"chosen": "a", "rejected": "b", "margin": -1}, "NegativeMargin: "),
    ({"chosen": "a", "rejected": "b", "score_chosen": 2, "score_rejected": 3.5}, "NegativeMargin: "),
    ({"chosen": [{"role": "editor", "content": "秘密"}], "rejected": [ASKED, SAID]}, "UnknownRole: "),
    ({"chosen": "a", "rejected": ["b", "c"]}, "WrongType: turn 1 of 'rejected'"),
])  # fmt: skip
def test_pairs__what_is_wrong_is_named(record, error):
    with pytest.raises(BadRecordError, match=f"^{error}"):
        take({"prompt": "q", **record}, PAIRS)


def test_pairs__equal_scores_are_no_margin():
    assert take(
        {"prompt": "q", "chosen": "a", "rejected": "b", "score_chosen": 3, "score_rejected": 3}, PAIRS
    ).beside == {"margin": 0}
