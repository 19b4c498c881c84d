"""What can be done with personal data, and what stays. Imports nothing heavy: recipes are checked against it."""

import re
from collections.abc import Iterable

from gristmill.filters.names import nearest

OPERATOR_NAMES = ("tag", "mask", "hash", "surrogate", "drop_line")
"""What operators.OPERATORS has."""
KEYED = ("hash", "surrogate")
"""Operators that need a key: without one whoever has the text could try all telephone numbers."""

ALLOWED: dict[str, str] = {
    "examples": "example.com, .test and the like (RFC 2606, 6761), addresses for documentation (RFC 5737, 3849), test "
    "cards, 555-01xx, published examples of IBANs, social security numbers and keys",
    "roles": "addresses of roles: info@, support@, webmaster@, noreply@ (RFC 2142 and usual)",
    "organisations": "roles, telephone numbers that are free or for services (1-800, 0800, 400, 95xxx), credit codes",
}
"""Names for values that stay."""


def check_operators(names: Iterable[str], key: object) -> None:
    """Raises ValueError for an unknown operator, with those that there are, and for one without its key."""
    for name in names:
        if name not in OPERATOR_NAMES:
            known = ", ".join(OPERATOR_NAMES)
            raise ValueError(f"unknown operator '{name}'; there are {known}")
    if wrong := missing_key(names, key):
        raise ValueError(wrong)


def missing_key(names: Iterable[str], key: object) -> str | None:
    """What is wrong where an operator needs a key and there is none."""
    needing = [name for name in names if name in KEYED]
    return f"the operator '{needing[0]}' needs a key: 16 bytes or more" if needing and key is None else None


def allow_problem(name: str) -> str | None:
    """What is wrong with an entry of an allow-list: a word that is no set, and no value that could be found."""
    if name in ALLOWED or not re.fullmatch(r"[a-z_ -]*|@", name):
        return None
    return f"'{name}' is no set of values that stay; {nearest(name, list(ALLOWED))}"
