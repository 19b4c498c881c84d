"""JSON that shows whether it is whole: its last key is the sha256 of every byte before it."""

import hashlib
import json
from typing import Any

from gristmill.pipelines.errors import DamageError

_SEAL = b',\n "sha256": "'
MAKE_AGAIN = "run the recipe again into this directory: what is damaged is made again"


def seal(value: dict[str, Any]) -> bytes:
    """A JSON object, not empty, with its seal; keys in the order given, so equal values give equal bytes."""
    # A file name that is not UTF-8 reads as lone surrogates: json.loads takes them back the same way.
    text = json.dumps(value, ensure_ascii=False, indent=1).removesuffix("\n}")
    body = text.encode("utf-8", "surrogatepass")
    return body + _end(body)


def unseal(raw: bytes, where: str) -> dict[str, Any]:
    """The object without its seal. Raises DamageError naming `where` when a single byte is not as it was written."""
    body, _, _ = raw.rpartition(_SEAL)
    if not body or raw != body + _end(body):
        what = "the file is damaged: its bytes are not the ones that were written"
        raise DamageError(what, where=where, fix=MAKE_AGAIN)
    value = json.loads(raw)
    del value["sha256"]
    return value


def _end(body: bytes) -> bytes:
    return _SEAL + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'
