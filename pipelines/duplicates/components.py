"""Duplicates, second half: verified pairs -> connected components -> who stays.

Components decide only which pairs are looked at together: a document is dropped for a kept one that it was compared
with, so that chains of similar documents do not swallow their far ends.
"""

from dataclasses import dataclass

import numpy as np

from gristmill.filters.dedup.fingerprint_file import RANK_STEP
from gristmill.filters.dedup.fingerprints import OWN_BIT
from gristmill.filters.kernels.dedup.forest import keep_best, union
from gristmill.pipelines.duplicates.pairs import BY_URL, EDGE, EXACT, REPEATED
from gristmill.pipelines.records.rows import pick

LINK = np.dtype([("place", "<u8"), ("root", "<u8")])
"""Two documents of one component; in a contracted forest, a document and the smallest place of its component."""

ROOTED = np.dtype([("root", "<u8"), ("edge", EDGE)])

MEMBER = np.dtype(
    [
        ("row", "<u4"),
        ("winner", "u1", 16),
        ("cluster", "u1", 16),
        ("similarity", "<f4"),
        ("lost", "<f4"),
        ("size", "<u4"),
        ("index", "<u2"),
        ("dropped", "u1"),
        ("kind", "u1"),
    ]
)
"""What deduplication says about one document of a cluster of two or more, packed by unit.

row: position in the unit; cluster: doc_id of the cluster's best-ranked member; size: how many documents of the cluster
the rules kept in this run, repeated records once; dropped: 1 where the document goes, then winner is the doc_id of the
kept one it goes for, index its index (1 the first; 0: of this run), similarity (float32, rounded up) that of the two,
lost the share of its shingles that the winner lacks, kind NEAR, EXACT (their normalised texts are equal), BY_URL (the
winner, or a document that went for it, has its address: similarity and lost are NaN) or REPEATED (they are the same
record: winner is its own doc_id); all zero for a document that stays. What goes for its address counts nowhere: neither
in sizes, nor as the best-ranked of a cluster."""


def contract(links: np.ndarray) -> np.ndarray:
    """LINK rows of the same components, sorted: every place but a component's smallest, with that smallest one.

    Associative, so that it may run per bundle, per partition, then once. At most one row a place.
    """
    places, ids = np.unique(np.concatenate([links["place"], links["root"]]), return_inverse=True)
    parents = np.empty(len(places), np.int64)
    union(ids[: len(links)], ids[len(links) :], parents)
    linked = np.flatnonzero(parents != np.arange(len(places)))
    forest = np.empty(len(linked), LINK)
    forest["place"], forest["root"] = places[linked], places[parents[linked]]
    return forest


def rooted_edges(edges: np.ndarray, forest: np.ndarray) -> np.ndarray:
    """EDGE rows with the root of their component, by a contracted forest of LINK rows."""
    labels = np.sort(forest, order="place")
    rooted = np.empty(len(edges), ROOTED)
    rooted["edge"] = edges
    rooted["root"] = place = edges["worse"]["place"]  # a component's smallest place has no label
    at = np.searchsorted(labels["place"], place)
    known = np.flatnonzero(at < len(labels))
    known = known[labels["place"][at[known]] == place[known]]
    rooted["root"][known] = labels["root"][at[known]]
    return rooted


@dataclass(frozen=True)
class Deciding:
    """What decisions about clusters depend on, beside the pairs."""

    max_lost: float = 1.0
    """Nobody goes for a document that lacks more of its shingles."""
    indexes: tuple[int, ...] = ()
    """How many documents each index holds."""


DECIDING = Deciding()


