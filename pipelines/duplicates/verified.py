"""Duplicates, between the halves: pairs of documents -> those that are duplicates, by exact similarity."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from gristmill.filters.dedup.fingerprint_file import LOST, FingerprintFile
from gristmill.filters.kernels.dedup.jaccard import compare
from gristmill.pipelines.duplicates.pairs import EDGE, EXACT, NEAR, known_at
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.rows import pick
from gristmill.pipelines.storage.remote import attempt

MOST_EDGES = 8
"""Of those that a document is verified to be like, so many of the best-ranked ones count. In a family of a million each
is verified with about 36 others, and all edges of a component meet in one place; what has none that stays among its
eight best is kept, rather than dropped for a ninth."""

GROUP_HASHES = 16 << 20
"""Shingle hashes that are compared with a unit's at a time: 64 MiB. One comparison for each pair of units would cost
more than it compares: 1,000 units have a million."""

AT_ONCE = 1 << 15
"""Pairs of a unit that are compared however many duplicates of a document are among them, where files lie in memory:
asking all of them for its best-ranked ones, and again for the others, costs more."""
IN_MEMORY = 1 << 20
"""Documents whose files, of about 4 GB, are taken to lie in memory since they were written."""

OPEN_BYTES = 1 << 30
"""Memory for fingerprint files kept open by a worker: where a cluster lies in all files, every partition asks for every
file. A local one counts as 32 KiB."""

TOUCHED_BYTES = 2 << 30
"""Of local files, what at most lies in memory: beyond, they are mapped anew."""


@dataclass(frozen=True)
class Documents:
    """What a comparison needs of N documents, from one file or several."""

    known: np.ndarray
    """DOCUMENT[N]"""
    exact: np.ndarray
    """uint64[N, 2]"""
    hashes: np.ndarray
    """uint32, of all documents one after the other, sorted within each"""
    length: np.ndarray
    """int64[N]: how many hashes each has"""
    cluster: np.ndarray
    """uint8[N, 16]: doc_id of the best of its cluster, where an index says so; else its own"""
    settled: np.ndarray
    """float32[N, 2]: of one that an index knows to have lost (then `known` is the winner, in its place) the similarity
    to the winner, and the share of its shingles that the winner lacks; else -1, 0"""

    @classmethod
    def of(cls, unit: int, file: FingerprintFile) -> "Documents":
        """All documents of a unit's file, copied."""
        at = np.arange(len(file.row))
        known, length = known_at(unit, file, at), file.end - file.start
        pieces = [file.hashes[begin:end] for begin, end in zip(file.start.tolist(), file.end.tolist(), strict=True)]
        hashes = np.concatenate([np.zeros(0, np.uint32), *pieces])
        settled = np.full((len(at), 2), (-1, 0), np.float32)
        if file.settled is None:
            return cls(known, file.exact, hashes, length, known["doc_id"], settled)
        lost = np.flatnonzero(file.rank & LOST)
        settled[lost, 0], settled[lost, 1] = file.settled.similarity[lost], file.settled.lost[lost]
        return cls(known, file.exact, hashes, length, file.settled.cluster, settled)

    @classmethod
    def joined(cls, pieces: list["Documents"]) -> "Documents":
        """All documents of several, in that order."""
        return cls(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(cls)))


class Opened(Protocol):
    """An open fingerprint file: FingerprintRows, or a FingerprintFile with other ranks."""

    @property
    def documents(self) -> int:
        """How many there are."""

    @property
    def first_row(self) -> int:
        """Of the first one."""

    @property
    def heap_bytes(self) -> int:
        """What keeping it open costs."""

    @property
    def touched_bytes(self) -> int:
        """What of a map lies in memory."""

    def take(self, rows: np.ndarray, /) -> FingerprintFile:
        """The documents of these rows."""

    def behind(self, documents: int) -> Self:
        """Ranked behind so many documents of other indexes."""

    def release(self) -> None:
        """Give back what of a map lies in memory."""


F = TypeVar("F", bound=Opened)


