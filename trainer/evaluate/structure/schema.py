"""A JSON schema as an expression: all that can be written is valid, not all that is valid can be written.

Objects have their properties in the order of the schema, none besides; one space may stand behind `,` and `:`; whole
numbers have at most 15 digits; a text's characters are escaped by one letter or not at all.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.structure.expressions import (
    Either,
    Expression,
    Joined,
    Repeated,
    optional,
    others,
    text,
)
from gristmill.trainer.evaluate.structure.regex import regex

ANNOTATIONS = {"title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly",
               "writeOnly", "$defs", "definitions"}  # fmt: skip
"""Say nothing about what is valid; the last two hold what is referred to."""
KEYWORDS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength"},
    "number": set(),
    "integer": set(),
    "boolean": set(),
    "null": set(),
}
DEEPEST = 64
INTEGER = r"-?(0|[1-9][0-9]{0,14})"
NUMBER = INTEGER + r"(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?"
CHARACTER = Either((others([(0, 31), (34, 34), (92, 92)]), regex(r'\\["\\/bfnrt]', "JSON")))
SPACE = optional(text(" "))
COMMA, COLON = Joined((text(","), SPACE)), Joined((text(":"), SPACE))


def json_schema(schema: Any, where: str) -> Expression:
    """Of JSON that is valid under a schema. Raises ConfigError for a keyword that is not supported, by its place."""
    return _expression(schema, _Place(where, schema))


@dataclass(frozen=True)
class _Place:
    """Where a schema stands."""

    where: str
    root: Any
    """The whole that references are read in."""
    depth: int = 0
    behind: tuple[str, ...] = ()
    """References that led here."""

    def below(self, name: object) -> "_Place":
        return replace(self, where=f"{self.where}/{name}", depth=self.depth + 1)


def _expression(schema: Any, place: _Place) -> Expression:
    where = place.where
    if place.depth > DEEPEST:
        raise ConfigError(f"the schema is nested more than {DEEPEST} deep", where=where, fix="a flatter one")
    if not isinstance(schema, dict):
        raise ConfigError("a schema is an object here", where=where, fix='{"type": "string"}')
    keys = set(schema) - ANNOTATIONS
    if "$ref" in schema:
        _only(keys, {"$ref"}, where)
        return _referred(schema["$ref"], place)
    for name in ("enum", "const"):
        if name in schema:
            _only(keys, {name, "type"}, where)
            return _values(schema, name, where)
    if "anyOf" in schema:
        _only(keys, {"anyOf"}, where)
        options = _list(schema["anyOf"], "anyOf", where)
        return Either(tuple(_expression(one, place.below(f"anyOf/{n}")) for n, one in enumerate(options)))
    kinds = _kinds(schema, where)
    _only(keys, {"type"}.union(*(KEYWORDS[kind] for kind in kinds)), where)
    return Either(tuple(_MAKE[kind](schema, place) for kind in kinds))


def _referred(reference: Any, place: _Place) -> Expression:
    """Of what a reference names in the same schema. One that leads back to itself is of texts of any depth, which no
    automaton reads."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        fix = "what it names, in `$defs` of the same schema: #/$defs/NAME"
        raise ConfigError(f"`$ref` to {reference!r}", where=place.where, fix=fix)
    if reference == "#" or reference in place.behind:
        fix = "as many levels as there are to be, each by a name of its own in `$defs`"
        raise ConfigError(f"`$ref` to {reference!r}: the schema contains itself", where=place.where, fix=fix)
    found = place.root
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            raise ConfigError(f"`$ref` to {reference!r}, which is not there", where=place.where, fix="mend the schema")
        found = found[name]
    there = replace(place.below(reference), behind=(*place.behind, reference))
    return _expression(found, there)


def _object(schema: Mapping[str, Any], place: _Place) -> Expression:
    where = place.where
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise ConfigError("`properties` is no object, or `required` no list", where=where, fix="mend the schema")
    if odd := [name for name in [*properties, *required] if not isinstance(name, str)]:
        raise ConfigError(
            f"the property {odd[0]!r} is no text",
            where=where,
            fix="in quotes: YAML reads 1, yes, on as other things",
        )
    if unknown := [name for name in required if name not in properties]:
        raise ConfigError(
            f"`required` names {unknown[0]!r}, of which no schema is given",
            where=where,
            fix="add it to `properties`",
        )
    parts = [
        (Joined((text(_spelt(name)), COLON, _expression(one, place.below(name)))), name in required)
        for name, one in properties.items()
    ]
    # From the end: what may follow where nothing stands before it, and where something does.
    first: Expression = text("")
    behind: Expression = text("")
    for part, needed in reversed(parts):
        begun, gone_on = Joined((part, behind)), Joined((COMMA, part, behind))
        first = begun if needed else Either((begun, first))
        behind = gone_on if needed else Joined((optional(Joined((COMMA, part))), behind))
    return Joined((text("{"), first, text("}")))


