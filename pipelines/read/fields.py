"""The fields of one record -> the columns of a batch, and everything else into `meta`."""

import json
import math
import re
from typing import Any, NamedTuple

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.conversations.take import take
from gristmill.pipelines.read.nested import take_text
from gristmill.pipelines.recipe import schema, sources
from gristmill.pipelines.recipe.languages.codes import normal_language

JSON_TYPES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}
PYTHON_TYPES: dict[sources.ColumnType, tuple[type, ...]] = {
    "string": (str,),
    "int64": (int,),
    "float64": (float, int),
    "bool": (bool,),
}

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False).encode
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def to_json(value: Any) -> str:
    """JSON text of a value as it stands in `meta` (RFC 8259, valid UTF-8): what JSON has no number for (1e999, NaN) is
    null, and half a surrogate pair is U+FFFD."""
    try:
        text = _encode(value)
    except ValueError:  # of allow_nan
        text = _encode(finite(value))
    return text if text.isascii() else whole_characters(text)


def finite(value: Any) -> Any:
    """The value with null in place of every number that is infinite or none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list) else value


def whole_characters(text: str) -> str:
    """The text with U+FFFD in place of every half of a surrogate pair, which UTF-8 cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _HALF_CHARACTER.sub("\ufffd", text)
    return text


class Columns(NamedTuple):
    """What a record's fields become. `meta` is UTF-8 JSON of the fields that no column took."""

    url: str | None
    language: str | None
    typed: tuple
    meta: bytes


class Fields:
    """Maps fields to columns as a source says. Every method raises BadRecordError, naming the field and never its
    value."""

    def __init__(self, source: schema.Source):
        self.text = source.text
        self._source = source
        self._id = source.id
        self._url = source.url
        self._typed = source.columns
        self._language = source.language

    def take_text(self, record: dict[str, Any]) -> bytes:
        """Removes the text from the record and gives it as UTF-8; of a conversation, the turns become fields."""
        if self._source.kind != "text":
            return self._take_conversation(record)
        text = record.pop(self.text) if self.text in record else take_text(record, self.text)
        if type(text) is not str:
            raise BadRecordError(f"WrongType: field '{self.text}' is {json_type(text)}, not a string")
        return utf8(text, self.text)

    def _take_conversation(self, record: dict[str, Any]) -> bytes:
        taken = take(record, self._source)
        record |= {name: to_json(messages) for name, messages in taken.messages.items()}
        record |= {name: value if isinstance(value, str | None) or self._typed[name] != "string" else to_json(value)
                   for name, value in taken.beside.items()}  # fmt: skip
        return utf8(taken.text, self._source.kind)

    def take_rest(self, record: dict[str, Any]) -> Columns:
        """All other columns; the record is used up."""
        typed = tuple(self._take_typed(record, name, kind) for name, kind in self._typed.items())
        language = self.language(record)
        url = None
        if self._url and type(record.get(self._url)) is str:
            url = record.pop(self._url)
            utf8(url, self._url)
        return Columns(url, language, typed, to_json(record).encode() if record else b"{}")

    def language(self, record: dict[str, Any]) -> str | None:
        """The declared language: of the source, or from a field (which stays in the record, as it was written)."""
        if self._language is None or isinstance(self._language, str):
            return self._language
        label = record.get(self._language.column)
        return normal_language(label) if type(label) is str else None

    def take_id(self, record: dict[str, Any]) -> str | None:
        """Removes the record's own id, where the source names a field for it. None: the record's bytes identify it."""
        value = record.pop(self._id, None) if self._id else None
        if value is None or value == "":
            return None
        if type(value) not in (str, int):
            raise BadRecordError(
                f"WrongType: field '{self._id}' is {json_type(value)}, an id is a string or a whole number"
            )
        text = str(value)
        utf8(text, str(self._id))
        return text

    def _take_typed(self, record: dict[str, Any], name: str, kind: sources.ColumnType) -> Any:
        value = record.pop(name, None)
        if value is None:
            return None
        if type(value) not in PYTHON_TYPES[kind]:
            raise BadRecordError(f"WrongType: field '{name}' is {json_type(value)}, the recipe says {kind}")
        if kind == "int64" and not -(2**63) <= value < 2**63:
            raise BadRecordError(f"WrongType: field '{name}' does not fit into int64")
        if kind == "string":
            utf8(value, name)
        return _float(value) if kind == "float64" else value


def utf8(text: str, name: str) -> bytes:
    """UTF-8 of a field's text; BadRecordError where JSON escapes left half a character in it."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadRecordError(f"LoneSurrogate: in field '{name}', character {error.start}") from None


def json_type(value: Any) -> str:
    """ "an array", "a string", ...: the JSON name of a value's type."""
    return JSON_TYPES.get(type(value), "null")


def _float(value: int | float) -> float | None:
    """As `meta` has it: null where the number is beyond any float."""
    try:
        return finite(float(value))
    except OverflowError:
        return None
