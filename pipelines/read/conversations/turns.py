"""Conversations as records hold them (OpenAI's messages, ShareGPT's conversations, Alpaca's instruction and output) ->
messages of one form."""

import json
from collections.abc import Iterable
from contextlib import suppress
from itertools import takewhile
from typing import Any

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.records.conversations import Messages
from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.turns import parse

TURNS = ("messages", "conversations", "conversation", "dialog", "turns")
"""Fields that hold turns, where the recipe names none; the first that a record has."""
ALPACA = ("instruction", "input", "output", "system", "history")
EXCHANGE = ("human", "assistant")
CALLS = ("function_call", "tool_call")
TOOLS = ("tools", "functions")
"""Fields that hold definitions of tools; the second is OpenAI's of before."""
NO_INPUT = "<noinput>"
"""How Alpaca's authors wrote that there is none."""
ROLES = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function": "tool",
    **dict.fromkeys(CALLS, "assistant"),
    "observation": "tool",
    "tool_response": "tool",
    "ipython": "tool",
    "developer": "system",
}
"""What ShareGPT and others call them."""


def take_messages(record: dict[str, Any], field: str | None) -> Messages:
    """Removes a record's conversation and gives its messages, the definitions of its `tools` in the system message.
    Raises BadRecordError that names the field and the turn."""
    name = field or first_of(TURNS, record)
    if name is None and first_of(("instruction",), record) and first_of(("output",), record):
        return _alpaca(record)
    if name is None or name not in record:
        wanted = f"field '{field}'" if field else f"conversation: none of {', '.join(TURNS)}, instruction and output"
        raise BadRecordError(f"MissingField: no {wanted}")
    return _offered(take_system(record) + messages_of(record.pop(name), name), record)


def first_of(names: Iterable[str], record: dict[str, Any]) -> str | None:
    """The first of some fields that says anything: a table has all of them in every row."""
    return next((name for name in names if record.get(name) is not None), None)


def take_system(record: dict[str, Any]) -> Messages:
    """Removes a record's `system`, where that is an instruction or nothing, and gives it as a message, if it is one."""
    system = record.pop("system", None) if isinstance(record.get("system"), str | None) else None
    return [{"role": "system", "content": system}] if system else []


def messages_of(value: Any, name: str) -> Messages:
    """The messages of a list of turns, or of its JSON. Raises BadRecordError that names the field and the turn."""
    turns = _from_json(value)
    if not isinstance(turns, list) or not turns:
        raise BadRecordError(f"WrongType: field '{name}' is no list of turns")
    turns = [one for turn in turns for one in _both(turn)]
    return _answers_in_order([_turn(turn, f"turn {number} of '{name}'") for number, turn in enumerate(turns, 1)])


def checked(messages: Messages, *, generation: bool = False) -> Messages:
    """The same messages. Raises BadRecordError where the renderer would not take them; see `parse`."""
    try:
        parse(messages, generation=generation)
    except ChatError as error:
        raise BadRecordError(str(error)) from None
    return messages


def _offered(messages: Messages, record: dict[str, Any]) -> Messages:
    """With the definitions of the record's tools in the system message."""
    for name in TOOLS:
        tools = _from_json(record.get(name))
        if isinstance(tools, list) and tools:
            del record[name]
            system = messages.pop(0) if messages[0]["role"] == "system" else {"role": "system", "content": ""}
            return [{**system, "tools": tools}, *messages]
    return messages


def _answers_in_order(messages: Messages) -> Messages:
    """What tools gave, in the order of the calls: a model reads no ids, so that nothing else says whose result it is.
    Raises BadRecordError for a result whose id is that of no call before it, or of one that has its result."""
    made = list(messages)
    for number, message in enumerate(messages):
        calls = message.get("tool_calls")
        ids = [call.get("id") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
        results = list(takewhile(lambda one: one["role"] == "tool", messages[number + 1 :]))
        asked = [result.get("tool_call_id") for result in results]
        if not ids or None in ids or None in asked:
            continue
        if len({*asked}) < len(asked) or not {*asked} <= {*ids}:
            raise BadRecordError(
                f"BadToolCall: a result behind turn {number + 1} is of none of its calls, or a second one"
            )
        made[number + 1 : number + 1 + len(results)] = sorted(results, key=lambda one: ids.index(one["tool_call_id"]))
    return made


def _from_json(value: Any) -> Any:
    """What a string holds, as CSV has it, and columns of strings; what is no JSON stays a string."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _both(turn: Any) -> list[Any]:
    """Firefly and MOSS hold an exchange, `{"human": ..., "assistant": ...}`, where others hold a turn."""
    if isinstance(turn, dict) and turn.keys() == {*EXCHANGE}:
        return [{"role": role, "content": turn[role]} for role in EXCHANGE]
    return [turn]


def _turn(turn: Any, where: str) -> dict[str, Any]:
    if not isinstance(turn, dict):
        raise BadRecordError(f"WrongType: {where} is no object")
    rest = {name: value for name, value in turn.items() if value is not None}  # tables have every field in every turn
    role = rest.pop("role", None) or rest.pop("from", None)
    if not isinstance(role, str):
        raise BadRecordError(f"MissingField: {where} has no role")
    content = rest.pop("content", rest.pop("value", None))
    if not isinstance(content, str | list | None) or (content is None and not rest):
        raise BadRecordError(f"WrongType: {where} has no content")
    if role.lower() in CALLS and (calls := _calls(content)):
        content, rest = None, {"tool_calls": calls} | rest
    rest |= {key: _from_json(rest[key]) for key in ("tools", "tool_calls") if key in rest}
    if isinstance(rest.get("tool_calls"), list):
        rest["tool_calls"] = list(map(_plain_call, rest["tool_calls"]))
    if "function_call" in rest:
        rest["function_call"] = _plain_call(rest["function_call"])
    return {"role": ROLES.get(role.lower(), role.lower()), "content": content, **rest}


def _plain_call(call: Any) -> Any:
    """A call with its arguments as an object, which OpenAI has as JSON: scrubbing looks into it, and however it was
    spaced, the model learns one way."""
    if not isinstance(call, dict):
        return call
    if isinstance(inner := call.get("function"), dict):
        return {**call, "function": _plain_call(inner)}
    arguments = _from_json(call.get("arguments"))
    return {**call, "arguments": arguments} if isinstance(arguments, dict) else call


def _calls(content: Any) -> list[dict[str, Any]]:
    """The calls that a turn of a role of CALLS is the JSON of; none where it is something else."""
    calls = _from_json(content)
    calls = calls if isinstance(calls, list) else [calls]
    return calls if all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls) else []


def _alpaca(record: dict[str, Any]) -> Messages:
    values = {name: record.pop(name, None) for name in ALPACA}
    for name in ("instruction", "input", "output", "system"):
        if not isinstance(values[name], str | None):
            raise BadRecordError(f"WrongType: field '{name}' is not a string")
    given = None if (values["input"] or "").strip().lower() == NO_INPUT else values["input"]
    asked = "\n\n".join(filter(None, (values["instruction"], given)))
    turns = [{"role": "system", "content": values["system"]}] if values["system"] else []
    for pair in values["history"] or []:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            raise BadRecordError("WrongType: field 'history' is no list of pairs of strings")
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return [*turns, {"role": "user", "content": asked}, {"role": "assistant", "content": values["output"] or ""}]
