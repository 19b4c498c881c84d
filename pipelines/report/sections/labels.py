"""How many documents have labels from outside, by source."""

from dataclasses import dataclass

from gristmill.pipelines.report.figures import share
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.storage.sql import identifier

SOURCES = 20
"""Rows shown of each labels; the rest is counted."""


@dataclass(frozen=True)
class Matched:
    """Documents that could be labelled, and those of them that are."""

    name: str
    documents: int
    matched: int
    share_matched: float | None


@dataclass(frozen=True)
class Coverage:
    """The coverage of one `labels`: in all, and by source, in the order of their names. `others`: sources that are not
    listed."""

    whole: Matched
    sources: list[Matched]
    others: int
    query: str


def build_labels(material: Material) -> list[Coverage]:
    """One Coverage for each of the recipe's `labels`; of documents that were dropped before rules were asked nothing is
    known."""
    columns = set(material.ledger.columns("ledger")) if material.recipe.get("labels") else set()
    return [_coverage(material, name) for name in material.recipe.get("labels") or () if name in columns]


def _coverage(material: Material, name: str) -> Coverage:
    column = identifier(name)
    query = (
        f"SELECT source, count({column}) AS documents, sum({column})::BIGINT AS matched\n"
        f"FROM 'ledger/*.parquet' WHERE {column} IS NOT NULL GROUP BY source ORDER BY source"
    )
    rows = material.ledger.rows(query)
    sources = [_matched(material.excerpts.name(row["source"]), row["documents"], row["matched"]) for row in rows]
    whole = _matched(name, sum(row["documents"] for row in rows), sum(row["matched"] for row in rows))
    return Coverage(whole, sources[:SOURCES], max(0, len(sources) - SOURCES), query)


def _matched(name: str, documents: int, matched: int) -> Matched:
    return Matched(name, documents, matched, share(matched, documents))
