"""The signals of a recipe's labels. Declared with the recipe, and forgotten with it."""

from collections.abc import Callable, Sequence

import numpy as np

from gristmill.filters.counters import Counters
from gristmill.filters.labels.table import LabelFile
from gristmill.filters.registry import declaring
from gristmill.filters.signals import SIGNALS, Floats, Signal

ORIGIN = "the recipe's labels"


def declare(labels: Sequence[LabelFile]) -> None:
    """Declare what these give, and forget what an earlier recipe declared. Raises ValueError for a name that is
    taken."""
    SIGNALS.withdraw(ORIGIN)
    with declaring(ORIGIN):
        for one in labels:
            for signal in signals_of(one):
                SIGNALS.declare(signal.name, signal)


def signals_of(one: LabelFile) -> list[Signal]:
    """Whether a document has a label, and each of its numbers."""
    there = f"1 where the labels {one.name} have the document (by its {one.joined_by}), else 0."
    found = [Signal(one.name, "matches", "any", there, _column(one, 0), beside=one.joined_by)]
    for number, column in enumerate(one.columns, start=1):
        doc = f"The number {column} that the labels {one.name} give the document."
        compute = _column(one, number)
        found.append(Signal(f"{one.name}.{column}", "score", "any", doc, compute, beside=one.joined_by))
    return found


def _column(one: LabelFile, number: int) -> Callable[[Counters], Floats]:
    def compute(counters: Counters) -> Floats:
        keys = counters.beside.get(one.joined_by)
        if keys is None:
            return np.full(counters.documents, np.nan)
        found: Floats = counters.once(one, lambda: one.values(keys))[:, number]
        return found

    return compute
