"""Which documents are learnt from and which are held out: by hash, and as many of each label in each language."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import xxhash

from gristmill.pipelines.errors import InputError

HOLD_OUT, ORDER = 0x686F6C64, 0x6F726465
"""Salts: the two choices are independent."""
LEAST = 20
"""Documents of each label that a language needs."""


@dataclass(frozen=True, slots=True)
class Document:
    """A fed line, its language, its site (or source), and its duplicate cluster, None where none is known."""

    line: str
    language: str
    site: str
    cluster: str | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document with its label. held_out: the model never learns it."""

    label: str
    document: Document
    held_out: bool


@dataclass
class Chosen:
    """What was chosen, in an order by hash; and what was left out, for the card."""

    documents: list[Labelled] = field(default_factory=list)
    seen: dict[str, dict[str, int]] = field(default_factory=dict)
    """Label -> language -> documents."""
    repeated: int = 0
    contradicting: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    """Language -> why none of its documents is used."""


def hash_of(text: str, salt: int, seed: int) -> int:
    """64 bits by which something is chosen."""
    return xxhash.xxh3_64_intdigest(text.encode(), (seed ^ salt) % 2**64)


def choose(given: Mapping[str, Iterable[Document]], most: int, held_out: float, seed: int) -> Chosen:
    """Balanced documents of each label. One that is given twice counts once; one that has two labels, not at all.

    In every language as many documents of each label, at most `most`, so that the language does not tell the label.
    Whole duplicate clusters are held out, by hash; a document of none is a cluster of its own. Raises InputError where
    no language has LEAST documents of every label.
    """
    chosen = Chosen()
    label_of: dict[int, str | None] = {}
    pools: dict[tuple[str, str], list[tuple[int, int, Document]]] = defaultdict(list)
    for label, documents in given.items():
        seen: dict[str, int] = defaultdict(int)
        for one in documents:
            seen[one.language] += 1
            content = hash_of(one.line, ORDER, seed)
            if content in label_of:
                if label_of[content] == label:
                    chosen.repeated += 1
                else:
                    chosen.contradicting += label_of[content] is not None
                    label_of[content] = None
                continue
            label_of[content] = label
            pool = pools[label, one.language]
            pool.append((content, len(pool), one))
            if len(pool) >= 2 * most + 1000:
                _trim(pool, most)
        chosen.seen[label] = dict(sorted(seen.items()))
    labels = list(given)
    for language in sorted({language for _, language in pools}):
        of = {label: [one for one in pools[label, language] if label_of[one[0]] is not None] for label in labels}
        least = min(labels, key=lambda label: len(of[label]))
        if len(of[least]) < LEAST:
            chosen.left_out[language] = f"{len(of[least]):,} documents of `{least}`, and {LEAST} are the least"
            continue
        for label in labels:
            _trim(of[label], min(most, len(of[least])))
            chosen.documents += [_divided(label, one, held_out, seed) for _, _, one in of[label]]
    _check(chosen, labels)
    chosen.documents.sort(key=lambda one: (hash_of(one.document.line, ORDER, seed), one.label))
    return chosen


def _trim(pool: list[tuple[int, int, Document]], most: int) -> None:
    pool.sort(key=lambda one: one[:2])
    del pool[most:]


def _divided(label: str, one: Document, held_out: float, seed: int) -> Labelled:
    group = one.cluster or one.line
    return Labelled(label, one, hash_of(group, HOLD_OUT, seed) < held_out * 2**64)


def _check(chosen: Chosen, labels: list[str]) -> None:
    for label in labels:
        if not chosen.seen[label]:
            fix = "check its paths, or its `where`: every label needs documents"
            raise InputError(f"the label '{label}' has no documents", where="classifiers", fix=fix)
    if not chosen.documents:
        counts = "; ".join(f"{label}: {_told(chosen.seen[label])}" for label in labels)
        what = f"no language has {LEAST} documents of every label ({counts})"
        fix = "give documents of each label in the same language"
        raise InputError(what, where="classifiers", fix=fix)
    for label in labels:
        for held_out in (True, False):
            if not any(one.label == label and one.held_out == held_out for one in chosen.documents):
                kind = "held out" if held_out else "left to learn from"
                fix = "give more documents, or another `training: {held_out: ...}`"
                raise InputError(f"no document of the label '{label}' is {kind}", where="classifiers", fix=fix)


def _told(seen: Mapping[str, int]) -> str:
    most = sorted(seen.items(), key=lambda one: -one[1])[:5]
    return ", ".join(f"{language} {count:,}" for language, count in most)
