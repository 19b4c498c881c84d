"""Sources, languages and sites: what came in of each and what is left."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gristmill.pipelines.records.accounts import DEAD, DROPPED, IN, KEPT, UNJUDGED
from gristmill.pipelines.report.figures import share
from gristmill.pipelines.report.material import Material

SOURCES = 20
LANGUAGES = 16
SITES = 15
"""Rows shown; the rest is counted."""

_COUNTS = """\
       count(*) AS documents, sum(bytes)::BIGINT AS bytes,
       count(*) FILTER (verdict = 'kept') AS kept,
       coalesce(sum(bytes) FILTER (verdict = 'kept'), 0)::BIGINT AS kept_bytes,
       count(*) FILTER (verdict = 'dropped') AS dropped,
       count(*) FILTER (verdict = 'dead') AS dead,
       count(*) FILTER (NOT judged) AS unjudged
FROM 'ledger/*.parquet'"""

SOURCES_QUERY = """\
SELECT a.source, a.step, a.outcome, sum(a.documents) AS documents, sum(a.bytes) AS bytes
FROM (SELECT unnest(accounts) AS a FROM 'manifest.json')
WHERE a.outcome IN ('in', 'kept', 'dropped', 'dead')
GROUP BY ALL ORDER BY ALL"""

LANGUAGES_QUERY = f"""\
SELECT coalesce(lang, 'unknown') AS name,
{_COUNTS}
GROUP BY name ORDER BY documents DESC, name"""

# Up to the path, without user:password@ and port; the host is where a page comes from, in lower case.
_HOST = r"lower(regexp_extract(url, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:@]+)', 1))"

SITES_QUERY = f"""\
SELECT {_HOST} AS name,
{_COUNTS}
WHERE name <> ''
GROUP BY name ORDER BY documents DESC, name"""


@dataclass(frozen=True)
class Group:
    """A source, a language or a site: what came in and what is left."""

    name: str
    documents: int
    bytes: int
    kept: int
    kept_bytes: int
    dropped: int
    dead: int
    unjudged: int
    tokens: int | None
    share_kept: float | None
    share_dropped: float | None
    share_dead: float | None


@dataclass(frozen=True)
class Groups:
    """A table of groups, largest first; `others` says how many more there are."""

    rows: list[Group]
    others: int
    query: str


def sources_of(material: Material, tokens: dict[str, int]) -> list[Group]:
    """Every source: read, kept, dropped, dead; `tokens` by source, where shards were written."""
    found = {source: _Source() for source in material.accounts.sources()}
    first, last = material.steps[0], material.steps[-1]
    for a in material.accounts:
        source = found[a.source]
        if a.outcome in (DROPPED, DEAD, UNJUDGED):
            source.gone[a.outcome] += a.documents
        if a.outcome == IN and a.step == first:
            source.documents += a.documents
            source.bytes += a.bytes
        if a.outcome == KEPT and a.step == last:
            source.kept += a.documents
            source.kept_bytes += a.bytes
    ordered = sorted(found.items(), key=lambda item: (-item[1].documents, item[0]))
    return [
        Group(
            name=material.excerpts.name(name),
            documents=of.documents,
            bytes=of.bytes,
            kept=of.kept,
            kept_bytes=of.kept_bytes,
            dropped=of.gone[DROPPED],
            dead=of.gone[DEAD],
            unjudged=of.gone[UNJUDGED],
            tokens=tokens.get(name),
            share_kept=share(of.kept, of.documents),
            share_dropped=share(of.gone[DROPPED], of.documents),
            share_dead=share(of.gone[DEAD], of.documents),
        )
        for name, of in ordered
    ]


@dataclass
class _Source:
    documents: int = 0
    bytes: int = 0
    kept: int = 0
    kept_bytes: int = 0
    gone: Counter[str] = field(default_factory=Counter)


def languages_of(material: Material, tokens: dict[str, int]) -> list[Group]:
    """Every language of the documents."""
    rows = material.ledger.rows(LANGUAGES_QUERY) if material.ledger.has("ledger") else []
    return [_group(material, row, tokens) for row in rows]


def build_sources(sources: list[Group]) -> Groups:
    """The sources with most records."""
    return _shown(sources, SOURCES, SOURCES_QUERY)


def build_languages(languages: list[Group]) -> Groups | None:
    """The languages with most documents; None without any."""
    return _shown(languages, LANGUAGES, LANGUAGES_QUERY) if languages else None


def build_sites(material: Material) -> Groups | None:
    """One row per host name; None without any address."""
    rows = material.ledger.rows(SITES_QUERY) if material.ledger.has("ledger") else []
    shown = [_group(material, row, {}) for row in rows[:SITES]]
    return Groups(shown, max(0, len(rows) - SITES), SITES_QUERY) if rows else None


def _shown(groups: list[Group], shown: int, query: str) -> Groups:
    return Groups(groups[:shown], max(0, len(groups) - shown), query)


def _group(material: Material, row: dict[str, Any], tokens: dict[str, int]) -> Group:
    documents = row["documents"]
    return Group(
        name=material.excerpts.name(row["name"]),
        documents=documents,
        bytes=row["bytes"] or 0,
        kept=row["kept"],
        kept_bytes=row["kept_bytes"],
        dropped=row["dropped"],
        dead=row["dead"],
        unjudged=row["unjudged"],
        tokens=tokens.get(row["name"]),
        share_kept=share(row["kept"], documents),
        share_dropped=share(row["dropped"], documents),
        share_dead=share(row["dead"], documents),
    )
