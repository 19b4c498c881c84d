"""Duplicate clusters of a run, the largest first: who stays, and what of each removed text its better twin lacks."""

from dataclasses import asdict, dataclass
from typing import Any

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.report.alignment import COMPARED, Span, passages
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.texts import compared_texts
from gristmill.pipelines.storage.ledger import Ledger

_LARGEST = """
SELECT cluster, count(*) AS documents, count(*) FILTER (kept) AS kept FROM 'clusters/*.parquet' {where}
GROUP BY cluster ORDER BY documents DESC, cluster LIMIT ?"""

_CLUSTERS_OF = "SELECT DISTINCT cluster FROM 'clusters/*.parquet' WHERE starts_with(doc_id, ?) ORDER BY cluster LIMIT 2"

_REMOVED = """
SELECT cluster, doc_id, id, url, source, lang, rules[-1] AS rule, similarity, lost, duplicate_of, duplicate_in,
       count(*) OVER (PARTITION BY cluster) AS removed,
       count(duplicate_in) OVER (PARTITION BY cluster) AS indexed
FROM 'ledger/*.parquet' WHERE step = 'deduplicate' AND duplicate_of IS NOT NULL AND cluster IN (SELECT unnest(?))
QUALIFY row_number() OVER (PARTITION BY cluster ORDER BY similarity, lost DESC, doc_id, unit, row) <= ?
ORDER BY cluster, similarity, lost DESC, doc_id"""

_STAYING = """
SELECT doc_id, any_value(id) AS id, any_value(url) AS url, any_value(source) AS source,
       max(CASE WHEN verdict = 'kept' THEN NULL ELSE coalesce(rules[-1], verdict) END) AS went FROM 'ledger/*.parquet'
WHERE duplicate_of IS NULL AND doc_id IN (SELECT unnest(?)) GROUP BY doc_id"""

_COUNTS = """
SELECT count(*) AS clusters, coalesce(sum(documents), 0)::BIGINT AS documents
FROM (SELECT count(*) AS documents FROM 'clusters/*.parquet' GROUP BY cluster)"""


@dataclass(frozen=True)
class Document:
    """Which document it is; names are scrubbed. Of one in an index only its doc_id is known."""

    doc_id: str
    id: str | None
    url: str | None
    source: str


@dataclass(frozen=True)
class Removal:
    """A removed document beside the one that it was removed for.

    `index`: the index of an earlier run that holds the other one. `went`: by which rule that went itself, later
    (`contaminated`, `repeated_passages`). `lost`: the share of its shingles that the other one lacks. Texts: the
    passages in which they differ, of what can be compared, as it was compared; none where a text is not there.
    """

    loser: Document
    winner: Document
    index: str | None
    went: str | None
    rule: str
    lang: str | None
    similarity: float | None
    lost: float | None
    loser_text: list[Span]
    winner_text: list[Span]


@dataclass(frozen=True)
class Cluster:
    """Documents that say the same: how many, those that rules dropped included, how many stay, how many were removed
    as duplicates, and of these how many for one of an index. `removals`: the least similar ones first; `others` are
    not shown."""

    cluster: str
    documents: int
    kept: int
    removed: int
    indexed: int
    removals: list[Removal]
    others: int


@dataclass(frozen=True)
class Clusters:
    """All clusters of a run in numbers, and some of them."""

    clusters: int
    documents: int
    shown: list[Cluster]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def find_clusters(ledger: Ledger, excerpts: Excerpts, limit: int, pairs: int, of: str | None = None) -> Clusters:
    """The `limit` largest clusters, or the one that the document `of` is in (the beginning of its doc_id), with at most
    `pairs` removals each. Raises RecipeError for a document that is in none."""
    if not ledger.has("clusters"):
        if of is not None:
            raise _in_none(of)
        return Clusters(0, 0, [])
    counts = ledger.row(_COUNTS)
    where: str = ""
    values: list[Any] = [limit]
    if of is not None:
        where, values = "WHERE cluster = ?", [_cluster_of(ledger, of), 1]
    largest = ledger.rows(_LARGEST.format(where=where), values)
    rows = ledger.rows(_REMOVED, [[row["cluster"] for row in largest], max(1, pairs)])
    drawn = _Drawn(ledger, excerpts, rows if pairs else [])
    shown = []
    for one in largest:
        mine = [row for row in rows if row["cluster"] == one["cluster"]]
        removed, indexed = (mine[0]["removed"], mine[0]["indexed"]) if mine else (0, 0)
        removals = [drawn.removal(row) for row in mine[:pairs]]
        shown.append(
            Cluster(one["cluster"], one["documents"], one["kept"], removed, indexed, removals, removed - len(removals))
        )
    return Clusters(counts["clusters"], counts["documents"], shown)


def _cluster_of(ledger: Ledger, document: str) -> str:
    found = [row["cluster"] for row in ledger.rows(_CLUSTERS_OF, [document.lower()])]
    if not found:
        raise _in_none(document)
    if len(found) > 1:
        fix = "give more of it"
        raise RecipeError(f"documents of several clusters begin with '{document}'", where="--of", fix=fix)
    return found[0]


def _in_none(document: str) -> RecipeError:
    what = f"no cluster has a document '{document}': nothing repeats it, or the run does not know it"
    return RecipeError(what, where="--of", fix="give the doc_id that `gristmill why` prints")


class _Drawn:
    """Removals with their texts, which are looked up once for all."""

    def __init__(self, ledger: Ledger, excerpts: Excerpts, rows: list[dict[str, Any]]):
        here = [row for row in rows if row["duplicate_in"] is None]
        winners = [row["duplicate_of"] for row in here]
        self._excerpts = excerpts
        self._staying = {row["doc_id"]: row for row in ledger.rows(_STAYING, [winners])}
        self._texts = compared_texts(ledger.store, [*(row["doc_id"] for row in here), *winners])

    def removal(self, row: dict[str, Any]) -> Removal:
        """Of a row of the ledger."""
        told = {"doc_id": row["duplicate_of"], "id": None, "url": None, "source": ""}
        winner = told if row["duplicate_in"] else self._staying.get(row["duplicate_of"], told)
        sides: tuple[list[Span], list[Span]] = ([], [])
        mine, its = self._texts.get(row["doc_id"]), self._texts.get(row["duplicate_of"])
        if row["duplicate_in"] is None and mine is not None and its is not None:
            sides = passages(self._excerpts.excerpt(mine, COMPARED)[0], self._excerpts.excerpt(its, COMPARED)[0])
        return Removal(
            self._document(row),
            self._document(winner),
            row["duplicate_in"],
            winner.get("went"),
            row["rule"],
            row["lang"],
            row["similarity"],
            row["lost"],
            *sides,
        )

    def _document(self, row: dict[str, Any]) -> Document:
        id, url = (self._excerpts.optional(row[name]) for name in ("id", "url"))
        return Document(row["doc_id"], id, url, self._excerpts.name(row["source"]))
