"""A conversation as turns, from the messages that OpenAI's format, transformers and our column `messages` hold."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gristmill.tokenizer.chat.errors import ChatError

ROLES = ("system", "user", "assistant", "tool")
BEFORE = {
    "system": ("", "system"),
    "user": ("", "system", "assistant"),
    "assistant": ("user", "tool"),
    "tool": ("assistant", "tool"),
}
"""Role -> the roles of the turn before; "" is the beginning."""
MAY_BE_EMPTY = ("system", "tool")
"""A tool may give nothing, and an instruction may consist of tools' definitions."""

CALL, CALL_END = "<tool_call>", "</tool_call>"
TOOLS, TOOLS_END = "<tools>", "</tools>"


class ToolCall(NamedTuple):
    """A call of a tool: its name, and its arguments as the text of a JSON object."""

    name: str
    arguments: str

    @property
    def text(self) -> str:
        """As the model reads and writes it."""
        return f'{CALL}{{"name": {_json(self.name)}, "arguments": {self.arguments}}}{CALL_END}'


@dataclass(frozen=True)
class Turn:
    """What one role says at a time."""

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    name: str | None = None
    """Of who speaks; no id of it is read."""
    learnt: bool = True
    """An assistant's turn of `weight: 0` is read and not learnt."""

    @property
    def text(self) -> str:
        """All that stands between the id of the role and END."""
        return "\n".join(filter(None, (self.content, *(call.text for call in self.tool_calls))))

    @property
    def is_learnt(self) -> bool:
        """Whether a model is to learn to write it."""
        return self.learnt and self.role == "assistant"

    def message(self) -> dict[str, Any]:
        """As `apply_chat_template` and `parse` take it."""
        calls = [{"type": "function", "function": call._asdict()} for call in self.tool_calls]
        optional = {"tool_calls": calls, "name": self.name, "weight": None if self.learnt else 0}
        given = {name: value for name, value in optional.items() if value not in (None, [])}
        return {"role": self.role, "content": self.content, **given}


def parse(
    messages: Sequence[dict[str, Any]], tools: Iterable[Any] | None = None, *, generation: bool = False
) -> list[Turn]:
    """Turns of `[{"role": ..., "content": ...}, ...]`, checked.

    `content`: a string, null beside `tool_calls`, or parts that are texts. `tool_calls` (or `function_call`) have a
    name and arguments, an object or its JSON text. `tools`: definitions, which come to stand in the system turn; a
    system message may hold them itself, as `tools`. `generation`: the assistant is to answer, so that no turn of its
    own is needed. Raises ChatError for an unknown role, roles out of order, an empty turn, a part that is no text, a
    wrong call, no turn at all, and none to learn from.
    """
    messages = list(messages)
    if not messages:
        raise ChatError("NoTurns", "the conversation is empty")
    offered = list(tools or ())
    turns = [turn_of(message, f"turn {number}") for number, message in enumerate(messages, 1)]
    first = messages[0]
    if turns[0].role == "system":
        offered = offered or _definitions(first.get("tools"))
    turns = offering(turns, offered)
    _check_order(turns)
    if generation:
        if turns[-1].role not in BEFORE["assistant"]:
            raise ChatError("RolesOutOfOrder", f"the assistant is to answer, but the last turn is {turns[-1].role}")
    elif not any(turn.is_learnt for turn in turns):
        raise ChatError("NoAssistantTurn", "no turn of the assistant is there to be learnt")
    return turns


def offering(turns: Sequence[Turn], tools: Sequence[Any]) -> list[Turn]:
    """The turns with tools' definitions behind the instruction, in the system turn."""
    if not tools:
        return list(turns)
    first, rest = (turns[0], turns[1:]) if turns and turns[0].role == "system" else (Turn("system", ""), turns)
    said = "\n\n".join(filter(None, (first.content, tools_text(tools))))
    return [Turn("system", said, name=first.name), *rest]


def tools_text(tools: Iterable[Any]) -> str:
    """Definitions of tools as the system turn has them, one a line."""
    return "\n".join((TOOLS, *map(_json, tools), TOOLS_END))


