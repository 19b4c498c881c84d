import json

import pytest

from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.ghost import once, repeated
from gristmill.tokenizer.chat.turns import Turn, calls_in, parse, tools_text


def said(*roles: str) -> list[dict]:
    return [{"role": role, "content": "磨 mill"} for role in roles]


CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "加", "arguments": '{"a":1}'}}]}


@pytest.mark.parametrize("messages", [
    said("user", "assistant"), said("system", "user", "assistant"), said("system", "system", "user", "assistant"),
    said("user", "assistant", "user"), said("user", "assistant", "tool", "tool", "assistant", "user", "assistant"),
    [*said("user"), CALL, {"role": "tool", "content": ""}, *said("assistant")],
])  # fmt: skip
def test_parse__takes_conversations(messages):
    turns = parse(messages)
    assert [turn.role for turn in turns] == [message["role"] for message in messages]
    assert parse([turn.message() for turn in turns]) == turns


@pytest.mark.parametrize(("messages", "kind"), [
    ([], "NoTurns"),
    (["秘密"], "WrongType"),
    ([{"role": "user", "content": 7}], "WrongType"),
    ([{"role": "editor", "content": "秘密"}], "UnknownRole"),
    ([{"content": "秘密"}], "UnknownRole"),
    ([{"role": ["user"], "content": "秘密"}], "UnknownRole"),
    (said("assistant", "user"), "RolesOutOfOrder"),
    (said("user", "user", "assistant"), "RolesOutOfOrder"),
    (said("user", "assistant", "assistant"), "RolesOutOfOrder"),
    (said("user", "tool", "assistant"), "RolesOutOfOrder"),
    (said("tool", "assistant"), "RolesOutOfOrder"),
    (said("user", "system", "assistant"), "RolesOutOfOrder"),
    (said("system", "assistant"), "RolesOutOfOrder"),
    (said("user", "assistant", "tool", "user", "assistant"), "RolesOutOfOrder"),
    (said("user"), "NoAssistantTurn"),
    (said("system", "user"), "NoAssistantTurn"),
    ([*said("user"), {"role": "assistant", "content": "秘密", "weight": 0}], "NoAssistantTurn"),
    ([*said("user"), {"role": "assistant", "content": " \n　"}], "EmptyTurn"),
    ([{"role": "user", "content": [{"image_url": "x"}]}, *said("assistant")], "NotText"),
    ([{"role": "user", "content": ["看", {"type": "image_url", "image_url": {}}]}, *said("assistant")], "NotText"),
    ([*said("user"), {"role": "assistant", "content": "秘密", "weight": "0"}], "WrongType"),
    ([{"role": "system", "content": "", "tools": '[{"name": "秘密"}]'}, *said("user", "assistant")], "WrongType"),
    ([*said("user"), {"role": "assistant", "content": None}], "EmptyTurn"),
    ([{"role": "user", "content": "x", "tool_calls": [{"name": "f"}]}, *said("assistant")], "BadToolCall"),
    ([*said("user"), {"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}], "BadToolCall"),
    ([*said("user"), {"role": "assistant", "tool_calls": [{"name": "f", "arguments": "秘密"}]}], "BadToolCall"),
    ([*said("user"), {"role": "assistant", "tool_calls": [{"name": "f", "arguments": "[1]"}]}], "BadToolCall"),
    ([*said("user"), {"role": "assistant", "tool_calls": {"name": "f"}}], "BadToolCall"),
    ([*said("user"), {"role": "assistant", "tool_calls": ["秘密"]}], "BadToolCall"),
])  # fmt: skip
def test_parse__names_what_is_wrong_and_quotes_nothing(messages, kind):
    with pytest.raises(ChatError) as caught:
        parse(messages)
    assert caught.value.kind == kind
    assert str(caught.value).startswith(kind + ": ")
    assert "秘密" not in str(caught.value)


def test_parse__for_generation_the_assistant_is_next():
    assert len(parse(said("system", "user"), generation=True)) == 2
    assert len(parse([*said("user"), CALL, *said("tool")], generation=True)) == 3
    for roles in (("system",), ("user", "assistant")):
        with pytest.raises(ChatError, match="the assistant is to answer"):
            parse(said(*roles), generation=True)


def test_parse__tools_stand_in_the_system_turn():
    tools = [{"type": "function", "function": {"name": "加", "parameters": {}}}]
    text = tools_text(tools)
    assert text == '<tools>\n{"type": "function", "function": {"name": "加", "parameters": {}}}\n</tools>'
    assert parse(said("user", "assistant"), tools)[0] == Turn("system", text)
    assert parse(said("system", "user", "assistant"), tools)[0].content == "磨 mill\n\n" + text
    own = [{"role": "system", "content": "", "tools": tools}, *said("user", "assistant")]
    assert parse(own)[0] == Turn("system", text)


def test_parse__content_of_parts_is_its_texts():
    parts = [{"type": "text", "text": "看图"}, "two"]
    assert parse([{"role": "user", "content": parts}, *said("assistant")])[0].content == "看图\ntwo"


@pytest.mark.parametrize("content", ["", "先算。", "a\n", "\n\n"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_calls_in__finds_what_text_wrote(content, count):
    calls = [{"name": "加", "arguments": {"a": n, "b": "</x>"} if n else '{"a":1}'} for n in range(count)]
    (turn,) = parse([*said("user"), {"role": "assistant", "content": content, "tool_calls": calls}])[1:]
    assert calls_in(turn.text) == (content, turn.tool_calls)


def test_calls_in__what_is_no_call_stays_text():
    for text in ("", "<tool_call>", "<tool_call>{}</tool_call>", "a <tool_call>{x</tool_call> b", "磨坊"):
        assert calls_in(text) == (text, ())
    rest, calls = calls_in('好 <tool_call>\n{"name":"f","arguments":{"a": 1}}\n</tool_call> 吧')
    assert (rest, calls[0].name, json.loads(calls[0].arguments)) == ("好  吧", "f", {"a": 1})


def test_ghost__the_instruction_before_every_user_and_back():
    turns = parse([{"role": "system", "content": "只用英文。"}, *said("user", "assistant", "user", "assistant")])
    spread = repeated(turns)
    assert [turn.content for turn in spread if turn.role == "user"] == ["只用英文。\n\n磨 mill"] * 2
    assert once(spread) == once(turns) == turns
    plain = parse(said("user", "assistant"))
    assert repeated(plain) == once(plain) == plain