class Shelf(Generic[F]):
    """The fingerprint files of all units; those that a worker keeps open are bounded by OPEN_BYTES."""

    def __init__(self, open_file: Callable[[str], F], limit: int = OPEN_BYTES):
        self.limit, self._open_file = limit, open_file
        self.paths: dict[int, list[str]] = {}
        self.behind: dict[str, int] = {}
        """Of a file of an index, how many documents the indexes before it hold."""
        self.scattered = False
        """Whether documents come from the disk, one by one."""
        self._open: OrderedDict[str, F] = OrderedDict()
        self._bytes = self._touched = 0

    def take(self, unit: int, rows: np.ndarray) -> Documents:
        """The documents of these rising rows (uint32) of a unit, in that order."""
        files = [file for file in map(self._get, self.paths[unit]) if file.documents]
        files.sort(key=lambda file: file.first_row)  # a giant unit has several
        cuts = np.searchsorted(rows, np.array([file.first_row for file in files[1:]], np.uint32))
        pieces = [self._take(unit, file, some) for file, some in zip(files, np.split(rows, cuts), strict=True)]
        return pieces[0] if len(pieces) == 1 else Documents.joined(pieces)

    def _take(self, unit: int, file: F, rows: np.ndarray) -> Documents:
        before = file.touched_bytes
        documents = Documents.of(unit, file.take(rows))
        self._touched += file.touched_bytes - before
        if self._touched > TOUCHED_BYTES:
            self._touched = 0
            for one in self._open.values():
                one.release()
        return documents

    def forget(self) -> None:
        """Close all files, which are read anew when they are asked for."""
        self._open.clear()
        self._bytes = self._touched = 0

    def _get(self, path: str) -> F:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        file = attempt(lambda: self._open_file(path), path)
        self._open[path] = file = file.behind(self.behind[path]) if path in self.behind else file
        self._bytes += file.heap_bytes
        while len(self._open) > 1 and self._bytes > self.limit:
            self._bytes -= self._open.popitem(last=False)[1].heap_bytes
        return file


def verify(
    worse: Documents, better: Documents, pairs: tuple[np.ndarray, np.ndarray], options: schema.Deduplicate
) -> np.ndarray:
    """EDGE rows of the pairs (positions in `worse`, positions in `better`) that are duplicates.

    Equal exact hashes are similarity 1; else it is the Jaccard similarity of the shingle hashes, where that reaches the
    threshold. For one that lost nobody is dropped; but what has its very text is to its winner what it is itself.
    """
    exact = np.all(worse.exact[pairs[0]] == better.exact[pairs[1]], axis=1)
    told = better.settled[pairs[1]]
    stays = told[:, 0] < 0
    similarity = np.where(exact, 1.0, -1.0)
    if options.minhash is not None:
        tables = []
        for documents in (worse, better):
            end = np.cumsum(documents.length)
            tables += [documents.hashes, end - documents.length, end]
        differ = np.flatnonzero(~exact & stays)
        computed = np.empty(len(differ))
        compare(pairs[0][differ], pairs[1][differ], *tables, options.minhash.threshold, computed)
        similarity[differ] = computed
    found = np.flatnonzero(similarity >= 0)
    edges = np.empty(len(found), EDGE)
    edges["worse"], edges["better"] = pick(worse.known, pairs[0][found]), pick(better.known, pairs[1][found])
    rounded = similarity[found].astype(np.float32)
    edges["similarity"] = np.where(rounded < similarity[found], np.nextafter(rounded, np.float32(2)), rounded)
    sizes = worse.length[pairs[0][found]], better.length[pairs[1][found]]
    edges["lost"] = np.where(exact[found], 0, _lost(similarity[found], *sizes))
    edges["kind"] = np.where(exact[found], EXACT, NEAR)
    edges["cluster"] = better.cluster[pairs[1][found]]
    through = ~stays[found]
    edges["similarity"][through], edges["lost"][through] = told[found][through].T
    edges["kind"][through] = NEAR
    return edges


def _lost(similarity_X: np.ndarray, worse_X: np.ndarray, better_X: np.ndarray) -> np.ndarray:
    """float64[X]: the share of the worse one's shingles that the better one lacks: one less its containment.

    What two sets of these sizes have in common follows from their Jaccard similarity (float64), as it is a whole
    number: J (a + b) / (1 + J).
    """
    common_X = np.rint(similarity_X * (worse_X + better_X) / (1 + similarity_X))
    return 1 - common_X / np.maximum(worse_X, 1)


def verified_pairs(
    unit: int, pairs: np.ndarray, shelf: Shelf[Any], options: schema.Deduplicate
) -> Iterator[np.ndarray]:
    """EDGE rows of the PAIR rows, in any order, whose worse document is of this unit, without those that `best_edges`
    would leave out.

    The best-ranked of a document's pairs are read and compared first, and no others where enough of these are
    duplicates: all of a family know the same few best ones, each of them some more that lie anywhere.
    """
    pairs = _by_rank(pairs)
    rows, worse_at = np.unique(pairs["worse"].astype(np.uint32), return_inverse=True)
    worse = shelf.take(unit, rows)
    duplicates = np.zeros(len(rows), np.int64)
    found = [np.zeros(0, EDGE)]
    few = len(pairs) <= AT_ONCE and not shelf.scattered
    for at_once in (few, True):  # no third round: each asks all files
        if not len(pairs):
            break
        due = np.ones(len(pairs), bool) if at_once else _due(worse_at, pairs["rank"])
        for ranked, edges in _compared(worse, worse_at[due], pick(pairs, np.flatnonzero(due)), shelf, options):
            found.append(edges)
            if ranked:
                counted = edges["worse"]["place"][edges["lost"] <= np.float32(options.max_lost)]
                duplicates += np.bincount(np.searchsorted(worse.known["place"], counted), minlength=len(rows))
        left = np.flatnonzero(~due & (duplicates[worse_at] < MOST_EDGES))
        pairs, worse_at = pick(pairs, left), worse_at[left]
    yield best_edges(np.concatenate(found), options.max_lost)


