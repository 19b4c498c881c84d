"""Clusters of documents that say the same: how many, how large, how similar, and which one stayed."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.records.accounts import DROPPED, DUPLICATE_RULES, EMPTIED, SAME_URL
from gristmill.pipelines.report.alignment import COMPARED, Span, passages
from gristmill.pipelines.report.figures import Histogram, Named
from gristmill.pipelines.report.histograms import Bound, Wanted, histograms
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.texts import compared_texts

OF_CLUSTERS = tuple(rule for rule in DUPLICATE_RULES if rule != EMPTIED)
CLUSTERS = 8
MEMBERS = 8
CLOSEST = 6
"""Shown: largest clusters, members of each, and removals nearest the threshold."""

_SIZES = ((2, "2"), (3, "3"), (4, "4"), (9, "5–9"), (19, "10–19"), (49, "20–49"), (99, "50–99"))

SIZES_QUERY = """\
SELECT size, count(*) AS clusters, sum(size)::BIGINT AS documents, sum(repeated)::BIGINT AS repeated
FROM (SELECT cluster, count(*) AS size,
             count(*) FILTER (similarity IS NOT NULL OR duplicate_of IS NOT NULL) AS repeated
      FROM 'clusters/*.parquet' GROUP BY cluster)
GROUP BY size ORDER BY size"""

_LARGEST = f"""\
WITH largest AS (SELECT cluster, count(*) AS size, count(*) FILTER (kept) AS cluster_kept
                 FROM 'clusters/*.parquet' GROUP BY cluster ORDER BY size DESC, cluster LIMIT {CLUSTERS})
