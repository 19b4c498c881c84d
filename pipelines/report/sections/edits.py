"""What was changed inside kept documents: personal data that was masked, lines and spans that rules cut."""

import re
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.texts import clean_texts

EXAMPLES = 3
"""Masked places shown per kind of personal data."""

_CANDIDATES = 8
"""Documents looked through for them: a later edit may have cut the place away."""

ENTITY = re.compile(r"[A-Z][A-Z0-9_]*")
"""Kinds of personal data are presidio's entity types; kinds of other edits are names of rules, in lower case."""

EDITS_QUERY = f"""\
SELECT e.kind AS kind, count(*) AS spans, count(DISTINCT (unit, "row")) AS documents,
       sum(e."end" - e.start)::BIGINT AS bytes, min(doc_id, {_CANDIDATES}) AS doc_ids
FROM (SELECT doc_id, unit, "row", unnest(edits) AS e FROM 'ledger/*.parquet' WHERE verdict = 'kept')
GROUP BY kind ORDER BY spans DESC, kind"""


AUDITED = 60
"""Groups by type, source and language that are listed."""

AUDIT_QUERY = """\
SELECT f.type AS type, source, coalesce(lang, '') AS lang, count(*) AS spans,
       count(DISTINCT (unit, "row")) AS documents,
       CASE WHEN count(f.hash) > 0 THEN count(DISTINCT f.hash) END AS values,
       min(f.score) AS lowest, median(f.score) AS median,
       string_agg(DISTINCT f.action, ', ' ORDER BY f.action) AS actions
FROM (SELECT source, lang, unit, "row", unnest(findings) AS f FROM 'ledger/*.parquet' WHERE verdict = 'kept')
GROUP BY ALL ORDER BY type, spans DESC, source, lang"""


@dataclass(frozen=True)
class EditKind:
    """One kind of recorded edit in the kept documents; `examples` show the place, never the value."""

    kind: str
    spans: int
    documents: int
    bytes: int
    examples: list[str]


@dataclass(frozen=True)
class Audit:
    """Findings of one type in one source and language. `values`: different ones, None without a key to hash them by."""

    type: str
    source: str
    lang: str
    spans: int
    documents: int
    values: int | None
    lowest: float
    median: float
    actions: str


@dataclass(frozen=True)
class Edits:
    """Changes of text: personal data that was masked, and lines or spans that rules cut."""

    personal: list[EditKind]
    text: list[EditKind]
    query: str
    audit: list[Audit]
    """The AUDITED groups with most findings; `unlisted` others."""
    unlisted: int
    audit_query: str


def build_edits(material: Material) -> Edits | None:
    """Edits of the kept documents by kind; None without a ledger."""
    if not material.ledger.has("ledger"):
        return None
    rows = material.ledger.rows(EDITS_QUERY)
    personal = [row for row in rows if ENTITY.fullmatch(row["kind"])]
    texts = clean_texts(material.ledger.store, {doc_id for row in personal for doc_id in row["doc_ids"]})
    audit = _audit(material)
    return Edits(
        audit=audit[:AUDITED],
        unlisted=len(audit[AUDITED:]),
        audit_query=AUDIT_QUERY,
        personal=[_kind(row, _examples(material, row, texts)) for row in personal],
        text=[_kind(row, []) for row in rows if not ENTITY.fullmatch(row["kind"])],
        query=EDITS_QUERY,
    )


def _audit(material: Material) -> list[Audit]:
    """None of a run that an earlier version made, whose ledger has no findings."""
    if "findings" not in material.ledger.columns("ledger"):
        return []
    rows = material.ledger.rows(AUDIT_QUERY)
    return [Audit(**{**row, "source": material.excerpts.name(row["source"])}) for row in rows]


def _kind(row: dict[str, Any], examples: list[str]) -> EditKind:
    return EditKind(row["kind"], row["spans"], row["documents"], row["bytes"], examples)


def _examples(material: Material, row: dict[str, Any], texts: dict[str, str]) -> list[str]:
    """Places of the clean text where the tag of this kind stands, with their surroundings; never the value.

    Asterisks (operator `mask`) do not say what they cover, so that operator has no examples.
    """
    tag = re.compile(re.escape(f"<{row['kind']}>"))
    examples: dict[str, None] = {}
    for doc_id in row["doc_ids"]:
        text = texts.get(doc_id, "")
        if found := tag.search(text):
            examples.setdefault(material.excerpts.around(text, found))
    return list(examples)[:EXAMPLES]
