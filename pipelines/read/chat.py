"""Conversations as records hold them (OpenAI's messages, ShareGPT's conversations, Alpaca's instruction and output) ->
one form of turns, and a text of them that rules can judge."""

import json
from contextlib import suppress
from typing import Any

from gristmill.pipelines.errors import BadRecordError

COLUMN = "messages"
"""Of `text/`: the turns as JSON, `[{"role": ..., "content": ...}, ...]`."""
TURNS = ("messages", "conversations", "conversation", "dialog", "turns")
"""Fields that hold turns, where the recipe names none; the first that a record has."""
ALPACA = ("instruction", "input", "output", "system", "history")
ROLES = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function": "tool",
    "function_call": "assistant",
    "observation": "tool",
}
"""What ShareGPT and others call them."""

Turn = dict[str, Any]


def take_turns(record: dict[str, Any], field: str | None) -> list[Turn]:
    """Removes a record's conversation and gives its turns. Raises BadRecordError that names the field and the turn."""
    name = field or next((name for name in TURNS if name in record), None)
    if name is None and "instruction" in record and "output" in record:
        return _alpaca(record)
    if name is None or name not in record:
        wanted = f"field '{field}'" if field else f"conversation: none of {', '.join(TURNS)}, instruction and output"
        raise BadRecordError(f"MissingField: no {wanted}")
    turns = record.pop(name)
    if isinstance(turns, str):  # as CSV holds them, and columns of strings
        with suppress(ValueError, RecursionError):
            turns = json.loads(turns)
    if not isinstance(turns, list) or not turns:
        raise BadRecordError(f"WrongType: field '{name}' is no list of turns")
    system = record.pop("system", None) if isinstance(record.get("system"), str | None) else None
    first = [{"role": "system", "content": system}] if system else []
    return first + [_turn(turn, f"turn {number} of '{name}'") for number, turn in enumerate(turns, 1)]


def rendered(turns: list[Turn]) -> str:
    """`role: content`, a blank line between turns; of a content of parts the texts."""
    return "\n\n".join(f"{turn['role']}: {_text(turn['content'])}" for turn in turns)


def _turn(turn: Any, where: str) -> Turn:
    if not isinstance(turn, dict):
        raise BadRecordError(f"WrongType: {where} is no object")
    rest = dict(turn)
    role = rest.pop("role", None) or rest.pop("from", None)
    if not isinstance(role, str):
        raise BadRecordError(f"MissingField: {where} has no role")
    content = rest.pop("content", rest.pop("value", None))
    if not isinstance(content, str | list | None) or (content is None and not rest):
        raise BadRecordError(f"WrongType: {where} has no content")
    return {"role": ROLES.get(role.lower(), role.lower()), "content": content, **rest}


def _alpaca(record: dict[str, Any]) -> list[Turn]:
    values = {name: record.pop(name, None) for name in ALPACA}
    for name in ("instruction", "input", "output", "system"):
        if not isinstance(values[name], str | None):
            raise BadRecordError(f"WrongType: field '{name}' is not a string")
    asked = "\n\n".join(filter(None, (values["instruction"], values["input"])))
    turns = [{"role": "system", "content": values["system"]}] if values["system"] else []
    for pair in values["history"] or []:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            raise BadRecordError("WrongType: field 'history' is no list of pairs of strings")
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return [*turns, {"role": "user", "content": asked}, {"role": "assistant", "content": values["output"] or ""}]


def _text(content: Any) -> str:
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content or ""
