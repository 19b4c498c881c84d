"""Accounting as data: what happened to every record, step by step. Totals reconcile or the run fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gristmill.filters.imports import Later
from gristmill.pipelines.errors import ReconcileError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
else:
    np = Later("numpy")  # for whoever counts rows; receipts are read without
pc = Later("pyarrow.compute")

IN, KEPT, DROPPED, DEAD = "in", "kept", "dropped", "dead"
"""A record that enters a step leaves it by exactly one of the other three."""
ASIDE, FIRED, UNJUDGED = "aside", "fired", "unjudged"
"""Information: not inputs; rules that fired (several per document); documents that no entry of `decide` admits."""
EMPTIED = "repeated_passages"
SAME_URL = "url_duplicate"
DUPLICATE_RULES = ("near_duplicate", "exact_duplicate", "repeated_record", SAME_URL, EMPTIED)
"""What deduplication adds to a document's `rules`, beside those of `decide`. Index: the `kind` of a member record."""
CONTAMINATED = "contaminated"
LATER_RULES = (*DUPLICATE_RULES, CONTAMINATED)
"""All that steps behind `decide` add, but those that begin with PERSONAL."""
PERSONAL = "personal_data/"
"""What rules of `scrub.drop_above` begin with; a type or set follows."""


def is_later(rule: str) -> bool:
    """Whether a step behind `decide` added a rule to a document."""
    return rule in LATER_RULES or rule.startswith(PERSONAL)


@dataclass(frozen=True, order=True)
class Account:
    """So many documents of a source and language met this outcome at a step."""

    step: str
    outcome: str
    reason: str
    source: str
    lang: str
    documents: int
    bytes: int


class Accounts:
    """A set of counters, added up over batches, units and stages."""

    def __init__(self, accounts: Iterable[Account] = ()):
        self._documents: Counter[tuple[str, str, str, str, str]] = Counter()
        self._bytes: Counter[tuple[str, str, str, str, str]] = Counter()
        self.merge(accounts)

    def __iter__(self) -> Iterator[Account]:
        for key in sorted(self._documents):
            yield Account(*key, self._documents[key], self._bytes[key])

    def add(
        self, step: str, outcome: str, source: str, documents: int, size: int, *, reason: str = "", lang: str = ""
    ) -> None:
        """Count some documents of one kind."""
        if documents:
            key = (step, outcome, reason, source, lang)
            self._documents[key] += documents
            self._bytes[key] += size

    def add_rows(
        self,
        step: str,
        outcome: str,
        source: str,
        lang: pa.Array | None,
        size_D: np.ndarray,
        reason: pa.Array | None = None,
    ) -> None:
        """Count the documents of a batch by language and reason, where these are known; size_D in bytes."""
        if not len(size_D):  # of a batch nearly always the case for all outcomes but one
            return
        (lang_code, langs), (reason_code, reasons) = _coded(lang, len(size_D)), _coded(reason, len(size_D))
        group_D = lang_code * len(reasons) + reason_code
        documents, sizes = np.bincount(group_D), np.bincount(group_D, weights=size_D)  # float64 is exact below 2**53
        for group in np.flatnonzero(documents).tolist():
            lang_name, reason_name = langs[group // len(reasons)], reasons[group % len(reasons)]
            count, size = int(documents[group]), int(sizes[group])
            self.add(step, outcome, source, count, size, reason=reason_name, lang=lang_name)

    def add_fired(self, step: str, source: str, lang: pa.Array | None, size_D: np.ndarray, fired: pa.Array) -> None:
        """Count every rule that fired; a document counts once for each."""
        parent = pc.list_parent_indices(fired)
        if len(parent):
            of_rule = lang.take(parent) if lang is not None else None
            self.add_rows(step, FIRED, source, of_rule, size_D[parent.to_numpy()], pc.list_flatten(fired))

    def merge(self, others: Iterable[Account]) -> None:
        """Add accounts of other units."""
        for other in others:
            key = (other.step, other.outcome, other.reason, other.source, other.lang)
            self._documents[key] += other.documents
            self._bytes[key] += other.bytes

    def total(self, step: str, outcome: str) -> int:
        """Documents of an outcome at a step, all sources and languages together."""
        return sum(n for key, n in self._documents.items() if key[:2] == (step, outcome))

    def sources(self) -> list[str]:
        """Names of the sources that were counted."""
        return sorted({key[3] for key in self._documents})

    def of(self, source: str) -> Accounts:
        """The accounts of one source."""
        return Accounts(account for account in self if account.source == source)

    def to_json(self) -> list[dict]:
        """Sorted records, as in manifest.json."""
        return [dict(vars(account)) for account in self]

    @classmethod
    def from_json(cls, records: Iterable[dict]) -> Accounts:
        """The inverse of to_json."""
        return cls(Account(**record) for record in records)


def _coded(column: pa.Array | None, rows: int) -> tuple[np.ndarray, list[str]]:
    """(int64[D] codes, their strings); a null is "", and so are all where there is no column."""
    if column is None:
        return np.zeros(rows, np.int64), [""]
    encoded = column.fill_null("").dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def reconcile(accounts: Accounts, steps: list[str]) -> None:
    """Check, for every source: in = kept + dropped + dead at each step, and what one step keeps enters the next.

    Raises ReconcileError naming the source, the step and the figures.
    """
    for source in accounts.sources():
        mine, before = accounts.of(source), None
        for step in steps:
            entered = mine.total(step, IN)
            left = {outcome: mine.total(step, outcome) for outcome in (KEPT, DROPPED, DEAD)}
            if entered != sum(left.values()):
                figures = " + ".join(f"{count} {outcome}" for outcome, count in left.items())
                raise _mismatch(f"{entered} records went in, {figures} came out", source, step)
            if before is not None and entered != before:
                raise _mismatch(f"the step before kept {before} records, {entered} went in", source, step)
            before = left[KEPT]


def _mismatch(what: str, source: str, step: str) -> ReconcileError:
    return ReconcileError(
        f"totals do not reconcile: {what}",
        where=f"source '{source}', step '{step}'",
        fix="this is a bug of Gristmill, and nothing was published; please report it with run.json and _work/*.json",
    )
