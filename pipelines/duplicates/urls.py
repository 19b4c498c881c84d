"""Documents of one address: which one stays. Decided before any texts are compared; the others are left out of that.

fingerprint files -> addresses -> who stays -> left out of the pieces of their files; edges to who stays
       in pieces        by address        by piece                                  by place
"""

from collections.abc import Callable, Iterable

import numpy as np

from gristmill.filters.dedup.fingerprint_file import FingerprintFile
from gristmill.pipelines.duplicates.pairs import BY_URL, DOCUMENT, EDGE, INDEX_PLACE, compared, known_at, pieces_for
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.rows import pick

ADDRESSED = np.dtype(
    [
        ("url", "<u8", 2),
        ("order", "<u8"),
        ("rank", "<u8"),
        ("piece", "<u4"),
        ("document", DOCUMENT),
        ("cluster", "u1", 16),
    ]
)
"""A document that has an address. rank: its own, where `document` is known as the one that it lost to; piece: of all
fingerprint files the one that it was read from."""

PRIORITY = np.uint64(55)
"""Bits of a rank below its first fields: whether rules kept it, an index holds it, how it was derived, its priority."""


def addresses(
    unit: int,
    file: FingerprintFile,
    options: schema.Deduplicate,
    piece: int = 0,
    first: int = 0,
    last: int | None = None,
) -> np.ndarray:
    """ADDRESSED rows of the documents first:last of a unit's file. Raises ValueError for a file without addresses."""
    if file.urls is None:
        if len(file.row) == 0:
            return np.zeros(0, ADDRESSED)
        raise ValueError("the recipe compares addresses, and these fingerprints were made without")
    some = slice(first, last)
    at = first + np.flatnonzero(compared(file, options, by_url=True)[some] & (file.url[some] != 0).any(axis=1))
    found = np.empty(len(at), ADDRESSED)
    found["url"], found["order"], found["rank"], found["piece"] = file.url[at], file.url_order[at], file.rank[at], piece
    found["document"] = known_at(unit, file, at)
    found["cluster"] = (file.doc_id if file.settled is None else file.settled.cluster)[at]
    return found


def url_edges(records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(EDGE rows from every document that goes to the one of its address that stays, the pieces of the former), of
    ADDRESSED rows in any order, whole addresses. What an index holds never goes.

    Before others comes what has the better priority (all fields of a rank above PRIORITY), then the lower order, then
    the better rank, doc_id and text: nothing depends on places.
    """
    records = _shared(records)
    high, low = np.ascontiguousarray(records["document"]["doc_id"]).view(">u8").astype(np.uint64).T
    rank, tie, place = records["rank"], records["document"]["tie"], records["document"]["place"]
    url = records["url"]
    keys = (place, tie, low, high, rank, records["order"], rank >> PRIORITY, url[:, 1], url[:, 0])
    records = pick(records, np.lexsort(keys))
    url = records["url"]
    head = np.flatnonzero(np.r_[True, (url[1:] != url[:-1]).any(axis=1)][: len(url)])
    best = np.repeat(head, np.diff(np.r_[head, len(url)]))
    goes = np.flatnonzero((best != np.arange(len(url))) & (records["document"]["place"] < INDEX_PLACE))
    better, edges = pick(records, best[goes]), np.zeros(len(goes), EDGE)
    edges["worse"], edges["better"] = records["document"][goes], better["document"]
    edges["kind"], edges["cluster"] = BY_URL, better["cluster"]
    return edges, records["piece"][goes]


def _shared(records: np.ndarray) -> np.ndarray:
    """Those whose address others may have, too: few of most corpora, and sorting them by one number is cheap."""
    key = records["url"][:, 0]
    order = np.argsort(key)
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    return pick(records, order[np.union1d(same, same + 1)])


def edges_of_files(
    files: Iterable[tuple[int, FingerprintFile]], options: schema.Deduplicate, piece: int = 0, pieces: int = 1
) -> np.ndarray:
    """EDGE rows as `url_edges` gives them, of some (unit, file), without a shuffle: of addresses whose key falls into a
    piece of all keys."""
    found = [np.zeros(0, ADDRESSED)]
    for unit, file in files:
        records = addresses(unit, file, options)
        mine = np.flatnonzero(records["url"][:, 0] % np.uint64(pieces) == piece)
        found.append(pick(records, mine))
    return url_edges(np.concatenate(found))[0]


def edges_in_pieces(
    files: Callable[[], Iterable[tuple[int, FingerprintFile]]], documents: int, options: schema.Deduplicate
) -> np.ndarray:
    """EDGE rows as `edges_of_files` gives them of all addresses; `files` is called anew for each piece of the keys."""
    pieces = pieces_for(documents)
    return np.concatenate([edges_of_files(files(), options, piece, pieces) for piece in range(pieces)])
