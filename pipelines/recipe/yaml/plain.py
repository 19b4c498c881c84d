"""YAML as far as a recipe needs it: mappings, lists, texts, true and false, decimal numbers.

Aliases, tags and merges are refused, since they can make a small text large or build what is no plain value; so are
numbers that only YAML 1.1 reads as numbers (1:30:00, 0777, .inf). Keys are texts, and so are dates, yes, no, on, off.
"""

import math
import re
from collections.abc import Hashable
from typing import Any, NoReturn

import yaml

from gristmill.pipelines.recipe.yaml.faults import fault

MAX_DEPTH = 32
MAX_BYTES = 1 << 20
MAX_NODES = 20_000
"""Bounds of a recipe: PyYAML makes 8,000 nodes in a second, or reads 300 kB of one."""
NUMBER_LIKE = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
OTHER_NUMBER = re.compile(r"[-+]?(?:0[xob][0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|\.(?:inf|Inf|INF))")
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
NOT_A_NUMBER = re.compile(r"\.(?:nan|NaN|NAN)")


class PlainYamlError(Exception):
    """What is wrong at a line, and what to do about it."""

    def __init__(self, line: int, problem: str, fix: str):
        super().__init__(problem)
        self.line, self.problem, self.fix = line, problem, fix


def parse(text: str) -> tuple[yaml.Node | None, Any]:
    """The nodes of the one document of a text, with their lines, and its value; (None, None) where there is none.

    Raises PlainYamlError at the first place that is not plain YAML.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return (None, None) if node is None else (node, loader.construct_document(node))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"the character U+{error.character:04X}" if isinstance(error.character, int) else "a character"
        raise PlainYamlError(line, f"not valid YAML: {character} is not allowed", "remove it") from None
    except yaml.MarkedYAMLError as error:
        line, what, fix = fault(error, text)
        raise PlainYamlError(line, f"not valid YAML: {what}", fix) from None


def short(value: object, limit: int = 80) -> str:
    """The value as a message can show it: not too long, and nothing that moves a terminal's cursor."""
    text = str(value)
    cut = text if len(text) <= limit else f"{text[:limit]}..."
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in cut)


class _Loader(yaml.SafeLoader):
    """PyYAML's, which stops at the first node that is not plain."""

    depth = nodes = 0

    def compose_document(self) -> yaml.Node | None:
        node = super().compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            _refuse(self.peek_event(), "a second document", "keep one; a recipe is one document")
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            _refuse(event, f"the alias or anchor '{short(event.anchor)}'", "write the value out where it is meant")
        if event.tag is not None:
            _refuse(event, f"the tag '{short(event.tag)}'", "remove it; a recipe holds plain values")
        if self.depth == MAX_DEPTH:
            _refuse(event, f"nesting of more than {MAX_DEPTH} levels", "no recipe needs it; check the brackets")
        if self.nodes == MAX_NODES:
            _refuse(event, f"more than {MAX_NODES:,} values", "name folders or patterns in `paths`, not single files")
        self.nodes += 1
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode) and HALF_CHARACTER.search(node.value):
            _refuse(node, "half a surrogate pair", "write the character itself")
        if isinstance(node, yaml.MappingNode):
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    _refuse(key, "a key that is no text", "write a name before the colon")
                if key.value == "<<":
                    _refuse(key, "the merge '<<'", "write the keys out where they are meant")
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


def _refuse(place: Any, what: str, fix: str) -> NoReturn:
    raise PlainYamlError(place.start_mark.line + 1, f"{what} cannot stand in a recipe", fix)


def _number(_: _Loader, node: yaml.ScalarNode) -> int | float:
    """A decimal number that a computer can hold."""
    text = node.value
    if not NUMBER.fullmatch(text):
        fix = "write a decimal number; or, if it is meant as text, put it in quotes"
        _refuse(node, f"the number '{short(text)}', which is read differently by different programs,", fix)
    digits = text.replace("_", "")
    if len(digits) <= 40:
        value = float(digits) if set(digits) & set(".eE") else int(digits)
        if math.isfinite(value) and abs(value) < (2**63 if isinstance(value, int) else math.inf):
            return value
    _refuse(node, f"the number '{short(text, 20)}', which is too large,", "write a smaller number")


_Loader.yaml_implicit_resolvers = {}  # none of those that PyYAML's has
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(f"(?:{NUMBER_LIKE.pattern}|{OTHER_NUMBER.pattern}|{NOT_A_NUMBER.pattern})$"),
    list("-+0123456789."),
)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