"""

# The doc_id of a cluster's head is also that of its repeats, which have a similarity.
_HEAD_FIRST = "doc_id <> cluster OR similarity IS NOT NULL, similarity DESC NULLS LAST, doc_id"

MEMBERS_QUERY = f"""{_LARGEST}\
SELECT size, cluster_kept, c.* FROM largest JOIN 'clusters/*.parquet' AS c USING (cluster)
QUALIFY row_number() OVER (PARTITION BY cluster ORDER BY {_HEAD_FIRST}) <= {MEMBERS}
ORDER BY size DESC, cluster, {_HEAD_FIRST}"""

# A document that rules dropped may repeat another one that rules dropped: a removal is what deduplication dropped. A
# record that was read twice has nobody beside it.
_REMOVED = "FROM 'ledger/*.parquet' WHERE step = 'deduplicate' AND duplicate_of IS NOT NULL"
# What went for its address has no similarity.
_COMPARED = f"{_REMOVED} AND similarity IS NOT NULL"

_LEAST_SIMILAR = f"""{_LARGEST}\
SELECT cluster, doc_id, source, similarity, duplicate_of {_COMPARED} AND cluster IN (SELECT cluster FROM largest)
QUALIFY row_number() OVER (PARTITION BY cluster ORDER BY similarity, doc_id) = 1"""

LOST_QUERY = f"""\
SELECT quantile_cont(lost, 0.5)::DOUBLE AS median, quantile_cont(lost, 0.95)::DOUBLE AS p95,
       count(duplicate_in) AS indexed {_REMOVED}"""

CLOSEST_QUERY = f"""\
SELECT doc_id, source, similarity, duplicate_of {_COMPARED}
ORDER BY similarity, doc_id LIMIT {CLOSEST}"""


@dataclass(frozen=True)
class Member:
    """A document of a duplicate cluster; `similarity` is to the better one that it repeats.

    `fate`: kept, duplicate (dropped for the better one), or ruled (dropped by rules, whatever it repeats).
    """

    doc_id: str
    id: str | None
    url: str | None
    source: str
    fate: str
    similarity: float | None
    duplicate_of: str | None


@dataclass(frozen=True)
class Pair:
    """A removed document beside the one that it was removed for."""

    similarity: float
    loser: str
    winner: str
    loser_source: str
    winner_source: str
    lang: str | None
    loser_text: list[Span]
    winner_text: list[Span]


@dataclass(frozen=True)
class Cluster:
    """A duplicate cluster; `others` says how many members are not listed. `pair`: its least similar removal."""

    cluster: str
    size: int
    kept: int
    members: list[Member]
    others: int
    pair: Pair | None


@dataclass(frozen=True)
class Duplicates:
    """Clusters of documents that say the same, those included that rules dropped.

    `repeated` of the documents repeat a better one, or have the address of one; `by_url`, `exact` and `near` were
    dropped for that, `ruled` by rules before.
    `indexed` of those dropped repeat a document of an earlier run. `lost_median` and `lost_p95`, over those dropped:
    the share of their shingles that the document which they repeat lacks; null where none was dropped.
    """

    clusters: int
    documents: int
    repeated: int
    by_url: int
    exact: int
    near: int
    ruled: int
    indexed: int
    lost_median: float | None
    lost_p95: float | None
    sizes: list[Named]
    similarities: Histogram | None
    largest: list[Cluster]
    closest: list[Pair]
    query: str
    members_query: str
    closest_query: str


def build_duplicates(material: Material) -> Duplicates | None:
    """Sizes and similarities of all clusters, members of the largest; None without clusters."""
    if not material.ledger.has("clusters"):
        return None
    sizes = material.ledger.rows(SIZES_QUERY)
    if not sizes:
        return None
    largest: dict[str, list[dict[str, Any]]] = {}
    for row in material.ledger.rows(MEMBERS_QUERY):
        largest.setdefault(row["cluster"], []).append(row)
    removals = material.ledger.has("ledger")
    closest = material.ledger.rows(CLOSEST_QUERY) if removals else []
    worst = {row["cluster"]: row for row in (material.ledger.rows(_LEAST_SIMILAR) if removals else [])}
    pairs = _Pairs(material, [*closest, *worst.values()])
    names = _names(material, [row["doc_id"] for rows in largest.values() for row in rows])
    reasons = Counter[str]()
    for account in material.accounts:
        if account.step == "deduplicate" and account.outcome == DROPPED:
            reasons[account.reason] += account.documents
    repeated = sum(row["repeated"] for row in sizes)
    told = "lost" in material.ledger.columns("ledger")  # a run of an earlier version does not say it
    lost: dict[str, Any] = {"median": None, "p95": None, "indexed": 0}
    if told:
        lost = material.ledger.row(LOST_QUERY)
    return Duplicates(
        clusters=sum(row["clusters"] for row in sizes),
        documents=sum(row["documents"] for row in sizes),
        repeated=repeated,
        by_url=reasons[SAME_URL],
        exact=reasons["exact_duplicate"] + reasons["repeated_record"],
        near=reasons["near_duplicate"],
        ruled=repeated - sum(reasons[rule] for rule in OF_CLUSTERS),
        indexed=lost["indexed"],
        lost_median=lost["median"],
        lost_p95=lost["p95"],
        sizes=_sizes(sizes),
        similarities=_similarities(material),
        largest=[_cluster(material, rows, names, pairs.of(worst.get(cluster))) for cluster, rows in largest.items()],
        closest=[pair for row in closest if (pair := pairs.of(row)) is not None],
        query=SIZES_QUERY,
        members_query=MEMBERS_QUERY,
        closest_query=CLOSEST_QUERY,
    )


def _sizes(rows: list[dict[str, Any]]) -> list[Named]:
    counts = {label: 0 for _, label in _SIZES} | {"100+": 0}
    for row in rows:
        label = next((label for most, label in _SIZES if row["size"] <= most), "100+")
        counts[label] += row["clusters"]
    return [Named(label, number) for label, number in counts.items()]


def _similarities(material: Material) -> Histogram | None:
    minhash = (material.recipe.get("deduplicate") or {}).get("minhash") or {}
    bounds = []
    if (threshold := minhash.get("threshold")) is not None:
        # Drawn as a bound that removals must reach: what lies beyond it would be a bug.
        sentence = "A document is dropped only for a kept one with at least this similarity."
        bounds = [Bound("threshold", ">=", float(threshold), sentence)]
    wanted = Wanted("similarity", "Jaccard similarity to the better one", bounds)
    return next(iter(histograms(material.ledger, "clusters", [wanted], "similarity IS NOT NULL", "kept")), None)


def _cluster(
    material: Material, rows: list[dict[str, Any]], names: dict[str, dict[str, Any]], pair: Pair | None
) -> Cluster:
    members = []
    for row in rows:
        known = names.get(row["doc_id"], {})
        members.append(
            Member(
                doc_id=row["doc_id"],
                id=material.excerpts.optional(known.get("id")),
                url=material.excerpts.optional(known.get("url")),
                source=material.excerpts.name(row["source"]),
                fate=_fate(row["kept"], known.get("step")),
                similarity=row["similarity"],
                duplicate_of=row["duplicate_of"],
            )
        )
    size = rows[0]["size"]
    return Cluster(rows[0]["cluster"], size, rows[0]["cluster_kept"], members, size - len(rows), pair)


def _fate(kept: bool, step: str | None) -> str:
    return "kept" if kept else "duplicate" if step == "deduplicate" else "ruled"


def _names(material: Material, doc_ids: list[str]) -> dict[str, dict[str, Any]]:
    if not material.ledger.has("ledger"):
        return {}
    rows = material.ledger.rows(
        "SELECT doc_id, min(id) AS id, min(url) AS url, min(lang) AS lang, min(source) AS source, min(step) AS step"
        " FROM 'ledger/*.parquet' WHERE doc_id IN (SELECT unnest(?)) GROUP BY doc_id",
        [doc_ids],
    )
    return {row["doc_id"]: row for row in rows}


class _Pairs:
    """Removed documents beside their winners; texts are looked up once for all."""

    def __init__(self, material: Material, removed: list[dict[str, Any]]):
        losers = [row["doc_id"] for row in removed]
        winners = [row["duplicate_of"] for row in removed]
        self._excerpts = material.excerpts
        self._names = _names(material, [*losers, *winners])
        self._texts = compared_texts(material.ledger.store, [*losers, *winners])

    def of(self, removed: dict[str, Any] | None) -> Pair | None:
        """None when there is no removal, or its texts were cleaned away."""
        if removed is None or (loser := self._texts.get(removed["doc_id"])) is None:
            return None
        if (winner := self._texts.get(removed["duplicate_of"])) is None:
            return None
        spans = passages(self._excerpts.excerpt(loser, COMPARED)[0], self._excerpts.excerpt(winner, COMPARED)[0])
        return Pair(
            similarity=removed["similarity"],
            loser=removed["doc_id"],
            winner=removed["duplicate_of"],
            loser_source=self._excerpts.name(removed["source"]),
            winner_source=self._excerpts.name(self._names.get(removed["duplicate_of"], {}).get("source") or ""),
            lang=self._names.get(removed["doc_id"], {}).get("lang"),
            loser_text=spans[0],
            winner_text=spans[1],
        )
