"""Personal data in what stands beside a text: ids, addresses, file names, fields, JSON.

    values = Values(Scrubber())
    values.column(pa.array(["user/zhang@qq.com.html"]), "id")           # user/<EMAIL_ADDRESS>.html
    values.json(pa.array(['{"phone":13812345678}'], pa.large_string())) # {"phone":"<PHONE_NUMBER>"}

A value is read after the name of its field, which says what it is (`phone: 212-555-0123`), and again in pieces: what
`_`, `/`, `=` or `-` hold together may be many words. Numbers in JSON become strings where they are personal.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import Edits, apply
from gristmill.filters.pii.engine import Scrubber

_PIECES = [str.maketrans(dict.fromkeys(marks, "\n")) for marks in ("_/\\,;|~=&?#", "_/\\,;|~=&?#-")]
_PATH = re.compile(r"(?<!/)/(?!/)")
"""Between the parts of a path. Not a mark within a number there: /2024/11/28/ is no telephone number."""
_NOBODYS = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|(?:<urn:uuid:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}>?"
    r"|(?:sha(?:1|256):|md5:)?[0-9a-f]{32,64}"
)
"""Moments, universal ids and digests: commonest of all values, and nobody's."""
_IN_PIECES = re.compile(r"[0-9]{9}|[0-9A-Z]{15}|[0-9A-Za-z]{26}|_[+(0-9]|[%&\\]|[^\x00-\x7f]")
"""What a value has that is worth looking at in pieces: long numbers and codes, and what may hide them."""
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)
_KEY = re.compile(r"[ \t\r\n]*:")
_WORDS = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER_DIGITS = 7
"""Shorter numbers in JSON are no personal data: nothing that is looked for has fewer digits and stands alone."""


class _Token(NamedTuple):
    """A string or number of a JSON text: characters [start, end), what it says, the key before it; of keys None."""

    start: int
    end: int
    value: str
    key: str | None


class Values:
    """Scrubs strings that are not a text."""

    def __init__(self, scrubber: Scrubber):
        self._scrubber = scrubber

    def column(self, values: pa.Array, name: str) -> pa.Array:
        """A column of strings without personal data; nulls and type stay. `name` is that of its field."""
        if len(values) == values.null_count:
            return values
        distinct = pc.unique(values.drop_null()).cast(pa.large_string())
        edits = self._edits(distinct, [name] * len(distinct))
        if not len(edits):
            return values
        scrubbed = apply(distinct, edits).cast(values.type)
        return scrubbed.take(pc.index_in(values, value_set=distinct.cast(values.type)))

    def json(self, values: pa.Array) -> pa.Array:
        """A column of JSON texts whose strings, keys and numbers hold no personal data. Only what held some changes."""
        tokens = [list(_tokens(text)) for text in values.to_pylist()]
        distinct = list(dict.fromkeys((token.value, token.key) for mine in tokens for token in mine))
        if not distinct:
            return values
        said = pa.array([value for value, _ in distinct], pa.large_string())
        edits = self._edits(said, [key or "" for _, key in distinct])
        if not len(edits):
            return values
        scrubbed = apply(said, edits).to_pylist()
        changed = {token: new for token, new in zip(distinct, scrubbed, strict=True) if new != token[0]}
        texts = [_replaced(text, mine, changed) for text, mine in zip(values.to_pylist(), tokens, strict=True)]
        return pa.array(texts, values.type)

    def _edits(self, values: pa.Array, names: list[str]) -> Edits:
        """Edits of values (large_string, no nulls): what is found after their names, and in their pieces."""
        labels, texts = [_label(name) for name in names], values.to_pylist()
        shown = [_PATH.sub("\n", text) if text.count("/") > 2 else text for text in texts]
        whole = pa.array(map("".join, zip(labels, shown, strict=True)), pa.large_string())
        seen, value_S, label_S = [], [], []
        for number in self._scrubber.suspects(whole).tolist():
            label, text = labels[number], texts[number]
            if _NOBODYS.fullmatch(text):
                continue
            pieces = [text.translate(marks) for marks in _PIECES] if _IN_PIECES.search(text) else []
            for view in dict.fromkeys([shown[number], *pieces]):
                seen.append(label + view)
                value_S.append(number)
                label_S.append(len(label.encode()))
        if not seen:
            return Edits.none(len(values))
        found = self._scrubber.edits(pa.array(seen, pa.large_string()), stands_alone=True)
        label_E = np.array(label_S, np.int64)[found.doc_E]
        inside = found.end_E > label_E
        places = (
            np.array(value_S, np.int64)[found.doc_E],
            np.maximum(found.start_E - label_E, 0),
            found.end_E - label_E,
        )
        doc, start, end, kind, text = (field[inside] for field in (*places, found.kind_E, found.text_E))
        return Edits(len(values), doc, start, end, kind, text, found.kinds, found.texts).merged()


@lru_cache(maxsize=4096)
def _label(name: str) -> str:
    """Name of a field -> what would announce its value in a text: contactPhone_1 -> "contact Phone 1: "."""
    words = _WORDS.findall(_CAMEL.sub(" ", name[-100:]))
    return " ".join(word for word in words if not word.isdecimal()) + ": "


def _tokens(text: str | None) -> Iterator[_Token]:
    """The strings and the long numbers of a JSON text."""
    key = ""
    for match in _TOKEN.finditer(text or ""):
        literal = match[0]
        if literal[0] != '"':
            if len(literal) >= _NUMBER_DIGITS:
                yield _Token(*match.span(), literal, key)
            continue
        value = json.loads(literal).encode(errors="replace").decode() if "\\" in literal else literal[1:-1]
        if _KEY.match(text or "", match.end()):
            yield _Token(*match.span(), value, None)
            key = value
        else:
            yield _Token(*match.span(), value, key)


def _replaced(text: str | None, tokens: list[_Token], changed: dict[tuple[str, str | None], str]) -> str | None:
    """The JSON text with what the changed tokens say now. Two keys that would become one are numbered."""
    pieces, position = [], 0
    names: dict[str, dict[str, int]] = {}  # new key -> old keys, in order
    for token in tokens:
        new = changed.get((token.value, token.key))
        if text is not None and new is not None:
            if token.key is None:
                olds = names.setdefault(new, {})
                number = olds.setdefault(token.value, len(olds) + 1)
                new = new if number == 1 else f"{new} {number}"
            pieces += [text[position : token.start], json.dumps(new, ensure_ascii=False)]
            position = token.end
    return "".join([*pieces, text[position:]]) if text is not None and pieces else text
