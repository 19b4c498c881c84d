"""Documents to look at, kept beside dropped ones: always the same few, scrubbed, with every reason."""

from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.personal import counted_by, sentence
from gristmill.pipelines.report.sections.decisions import entry_of, signal_columns
from gristmill.pipelines.report.texts import clean_texts
from gristmill.pipelines.storage.sql import identifier

PER_RULE = 4
RULES = 30
LANGUAGES = 5
WHY = 12
"""Shown: documents of a rule or language, rules and languages that have most of them, reasons of a document."""

# doc_id is a 128-bit hash, so the smallest ones are a uniform sample that does not change when others are added.
SAMPLES_QUERY = f"""\
SELECT step, coalesce(rules[1], step) AS reason, count(*) AS documents, min(doc_id, {PER_RULE}) AS doc_ids
FROM 'dropped/*.parquet'
GROUP BY step, reason ORDER BY step, documents DESC, reason"""

KEPT_QUERY = f"""\
SELECT coalesce(lang, 'unknown') AS language, count(*) AS documents, min(doc_id, {PER_RULE}) AS doc_ids
FROM 'ledger/*.parquet' WHERE verdict = 'kept'
GROUP BY language ORDER BY documents DESC, language LIMIT {LANGUAGES}"""

_TEXTS = """\
SELECT doc_id, id, source, url, text, lang, step, rules, duplicate_of FROM 'dropped/*.parquet'
WHERE doc_id IN (SELECT unnest(?)) ORDER BY doc_id, step, rules, id, url, text"""

SENTENCES = {
    "http_status": "The server answered with a status other than 200.",
    "content_type": "The record is neither HTML nor plain text.",
    "unjudged": "No entry of decide admits it, and the recipe says `otherwise: drop`.",
    "empty_text": "Nothing was left after extraction.",
    "url_duplicate": "Another document of the same address stays, or went for one that stays.",
    "exact_duplicate": "Its normalised text is equal to that of a kept document.",
    "repeated_passages": "More of its text stands in other documents, too, than `max_cut` allows.",
    "contaminated": "An item of an evaluation set stands in it (`gristmill contamination`).",
    "repeated_record": "The same record again, byte for byte: same source, same id, same doc_id.",
    "near_duplicate": "Its shingles overlap with those of a kept document by at least the recipe's threshold.",
}
"""What the built-in reasons mean; those of `decide` bring their own sentence."""


@dataclass(frozen=True)
class Why:
    """A rule that fired for a sample, with the number that it judged (None: not a rule about a number)."""

    rule: str
    signal: str | None
    value: float | None
    comparison: str
    threshold: float | None


@dataclass(frozen=True)
class Sample:
    """A document: scrubbed excerpt, scrubbed names, every rule that fired (`others`: more of them than are listed)."""

    doc_id: str
    id: str | None
    url: str | None
    source: str
    lang: str | None
    bytes: int
    excerpt: str
    cut: bool
    why: list[Why]
    others: int
    duplicate_of: str | None


@dataclass(frozen=True)
class SampleGroup:
    """Some of the documents that one rule dropped first, or of the kept documents of a language (`reason`)."""

    step: str
    reason: str
    sentence: str
    documents: int
    samples: list[Sample]


@dataclass(frozen=True)
class Samples:
    """Dropped documents, by step and by the first rule that fired; `others`: rules that are not shown."""

    groups: list[SampleGroup]
    others: int
    query: str


@dataclass(frozen=True)
class Kept:
    """Kept documents as `text/` has them, by language."""

    groups: list[SampleGroup]
    query: str


_NO_REASON: dict[str, Any] = {"step": None, "rules": [], "duplicate_of": None}


