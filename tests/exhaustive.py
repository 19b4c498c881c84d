"""Parameters of which CI takes some: `make test-exhaustive` takes the others."""

from collections.abc import Iterable
from typing import Any

import pytest


def some(values: Iterable[Any], often: Iterable[Any]) -> list[Any]:
    """All values, as parameters of a test; those that are not among `often` are marked `exhaustive`.

    Raises ValueError for one of `often` that is none of them.
    """
    values, often = list(values), list(often)
    if unknown := [one for one in often if one not in values]:
        raise ValueError(f"{unknown} are none of {values}")
    return [
        pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=() if one in often else pytest.mark.exhaustive)
        for one in values
    ]