def content_text(content: Any, where: str = "the turn") -> str:
    """The text of a message's `content`; of parts the texts, a line each. Raises ChatError for another kind of part."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) < len(parts):
            raise ChatError("NotText", f"{where} has a part that is no text")
        return "\n".join(texts)
    return content or ""


def turn_of(message: Any, where: str = "the turn") -> Turn:
    """One message. Raises ChatError, which calls it as `where` says."""
    if not isinstance(message, dict):
        raise ChatError("WrongType", f"{where} is no object")
    role, content, name = message.get("role"), message.get("content"), message.get("name")
    if role not in ROLES:
        raise ChatError("UnknownRole", f"{where} has a role that is none of {', '.join(ROLES)}")
    if not isinstance(content, str | list | None):
        raise ChatError("WrongType", f"{where} has no text as content")
    weight = message.get("weight")
    if weight not in (None, 0, 1):
        raise ChatError("WrongType", f"{where} has a weight that is neither 0 nor 1")
    raw = message.get("tool_calls") or ([message["function_call"]] if message.get("function_call") else [])
    if raw and (role != "assistant" or not isinstance(raw, list)):
        raise ChatError("BadToolCall", f"{where}: only the assistant calls tools, in a list")
    calls = tuple(_call(one, where) for one in raw)
    name = name if isinstance(name, str) else None
    turn = Turn(role, content_text(content, where), calls, name, weight != 0)
    if not turn.text.strip() and role not in MAY_BE_EMPTY:
        raise ChatError("EmptyTurn", f"{where}, of {role}, says nothing")
    return turn


def _definitions(tools: Any) -> list[Any]:
    if not isinstance(tools, list | None):
        raise ChatError("WrongType", "the tools of the system message are no list")
    return tools or []


def calls_in(text: str) -> tuple[str, tuple[ToolCall, ...]]:
    """(the rest, calls) of what an assistant wrote. What is no call in form stays in the rest, as it was written."""
    rest, calls = "", list[ToolCall]()
    for piece in _pieces(text):
        call = _read_call(piece)
        if call is None:
            rest += piece
        else:
            calls.append(call)
    if not calls:
        return text, ()
    between = len(calls) - (not rest.endswith("\n" * len(calls)))
    return rest.removesuffix("\n" * between), tuple(calls)


def _pieces(text: str) -> Iterator[str]:
    """The text cut before every call and behind it."""
    while CALL in text:
        before, _, after = text.partition(CALL)
        inside, closed, text = after.partition(CALL_END)
        yield before
        yield CALL + inside + closed
    yield text


def _read_call(text: str) -> ToolCall | None:
    """The call that is written so, its arguments as they were written."""
    if not (text.startswith(CALL) and text.endswith(CALL_END)):
        return None
    inside = text[len(CALL) : -len(CALL_END)]
    try:
        call = _call(json.loads(inside), "")
    except (ValueError, RecursionError):
        return None
    head = f'{{"name": {_json(call.name)}, "arguments": '
    return ToolCall(call.name, inside[len(head) : -1]) if inside.startswith(head) else call


def _call(raw: Any, where: str) -> ToolCall:
    call = raw.get("function") or raw if isinstance(raw, dict) else None
    name = call.get("name") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(name, str) or not name:
        raise ChatError("BadToolCall", f"{where} calls a tool without a name")
    arguments = call.get("arguments") or {}
    if not isinstance(arguments, str):
        return ToolCall(name, _object(arguments, _json(arguments), where))
    try:
        return ToolCall(name, _object(json.loads(arguments), arguments, where))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ChatError):
            raise
        raise ChatError("BadToolCall", f"{where} calls a tool with arguments that are no JSON") from None


def _object(value: Any, text: str, where: str) -> str:
    if not isinstance(value, dict):
        raise ChatError("BadToolCall", f"{where} calls a tool with arguments that are no object")
    return text


def _check_order(turns: list[Turn]) -> None:
    before = ""
    for number, turn in enumerate(turns, 1):
        if before not in BEFORE[turn.role]:
            after = f"after {before}" if before else "at the beginning"
            raise ChatError("RolesOutOfOrder", f"turn {number} is {turn.role}, {after}")
        before = turn.role


def _json(value: Any) -> str:
    """As the filter `tojson` of transformers' templates writes it."""
    return json.dumps(value, ensure_ascii=False)
