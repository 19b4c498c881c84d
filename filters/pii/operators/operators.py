"""What stands in the place of personal data."""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Literal

from gristmill.filters.pii.operators.audit import normal_form

Operator = Literal["tag", "mask", "hash", "surrogate", "drop_line"]


def tag(entity: str, value: str, key: bytes) -> str:
    """<EMAIL_ADDRESS>: the type stays readable, for a model too."""
    return f"<{entity}>"


def mask(entity: str, value: str, key: bytes) -> str:
    """An asterisk for every character: the text keeps its length in characters."""
    return "*" * len(value)


def keyed(entity: str, value: str, key: bytes) -> str:
    """<EMAIL_ADDRESS:5f0c...>: HMAC-SHA256 of the value's normal form, 64 bits: one value reads the same everywhere;
    who has no key cannot try values."""
    message = f"operator\0{entity}\0{normal_form(value)}".encode()
    return f"<{entity}:{hmac.new(key, message, sha256).hexdigest()[:16]}>"


def surrogate(entity: str, value: str, key: bytes) -> str:
    """Somebody else's, made up: the same for one value wherever it stands (surrogates.py)."""
    from gristmill.filters.pii.operators.surrogates import surrogate as made_up

    return made_up(key, entity, value)


def drop_line(entity: str, value: str, key: bytes) -> str:
    """Nothing: its whole line goes."""
    return ""


OPERATORS: dict[str, Callable[[str, str, bytes], str]] = {
    "tag": tag,
    "mask": mask,
    "hash": keyed,
    "surrogate": surrogate,
    "drop_line": drop_line,
}
"""By name: (entity type, value, key) -> replacement."""