def _array(schema: Mapping[str, Any], place: _Place) -> Expression:
    least, most = _bounds(schema, "minItems", "maxItems", place.where)
    if most == 0:
        return text("[]")
    if "items" not in schema:
        raise ConfigError("an array without `items`", where=place.where, fix='"items": {"type": "string"}')
    item = _expression(schema["items"], place.below("items"))
    more = Repeated(Joined((COMMA, item)), max(0, least - 1), None if most is None else most - 1)
    inside = Joined((item, more))
    return Joined((text("["), inside if least else optional(inside), text("]")))


def _string(schema: Mapping[str, Any], place: _Place) -> Expression:
    least, most = _bounds(schema, "minLength", "maxLength", place.where)
    return Joined((text('"'), Repeated(CHARACTER, least, most), text('"')))


_MAKE: dict[str, Callable[[Mapping[str, Any], _Place], Expression]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": lambda schema, place: regex(NUMBER, place.where),
    "integer": lambda schema, place: regex(INTEGER, place.where),
    "boolean": lambda schema, place: Either((text("true"), text("false"))),
    "null": lambda schema, place: text("null"),
}


def _values(schema: Mapping[str, Any], name: str, where: str) -> Expression:
    """Those of `enum` or `const` that are of the type that stands beside them."""
    values = [schema["const"]] if name == "const" else _list(schema["enum"], "enum", where)
    if "type" in schema:
        values = [value for value in values if any(_is(value, kind) for kind in _kinds(schema, where))]
    if not values:
        raise ConfigError(f"no value of `{name}` is of the type", where=where, fix="mend the schema")
    try:
        return Either(tuple(_value(value) for value in values))
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"a value of `{name}` is no JSON", where=where, fix="mend the schema") from error


def _value(value: Any) -> Expression:
    """A value, spaced as all that is written."""
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("a name is no text")
        return _listed("{", [Joined((text(_spelt(name)), COLON, _value(one))) for name, one in value.items()], "}")
    if isinstance(value, list):
        return _listed("[", [_value(one) for one in value], "]")
    return text(_spelt(value))


def _listed(begin: str, parts: list[Expression], end: str) -> Expression:
    between = [piece for part in parts for piece in (COMMA, part)][1:]
    return Joined((text(begin), *between, text(end)))


def _is(value: Any, kind: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "object": isinstance(value, dict), "array": isinstance(value, list), "string": isinstance(value, str),
        "boolean": isinstance(value, bool), "null": value is None, "number": number,
        "integer": number and float(value).is_integer(),
    }[kind]  # fmt: skip


def _spelt(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _kinds(schema: Mapping[str, Any], where: str) -> list[str]:
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        fix = f"`type`, `enum`, `const` or `anyOf`; types: {', '.join(KEYWORDS)}"
        raise ConfigError("a schema that does not say what it wants", where=where, fix=fix)
    if unknown := [kind for kind in kinds if kind not in KEYWORDS]:
        raise ConfigError(f"type {unknown[0]!r} is not known", where=where, fix=f"one of: {', '.join(KEYWORDS)}")
    return kinds


def _only(keys: set[str], known: set[str], where: str) -> None:
    if unknown := keys - known:
        fix = f"beside it here: {', '.join(sorted(known))}; leave it out, and check what was written"
        raise ConfigError(f"keyword `{min(unknown)}` is not supported here", where=where, fix=fix)


def _list(value: Any, name: str, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ConfigError(f"`{name}` is no list, or empty", where=where, fix="mend the schema")
    return value


def _bounds(schema: Mapping[str, Any], low: str, high: str, where: str) -> tuple[int, int | None]:
    least, most = schema.get(low, 0), schema.get(high)
    whole = [value for value in (least, most) if value is not None]
    if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in whole):
        raise ConfigError(f"`{low}` or `{high}` is no whole number of 0 or more", where=where, fix="mend the schema")
    if most is not None and most < least:
        raise ConfigError(f"`{low}` is above `{high}`", where=where, fix="mend the schema")
    return least, most
