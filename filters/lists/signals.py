"""The signals of a recipe's lists. Declared with the recipe, and forgotten with it."""

from collections.abc import Callable, Sequence

import numpy as np

from gristmill.filters.counters import Counters
from gristmill.filters.lists.table import DOMAINS, HOSTS, PHRASES, URLS, WORDS, AddressTable, ListFile, PhraseTable
from gristmill.filters.registry import declaring
from gristmill.filters.signals import SIGNALS, Floats, Signal, ratio

ORIGIN = "the recipe's lists"

_ADDRESS_DOCS = {
    DOMAINS: "1 where the document's address is in a domain of the list {name}, or below one; else 0.",
    HOSTS: "1 where the document's address is on a host of the list {name}; else 0.",
    URLS: "1 where the document's address begins like an address of the list {name}; else 0.",
    WORDS: "Different words of the list {name} in the document's address.",
}


def declare(lists: Sequence[ListFile]) -> None:
    """Declare what these lists give, and forget what an earlier recipe declared. Raises ValueError for a name that is
    taken."""
    SIGNALS.withdraw(ORIGIN)
    with declaring(ORIGIN):
        for one in lists:
            for signal in signals_of(one):
                SIGNALS.declare(signal.name, signal)


def signals_of(one: ListFile) -> list[Signal]:
    """A list of addresses gives one signal for each of its labels; one of phrases three."""
    if one.labels[0][1] != PHRASES:
        numbers: dict[str, list[int]] = {}
        for number, (label, _) in enumerate(one.labels):
            numbers.setdefault(label, []).append(number)
        return [_address_signal(one, label, places) for label, places in numbers.items()]
    name, found = one.labels[0][0], "phrases of the list"
    docs = (
        (
            name,
            "phrases",
            f"Occurrences of {found} {one.name}, as whole words where words have spaces between them.",
            0,
        ),
        (f"{name}.different", "phrases", f"How many different {found} {one.name} occur.", 2),
    )
    share = f"Share of letters and digits that stand in {found} {one.name}."
    return [
        *(Signal(signal, unit, "any", doc, _counted(one, place)) for signal, unit, doc, place in docs),
        Signal(f"{name}.share", "share", "any", share, _share(one)),
    ]


def _address_signal(one: ListFile, label: str, numbers: list[int]) -> Signal:
    """numbers: the kinds of entries that stand under one label, as domains and addresses do in UT1's folders."""
    kinds = [one.labels[number][1] for number in numbers]
    doc = " ".join(_ADDRESS_DOCS[kind].format(name=one.name) for kind in kinds)
    return Signal(label, "words" if WORDS in kinds else "matches", "any", doc, _listed(one, numbers))


def _listed(one: ListFile, numbers: list[int]) -> Callable[[Counters], Floats]:
    def compute(counters: Counters) -> Floats:
        url, table = counters.url, one.table
        assert isinstance(table, AddressTable)
        if url is None:
            return np.full(counters.documents, np.nan)
        found: Floats = counters.once(one, lambda: table.match(url))[:, numbers].max(axis=1)
        return found

    return compute


def _counts(one: ListFile, counters: Counters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = one.table
    assert isinstance(table, PhraseTable)
    found: tuple[np.ndarray, np.ndarray, np.ndarray] = counters.once(one, lambda: table.count(counters.char))
    return found


def _counted(one: ListFile, place: int) -> Callable[[Counters], Floats]:
    return lambda counters: _counts(one, counters)[place]


def _share(one: ListFile) -> Callable[[Counters], Floats]:
    return lambda counters: ratio(_counts(one, counters)[1], counters.char.sum_chars())
