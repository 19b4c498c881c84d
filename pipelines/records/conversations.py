"""Where the turns of conversations stand in the text that rules judge, and how a change of that text reaches them.

The text is what people read and rules, deduplication and scrubbing work on; columns of JSON hold the turns that are
learnt. Both say the same: what is changed in the text is changed in the turns, and what stands beside the text (calls
of tools, definitions) is scrubbed in the turns themselves.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gristmill.filters.edits import Edits
from gristmill.tokenizer.chat.turns import content_text, turn_of

MESSAGES, CHOSEN, REJECTED = COLUMNS = ("messages", "chosen", "rejected")
"""Columns that hold turns as JSON: the conversation, or the prompt; the better and the worse answer to it."""
BETWEEN = "\n\n"
"""Between turns."""
_CALLS = {"tool_calls", "function_call"}

Messages = list[dict[str, Any]]


class Place(NamedTuple):
    """Where the content of a turn stands, bytes [start, end) of the text; its calls go from there to `said`."""

    column: str
    turn: int
    role: str
    start: int
    end: int
    said: int


class _Span(NamedTuple):
    """Bytes [start, end) of the text become `text`."""

    start: int
    end: int
    text: str


def shown(messages: Mapping[str, Messages]) -> str:
    """`role: what it says`, a blank line between turns; of two answers each is called by its column."""
    return BETWEEN.join(head + said for _, _, head, said in _turns(messages))


def places(messages: Mapping[str, Messages]) -> Iterator[Place]:
    """The contents of all turns, in the order of the text `shown`; calls of tools stand behind them."""
    at = 0
    for column, number, head, said in _turns(messages):
        message = messages[column][number]
        start = at + len(head.encode())
        end, at = start + len(content_text(message.get("content")).encode()), start + len(said.encode())
        yield Place(column, number, message["role"], start, end, at)
        at += len(BETWEEN)


def read_messages(batch: pa.RecordBatch, row: int) -> dict[str, Messages]:
    """The turns of a document by column; a text has none."""
    found = {name: batch.column(name)[row].as_py() for name in COLUMNS if name in batch.schema.names}
    return {name: json.loads(value) for name, value in found.items() if value is not None}


def said_parts(text: pa.Array, batch: pa.RecordBatch, *, assistant: bool = False) -> pa.Array:
    """Of every text only what is said in it, without the names of roles, or what the assistant says (of a pair: in the
    answers)."""
    said = [_parts(text[row].as_py(), read_messages(batch, row), assistant) for row in range(len(text))]
    return pa.array(said, text.type)


def follow(batch: pa.RecordBatch, edits: Edits, scrub: Callable[[pa.Array], pa.Array] | None) -> pa.RecordBatch:
    """The same rows, their turns changed as `edits` change the texts, merged ones; `scrub` takes JSON and gives it
    without personal data, for what is not in the text: None where nothing is scrubbed."""
    changed_D = np.unique(edits.doc_E)
    names = [name for name in COLUMNS if name in batch.schema.names]
    values = {name: batch.column(name).to_pylist() for name in names}
    for row in changed_D.tolist():
        messages = read_messages(batch, row)
        for name in _change(messages, edits, row):
            values[name][row] = _written(messages[name])
    for name in names:
        made = values[name] if scrub is None else _scrubbed(values[name], scrub)
        place = batch.schema.get_field_index(name)
        batch = batch.set_column(place, batch.schema.field(place), pa.array(made, batch.schema.field(place).type))
    return batch


def _turns(messages: Mapping[str, Messages]) -> Iterator[tuple[str, int, str, str]]:
    """(column, number, "role: ", what is said) of every turn."""
    for column in COLUMNS:
        for number, message in enumerate(messages.get(column, ())):
            called = message["role"] if column == MESSAGES else f"{column} {message['role']}"
            yield column, number, f"{called}: ", _said(message)


def _said(message: dict[str, Any]) -> str:
    if not (message.get("tool_calls") or message.get("function_call")):
        return content_text(message.get("content"))
    return turn_of(message).text


def _parts(text: str, messages: Mapping[str, Messages], assistant: bool) -> str:
    if not messages:
        return text
    data, answers = text.encode(), {CHOSEN, REJECTED} & messages.keys()
    mine = [
        data[place.start : place.end].decode()
        for place in places(messages)
        if not assistant or (place.role == "assistant" and (not answers or place.column in answers))
    ]
    return BETWEEN.join(mine)


def _change(messages: dict[str, Messages], edits: Edits, row: int) -> set[str]:
    """Change the contents as the edits of a document change its text; gives the columns that changed."""
    mine = range(*np.searchsorted(edits.doc_E, (row, row + 1)))
    spans = [_Span(int(edits.start_E[e]), int(edits.end_E[e]), edits.texts[edits.text_E[e]]) for e in mine]
    changed, text = set(), shown(messages).encode()
    for place in list(places(messages)):
        message = messages[place.column][place.turn]
        inside = [span for span in spans if span.start < place.end and span.end > place.start]
        if inside:
            message["content"] = _edited(content_text(message["content"]).encode(), place.start, inside)
            cut = {span: span._replace(text="") for span in inside}
            spans = [cut.get(span, span) for span in spans]  # what stands for a range is said once
        masks = [span for span in spans if place.end <= span.start and span.end <= place.said and span.text]
        for name in sorted(_CALLS & message.keys()) if masks else ():
            message[name] = _masked(message[name], [(text[one.start : one.end].decode(), one.text) for one in masks])
        if inside or masks:
            changed.add(place.column)
    return changed


def _masked(value: Any, masks: list[tuple[str, str]]) -> Any:
    """A call of tools in which nothing says any more what a mask stands for in its text."""
    if isinstance(value, dict):
        return {name: _masked(item, masks) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, masks) for item in value]
    if isinstance(value, bool | None):
        return value
    told = str(value)
    for found, mask in masks:
        for said in (found, _unescaped(found)):
            told = told.replace(said, mask)
    return value if told == str(value) else told


def _unescaped(text: str) -> str:
    """What a piece of JSON says; as it is where it is cut within an escape."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _edited(content: bytes, start: int, spans: list[_Span]) -> str:
    """The content, which begins at `start` of the text, without the ranges, and what stands for them."""
    made, at = [], 0
    for span in spans:
        made += [content[at : max(span.start - start, 0)].decode(), span.text]
        at = span.end - start
    return "".join([*made, content[at:].decode()])


def _scrubbed(values: list[str | None], scrub: Callable[[pa.Array], pa.Array]) -> list[str | None]:
    """Columns of JSON whose turns hold no personal data in anything but their contents, which the text's edits did."""
    rows, rests = [], []
    for row, value in enumerate(values):
        if value is not None and any(rest := [_beside(message) for message in json.loads(value)]):
            rows.append(row)
            rests.append(_written(rest))
    made = list(values)
    if not rows:
        return made
    for row, before, clean in zip(rows, rests, scrub(pa.array(rests, pa.large_string())).to_pylist(), strict=True):
        if clean != before:
            whole = zip(json.loads(values[row] or "[]"), json.loads(clean), strict=True)
            made[row] = _written([_joined(message, rest) for message, rest in whole])
    return made


def _beside(message: dict[str, Any]) -> dict[str, Any]:
    """What a turn holds beside its text. Parts of a content may be more than texts."""
    content = message.get("content")
    beside = {name: value for name, value in message.items() if name not in ("role", "content")}
    return beside | ({"content": content} if isinstance(content, list) else {})


def _joined(message: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in message.items() if name in ("role", "content")}
    return {**kept, **rest}


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
