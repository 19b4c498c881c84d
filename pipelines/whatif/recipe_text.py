"""A recipe's text with some values changed: everything else stays as its author wrote it, comments too."""

from collections.abc import Sequence
from typing import Any

import yaml

Path = tuple[str | int, ...]
Edit = tuple[Path, Any]
"""A path of mappings and lists, and the value that is to stand there; a mapping that lacks the key gets it."""


def edited(text: str, edits: Sequence[Edit]) -> str | None:
    """The text with these values; None where that cannot be told from the text, so that it has to be written anew."""
    wanted = yaml.safe_load(text)
    for path, value in edits:
        put(wanted, path, value)
        text = _edit(text, path, value)
    try:
        return text if yaml.safe_load(text) == wanted else None
    except yaml.YAMLError:
        return None


def put(data: Any, path: Path, value: Any) -> None:
    """Set a value in what YAML reads as; mappings on the way to it are made."""
    for key in path[:-1]:
        if isinstance(data, dict) and data.get(key) is None:
            data[key] = {}
        data = data[key]
    data[path[-1]] = value


def flow(value: Any) -> str:
    """A value on one line."""
    return (
        yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).removesuffix("\n...\n").strip()
    )


def _edit(text: str, path: Path, value: Any) -> str:
    node: Any = yaml.compose(text, yaml.SafeLoader)
    rest = list(path)
    while rest and (inner := _child(node, rest[0])) is not None:
        node = inner
        del rest[0]
    if not rest or not isinstance(node, yaml.MappingNode):
        for key in reversed(rest):
            value = {key: value}
        return _replaced(text, node, value)
    for key in reversed(rest[1:]):
        value = {key: value}
    return _added(text, node, f"{flow(rest[0])}: {flow(value)}")


def _child(node: yaml.Node, key: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        return node.value[key]
    return None


def _replaced(text: str, node: yaml.Node, value: Any) -> str:
    if isinstance(node, yaml.SequenceNode) and node.value and isinstance(value, list):
        before = [item.value for item in node.value]
        if value[: len(before)] == before:  # a list that grows keeps its lines
            return _grown(text, node, value[len(before) :])
    start, end = node.start_mark.index, _end(node)
    gap = " " if start == end and not text[start - 1 : start].isspace() else ""
    return f"{text[:start]}{gap}{flow(value)}{text[end:]}"


def _grown(text: str, node: yaml.SequenceNode, items: list[Any]) -> str:
    for item in items:
        last = _end(node.value[-1])
        if node.flow_style:
            text = f"{text[:last]}, {flow(item)}{text[last:]}"
            continue
        at = _line_end(text, last)
        text = f"{text[:at]}\n{' ' * node.start_mark.column}- {flow(item)}{text[at:]}"
    return text


def _added(text: str, node: yaml.MappingNode, line: str) -> str:
    if node.flow_style:
        at = _end(node.value[-1][1]) if node.value else node.start_mark.index + 1
        return f"{text[:at]}{', ' if node.value else ''}{line}{text[at:]}"
    at = _line_end(text, _end(node.value[-1][1]))
    return f"{text[:at]}\n{' ' * node.value[0][0].start_mark.column}{line}{text[at:]}"


def _end(node: yaml.Node) -> int:
    """Where a node's own text ends: a block goes on over comments, as far as YAML knows."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
