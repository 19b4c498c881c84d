"""Languages and sites: tables over the ledger."""

from typing import Any

from pipelines.report.blocks import Group, Groups
from pipelines.report.figures import share
from pipelines.report.material import Material

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


def build_languages(material: Material, tokens: dict[str, int]) -> Groups | None:
    """One row per language of the documents; None without any."""
    return _groups(material, LANGUAGES_QUERY, LANGUAGES, tokens)


def build_sites(material: Material) -> Groups | None:
    """One row per host name; None without any address."""
    return _groups(material, SITES_QUERY, SITES, {})


def _groups(material: Material, query: str, shown: int, tokens: dict[str, int]) -> Groups | None:
    if not material.ledger.has("ledger"):
        return None
    rows = material.ledger.rows(query)
    if not rows:
        return None
    return Groups([_group(material, row, tokens) for row in rows[:shown]], max(0, len(rows) - shown), query)


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