def build_samples(material: Material) -> Samples | None:
    """The dropped documents with the smallest doc_id of every step and first rule; None without dropped texts."""
    if not material.ledger.has("dropped"):
        return None
    groups = material.ledger.rows(SAMPLES_QUERY)
    if not groups:
        return None
    others = max(0, len(groups) - RULES)
    groups = sorted(groups, key=lambda group: -group["documents"])[:RULES]  # stable: equal ones stay in order
    groups.sort(key=lambda group: material.steps.index(group["step"]))
    wanted = sorted({doc_id for group in groups for doc_id in group["doc_ids"]})
    signals = _signals(material, wanted)
    dropped: dict[tuple[str, str], list[Sample]] = {}
    for row in material.ledger.each(_TEXTS, [wanted]):
        of_rule = dropped.setdefault((row["step"], (row["rules"] or [row["step"]])[0]), [])
        if len(of_rule) < PER_RULE:
            of_rule.append(_sample(material, row, signals.get(row["doc_id"], {})))
    sentences = SENTENCES | {rule["name"]: rule["sentence"] for rule in material.manifest.get("rules", [])}
    return Samples(
        [
            SampleGroup(
                step=group["step"],
                reason=group["reason"],
                sentence=sentences.get(group["reason"]) or sentence(group["reason"]),
                documents=group["documents"],
                samples=dropped.get((group["step"], group["reason"]), []),
            )
            for group in groups
        ],
        others,
        SAMPLES_QUERY,
    )


def build_kept(material: Material) -> Kept | None:
    """The kept documents with the smallest doc_id of the commonest languages; None where `text/` has none."""
    if not material.ledger.has("ledger"):
        return None
    groups = material.ledger.rows(KEPT_QUERY)
    texts = clean_texts(material.ledger.store, (doc_id for group in groups for doc_id in group["doc_ids"]))
    if not texts:
        return None
    signals = _signals(material, sorted(texts))
    return Kept(
        [
            SampleGroup(
                step="kept",
                reason=group["language"],
                sentence="",
                documents=group["documents"],
                samples=[
                    _sample(material, {**signals[doc_id], "text": texts[doc_id], **_NO_REASON}, signals[doc_id])
                    for doc_id in group["doc_ids"]
                    if doc_id in texts
                ],
            )
            for group in groups
        ],
        KEPT_QUERY,
    )


def _signals(material: Material, doc_ids: list[str]) -> dict[str, dict[str, Any]]:
    """What the ledger measured on some documents, by doc_id."""
    if not material.ledger.has("ledger"):
        return {}
    columns = "".join(f", {identifier(column)}" for column in signal_columns(material))
    rows = material.ledger.rows(
        f"SELECT doc_id, id, url, bytes, lang, script, source, findings{columns} FROM 'ledger/*.parquet'"
        " WHERE doc_id IN (SELECT unnest(?)) ORDER BY doc_id, unit, row",
        [doc_ids],
    )
    return {row["doc_id"]: row for row in reversed(rows)}  # a doc_id may repeat: the first record speaks for it


def _sample(material: Material, row: dict[str, Any], signals: dict[str, Any]) -> Sample:
    excerpt, cut = material.excerpts.excerpt(row["text"] or "")
    entry = entry_of(signals, material.recipe.get("decide") or []) if signals else None
    of_entry = {rule["name"]: rule for rule in material.manifest.get("rules", []) if rule["entry"] == entry}
    reasons = row["rules"] or [row["step"]] if row["step"] else []
    return Sample(
        doc_id=row["doc_id"],
        id=material.excerpts.optional(row["id"]),
        url=material.excerpts.optional(row["url"]),
        source=material.excerpts.name(row["source"]),
        lang=row["lang"],
        bytes=signals.get("bytes") or len((row["text"] or "").encode()),
        excerpt=excerpt,
        cut=cut,
        why=[_why(name, of_entry.get(name), signals, material.recipe) for name in reasons[:WHY]],
        others=max(0, len(reasons) - WHY),
        duplicate_of=row["duplicate_of"],
    )


def _why(name: str, rule: dict[str, Any] | None, signals: dict[str, Any], recipe: dict[str, Any]) -> Why:
    if signals and (found := counted_by(name, signals, recipe)):
        return Why(name, "findings", found.findings, "<=", found.most)
    if rule is None:
        return Why(name, None, None, "", None)
    return Why(name, rule["signal"], signals.get(rule["column"]), rule["comparison"], rule["threshold"])
