"""What was found in texts, as the ledger keeps it: place, type, score, action and, with a key, a hash of the value."""

import hashlib
import hmac
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.edits import Edits
from gristmill.filters.pii.finding import FINDING
from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.obfuscation import shadow_of

HASH_DIGITS = 32
"""Hexadecimal digits of a hash, 128 bits."""

_NUMBER = re.compile(r"[+()\d\s.\-/]+")
_SPACE = re.compile(r"\s+")


def normal_form(value: str) -> str:
    """The spelling in which values are compared: full-width and letter case undone, one space for many; of a number its
    digits. `+86 138...` and `138...` are two: a country's code is part of what is written."""
    plain = fold(value).strip()
    if _NUMBER.fullmatch(plain):
        return "".join(character for character in plain if character.isdigit())
    return _SPACE.sub(" ", plain).casefold()


def keyed_hash(key: bytes, value: str) -> str:
    """HMAC-SHA256 (RFC 2104) of a value's normal form, its first 128 bits as hex."""
    return hmac.new(key, normal_form(value).encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]


def findings(
    text: pa.Array, found: Edits, score_E: np.ndarray, before: Edits, action: Callable[[str], str], key: bytes | None
) -> pa.Array:
    """list<FINDING>, one list per document of a batch (large_string) in which `found` are the findings, by document and
    start, with their scores. `before`: the edits that made this text of the extracted one;
    `action`: type -> what was done."""
    start_E, end_E = found.start_E, found.end_E
    if len(before) and len(found):
        start_E, end_E = before.to_original(found.doc_E, start_E, end_E)
    hashes = pa.nulls(len(found), pa.string())
    if key is not None and len(found):
        hashes = pa.array([keyed_hash(key, value) for value in values_of(text, found)], pa.string())
    fields = [
        pa.array(start_E, pa.int64()),
        pa.array(end_E, pa.int64()),
        pa.array(found.kinds, pa.string()).take(pa.array(found.kind_E)),
        pa.array(score_E, pa.float32()),
        pa.array([action(kind) for kind in found.kinds], pa.string()).take(pa.array(found.kind_E)),
        hashes,
    ]
    offsets = np.searchsorted(found.doc_E, np.arange(found.documents + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(fields, fields=list(FINDING)))


def none_found(documents: int) -> pa.Array:
    """list<FINDING> of so many documents in which nothing was looked for."""
    return pa.array([[]] * documents, pa.list_(FINDING))


def unveiled(value: str) -> str:
    """A value without what hides it."""
    return values_of(pa.array([value], pa.large_string()), Edits.of(1, [0], [0], [len(value.encode())], [""]))[0]


def values_of(text: pa.Array, found: Edits) -> list[str]:
    """What the findings cover, without what hides it: a value has one hash however it is written."""
    data_B, start_D1 = text_buffers(text)
    from_E, to_E = start_D1[found.doc_E] + found.start_E, start_D1[found.doc_E] + found.end_E
    values = [str(data_B.data[a:b], "utf-8") for a, b in zip(from_E.tolist(), to_E.tolist(), strict=True)]
    column = pa.array(values, pa.large_string())
    shadow = shadow_of(column)
    if shadow is not None:
        for piece, value in enumerate(shadow.text.to_pylist()):
            number = int(shadow.doc_P[piece])
            if shadow.to_P[piece] - shadow.from_P[piece] == len(values[number].encode()):
                values[number] = value
    return values
