"""What a change of the recipe brings in and sends away: by source, language and rule, and documents at the margin."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gristmill.pipelines.records.accounts import is_later
from gristmill.pipelines.whatif.verdicts import Documents, Rules


@dataclass(frozen=True)
class Amount:
    """Documents of `text/`, the bytes of their texts as extracted, and the tokens of these, as estimated; None: nobody
    knows how many bytes a token has."""

    documents: int
    bytes: int
    tokens: int | None


@dataclass(frozen=True)
class Group:
    """A source or a language: what is kept before and after, what comes in and what goes out."""

    name: str
    before: Amount
    after: Amount
    gained: Amount
    lost: Amount


@dataclass(frozen=True)
class RuleChange:
    """A rule: the documents that it fires for, before and after (None: it is not in that recipe), those that come in
    although it fired, and those that go out because it fires, perhaps among others."""

    name: str
    before: int | None
    after: int | None
    gained: int
    lost: int


@dataclass(frozen=True)
class Sample:
    """A document that comes in or goes out; of its text, scrubbed, the beginning."""

    gained: bool
    rule: str
    signal: str
    value: float | None
    bound: float | None
    doc_id: str
    source: str
    lang: str
    text: str
    cut: bool


@dataclass(frozen=True)
class Answer:
    """`duplicates`: whether who stays among duplicates is exact, estimated, or nothing ("none": no deduplication)."""

    changes: list[str]
    total: Group
    sources: list[Group]
    languages: list[Group]
    rules: list[RuleChange]
    duplicates: str
    notes: list[str]
    samples: list[Sample]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Counted:
    """The documents of a run, and which of them are kept after the change; tokens: float64 of each, or None."""

    documents: Documents
    names: Rules
    kept: np.ndarray
    tokens: np.ndarray | None

    @property
    def gained(self) -> np.ndarray:
        """bool of each."""
        return self.kept & ~self.documents.kept

    @property
    def lost(self) -> np.ndarray:
        """bool of each."""
        return self.documents.kept & ~self.kept

    def total(self) -> Group:
        """Everything."""
        return self._groups(np.zeros(len(self.kept), np.int64), ["all"])[0]

    def sources(self) -> list[Group]:
        """By source; most changed first."""
        return _most_changed(self._groups(self.documents.source, self.names.sources))

    def languages(self) -> list[Group]:
        """By language; most changed first."""
        return _most_changed(self._groups(self.documents.lang, self.names.langs))

    def rules(self, before: Sequence[str], after: Sequence[str]) -> list[RuleChange]:
        """By rule, in the order of the recipe after the change, then those that it lacks.

        before, after: the rules of either recipe, whether they fire or not.
        """
        documents = self.documents
        old = _by_name(documents.rule_G, self.names.before, None)
        new = _by_name(documents.rule_F, self.names.now, None)
        came = _by_name(documents.rule_G, self.names.before, self.gained[documents.row_G])
        went = _by_name(documents.rule_F, self.names.now, self.lost[documents.row_F])
        names = dict.fromkeys([*after, *before, *new, *old])
        return [
            RuleChange(
                name,
                old.get(name, 0) if name in before or name in old else None,
                new.get(name, 0) if name in after or name in new else None,
                came.get(name, 0),
                went.get(name, 0),
            )
            for name in names
            if not is_later(name)
        ]

    def _groups(self, number: np.ndarray, names: list[str]) -> list[Group]:
        masks = (self.documents.kept, self.kept, self.gained, self.lost)
        counted = [self._amounts(number, mask, len(names)) for mask in masks]
        return [Group(name, *(amounts[n] for amounts in counted)) for n, name in enumerate(names)]

    def _amounts(self, number: np.ndarray, mask: np.ndarray, count: int) -> list[Amount]:
        def total(weights: np.ndarray | None) -> list[int]:
            chosen = None if weights is None else weights[mask]
            return np.rint(np.bincount(number[mask], chosen, count)).astype(np.int64).tolist()

        tokens = [None] * count if self.tokens is None else total(self.tokens)
        return [Amount(*one) for one in zip(total(None), total(self.documents.size), tokens, strict=True)]


def _by_name(rule: np.ndarray, names: list[str], mask: np.ndarray | None) -> dict[str, int]:
    """How often each rule is named, by name."""
    counts = np.bincount(rule if mask is None else rule[mask], minlength=len(names))
    return {name: count for name, count in zip(names, counts.tolist(), strict=True) if count}


def _most_changed(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda g: (-(g.gained.documents + g.lost.documents), -g.before.documents, g.name))