def decide(rooted: np.ndarray, options: Deciding = DECIDING) -> tuple[np.ndarray, np.ndarray]:
    """(place uint64[N], MEMBER[N]) of every document of the run in the components that these ROOTED edges make, whole
    components.

    Documents that go for their address are in no other edge, and follow the one that stays for it.
    Copies (equal exact hashes) are one node of the graph: similarity to one is similarity to all. Nodes are walked in
    the order of their best-ranked copy (rank, doc_id, exact text), so that the outcome does not depend on places.
    """
    edges = rooted["edge"]
    ends = np.concatenate([edges["worse"]["place"], edges["better"]["place"]])
    _, first, ids = np.unique(ends, return_index=True, return_inverse=True)
    at, is_worse = first % len(edges), first < len(edges)  # a component of a million documents has millions of edges
    documents, root = np.where(is_worse, edges["worse"][at], edges["better"][at]), rooted["root"][at]
    named = np.where(is_worse[:, None], edges["worse"]["doc_id"][at], edges["cluster"][at])
    url = edges["kind"] == BY_URL
    other_url = np.zeros(len(first), bool)
    other_url[ids[: len(edges)][url]] = True
    high, low = np.ascontiguousarray(documents["doc_id"]).view(">u8").astype(np.uint64).T
    order = np.lexsort((documents["place"], documents["tie"], low, high, documents["rank"], other_url, root))
    documents, root, named, other_url = pick(documents, order), root[order], named[order], other_url[order]
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    worse, better = position[ids[: len(edges)]], position[ids[len(edges) :]]

    node = np.empty(len(documents), np.int64)  # of a document: the position of its best-ranked copy
    copies = edges["kind"] == EXACT
    union(worse[copies], better[copies], node)
    enough = ~copies & ~url & (edges["lost"] <= np.float32(options.max_lost))
    winner, by_edge = _walk(node[worse[enough]], node[better[enough]], len(documents))
    similarity, lost = np.zeros((2, len(documents)), np.float32)
    beaten = np.flatnonzero(winner >= 0)
    of = np.flatnonzero(enough)[by_edge[beaten]]
    similarity[beaten], lost[beaten] = edges["similarity"][of], edges["lost"][of]

    stays = winner[node] < 0
    dropped = ~stays | (node != np.arange(len(node)))
    chosen = np.where(stays, node, winner[node])
    chosen[worse[url]] = chosen[better[url]]
    dropped |= other_url
    doc_id = documents["doc_id"]
    head = np.flatnonzero(np.r_[True, root[1:] != root[:-1]])
    component = np.repeat(np.arange(len(head)), np.diff(np.r_[head, len(root)]))
    index = _index_of(documents["rank"], options.indexes)
    members = np.zeros(len(documents), MEMBER)
    members["row"] = documents["place"] & np.uint64(0xFFFFFFFF)
    members["cluster"] = named[head][component]
    members["dropped"] = dropped
    members["winner"][dropped] = doc_id[chosen[dropped]]
    members["index"][dropped] = index[chosen[dropped]]
    members["similarity"][dropped] = np.where(stays, np.float32(1), similarity[node])[dropped]
    members["lost"][dropped] = np.where(stays, np.float32(0), lost[node])[dropped]
    members["kind"][dropped & stays] = EXACT
    members["kind"][other_url] = BY_URL
    members["similarity"][other_url] = members["lost"][other_url] = np.float32(np.nan)
    repeated = dropped & np.all(members["winner"] == doc_id, axis=1) & (members["index"] == 0)
    members["kind"][repeated], members["similarity"][repeated], members["lost"][repeated] = REPEATED, 1, 0
    counted = (documents["rank"] < OWN_BIT << np.uint64(1)) & ~repeated & ~other_url & (index == 0)
    members["size"] = np.bincount(component, counted, len(head)).astype(np.uint32)[component]
    own = np.flatnonzero(index == 0)
    return documents["place"][own], pick(members, own)


def _index_of(rank: np.ndarray, indexes: tuple[int, ...]) -> np.ndarray:
    """uint16: the number of the index that a document of this rank (uint64) lies in, from 1; 0: in the run."""
    ends = np.cumsum(np.array(indexes, np.int64)) * RANK_STEP
    found = np.searchsorted(ends, rank.astype(np.int64), "right") + 1  # an index holds fewer than 2**60 documents
    return np.where(rank < OWN_BIT, found, 0).astype(np.uint16)


def _walk(a: np.ndarray, b: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(winner int64, -1 where it stays, edge int64 to it) of every node, for edges between nodes a and b in rank
    order."""
    worse, better = np.maximum(a, b), np.minimum(a, b)
    order = np.lexsort((better, worse))
    winner, chosen = np.full(count, -1, np.int64), np.zeros(count, np.int64)
    keep_best(worse[order], better[order], winner, chosen)
    return winner, order[chosen] if len(order) else chosen