def _by_rank(pairs: np.ndarray) -> np.ndarray:
    """PAIR rows by their worse document, then by rank; what several bands name once."""
    pairs = pick(pairs, np.lexsort((pairs["better"], pairs["rank"], pairs["worse"])))
    same = (pairs["worse"][1:] == pairs["worse"][:-1]) & (pairs["better"][1:] == pairs["better"][:-1])
    return pick(pairs, np.flatnonzero(np.r_[True, ~same][: len(pairs)]))


def _due(worse_at: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """bool: which pairs of each worse document, sorted by rank, are compared next: MOST_EDGES, and what is ranked like
    the last of them, beside those of rank 0."""
    start = np.flatnonzero(np.r_[True, worse_at[1:] != worse_at[:-1]])
    count = np.diff(np.r_[start, len(rank)])
    unranked = np.add.reduceat(rank == 0, start, dtype=np.int64)
    last = start + np.minimum(unranked + MOST_EDGES, count) - 1
    return rank <= np.repeat(rank[last], count)


def _compared(
    worse: Documents, worse_at: np.ndarray, pairs: np.ndarray, shelf: Shelf[Any], options: schema.Deduplicate
) -> Iterator[tuple[bool, np.ndarray]]:
    """(whether they have a rank, EDGE rows) of PAIR rows whose worse documents are at these positions of `worse`."""
    order = np.argsort(pairs["better"])  # they are read in the order of files and rows, in groups
    places, better_at = np.unique(pairs["better"][order], return_inverse=True)
    worse_at, ranked = worse_at[order], pairs["rank"][order] > 0
    done = 0
    for better in documents_at(places, shelf):
        begin, end = np.searchsorted(better_at, (done, done + len(better.known)))
        for kind in (False, True):
            at = begin + np.flatnonzero(ranked[begin:end] == kind)
            if len(at):
                yield kind, verify(worse, better, (worse_at[at], better_at[at] - done), options)
        done += len(better.known)


def best_edges(edges: np.ndarray, max_lost: float) -> np.ndarray:
    """The EDGE rows to copies, and of the others of each worse document the MOST_EDGES to its best-ranked ones, first
    those that lose no more than `max_lost`; all edges of a worse document are given together, in any order."""
    _, worse_at, counts = np.unique(edges["worse"]["place"], return_inverse=True, return_counts=True)
    crowded = np.flatnonzero((counts[worse_at] > MOST_EDGES) & (edges["kind"] != EXACT))
    if not len(crowded):
        return edges
    better = edges["better"]
    _, first, better_at = np.unique(better["place"][crowded], return_index=True, return_inverse=True)
    over = edges["lost"][crowded] > np.float32(max_lost)
    order = np.lexsort((_ranked(better[crowded[first]])[better_at], over, worse_at[crowded]))
    stays = np.ones(len(edges), bool)
    stays[crowded[order[_numbered(worse_at[crowded][order]) >= MOST_EDGES]]] = False
    return pick(edges, np.flatnonzero(stays))


def documents_at(places: np.ndarray, shelf: Shelf[Any]) -> Iterator[Documents]:
    """The documents at these rising places, in the same order, in groups of about GROUP_HASHES."""
    units, starts = np.unique(places >> np.uint64(32), return_index=True)
    group: list[Documents] = []
    waiting = 0
    for unit, rows in zip(units.tolist(), np.split(places.astype(np.uint32), starts[1:]), strict=True):
        group.append(shelf.take(unit, rows))
        waiting += len(group[-1].hashes)
        if waiting >= GROUP_HASHES:
            yield Documents.joined(group)
            group, waiting = [], 0
    if group:
        yield Documents.joined(group)


def _ranked(documents: np.ndarray) -> np.ndarray:
    """int64[N]: the position of each of N DOCUMENT rows by rank, then by what does not depend on its place."""
    high, low = np.ascontiguousarray(documents["doc_id"]).view(">u8").astype(np.uint64).T
    position = np.empty(len(documents), np.int64)
    order = np.lexsort((documents["place"], documents["tie"], low, high, documents["rank"]))
    position[order] = np.arange(len(documents))
    return position


def _numbered(sorted_ids: np.ndarray) -> np.ndarray:
    """int64: the number of each in the row of those equal to it, from 0."""
    starts = np.flatnonzero(np.r_[True, sorted_ids[1:] != sorted_ids[:-1]][: len(sorted_ids)])
    return np.arange(len(sorted_ids)) - np.repeat(starts, np.diff(np.r_[starts, len(sorted_ids)]))
