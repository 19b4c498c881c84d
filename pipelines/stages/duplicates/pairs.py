"""Duplicates, first half: band keys -> buckets -> pairs -> pairs whose similarity was verified.

A place is `unit << 32 | row`. The first document of a pair is the worse-ranked one: it is what may be dropped. Files of
indexes are units from INDEX_UNIT on; what was decided about their documents stays, so that no pair begins with one.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial

import numpy as np

from gristmill.filters.dedup.fingerprint_file import ELSEWHERE, LOST, FingerprintFile, open_fingerprints
from gristmill.filters.dedup.fingerprints import describe
from gristmill.filters.kernels.dedup.buckets import count_pairs, drop_copies, pair_members, sort_members
from gristmill.filters.kernels.dedup.jaccard import compare, gather
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.stages.duplicates.partitions import INDEX_UNIT, PATH_TAG, PIECE_TAG
from gristmill.pipelines.stages.exchange import (
    Block,
    BlockDoFn,
    among,
    by_tag,
    mixed,
    partitions_of,
    pick,
    rows_of,
    spread,
    table,
)
from gristmill.pipelines.storage.remote import attempt

RECORD = np.dtype([("key", "<u8"), ("rank", "<u8"), ("tie", "<u4"), ("place", "<u8")])
"""A document in a bucket. `tie` is a hash of its exact text, so that rank ties never fall back on the place."""

EXACT_BIT = np.uint64(1 << 63)
"""Set in keys made from the exact hash, clear in those of LSH bands."""

PAIR = np.dtype([("worse", "<u8"), ("better", "<u8")])
"""Places."""


DOCUMENT = np.dtype([("place", "<u8"), ("rank", "<u8"), ("tie", "<u4"), ("doc_id", "u1", 16)])
EDGE = np.dtype(
    [
        ("worse", DOCUMENT),
        ("better", DOCUMENT),
        ("similarity", "<f4"),
        ("lost", "<f4"),
        ("kind", "u1"),
        ("cluster", "u1", 16),
    ]
)
"""A verified pair, with all that decides who stays. similarity is rounded up to float32, so that it never looks lower
than a threshold that it reached; lost is the share of the worse one's shingles that the better one lacks; kind is NEAR,
EXACT or BY_URL (then no texts were compared, and similarity and lost mean nothing); cluster that of the better one
where an index has given it one, else its doc_id."""

NEAR, EXACT, REPEATED, BY_URL = range(4)
"""Why one document goes for another: their texts are alike; they are equal, normalised; it is the same record once
more; they have one address."""

INDEX_PLACE = np.uint64(INDEX_UNIT << 32)
"""Places from here on lie in indexes."""

PAIR_TAG, EDGE_TAG = b"A", b"E"

NEIGHBOURS = np.uint64(14)
"""Bits of a row: what concerns 16,384 documents in a row stays together, so that a partition opens few files."""

GROUP_HASHES = 16 << 20
"""Shingle hashes that are compared with a unit's at a time: 64 MiB. One comparison for each pair of units would cost
more than it compares: 1,000 units have a million."""

OPEN_BYTES = 256 << 20
"""Memory for fingerprint files kept open by a worker."""


def decided_by(options: schema.Deduplicate) -> str:
    """What two decisions about the same documents must have in common to be the same."""
    by_url = f", by address the {options.urls.keep}" if options.urls else ""
    threshold = options.minhash and options.minhash.threshold
    return f"exact {options.exact}, threshold {threshold}, {options.max_lost} lost{by_url}"


def compared(file: FingerprintFile, options: schema.Deduplicate, by_url: bool = False) -> np.ndarray:
    """bool[D]: which documents of a file others are compared with: all, but of an index not those that lost against
    another index, whose winner may not be here, or by other options. by_url: with their addresses; their texts only
    where they did not go for another one of their address."""
    some = np.ones(len(file.row), bool)
    if file.settled is not None:
        left_out = ELSEWHERE if file.settled.by == decided_by(options) else ELSEWHERE | LOST
        some = file.rank & left_out == 0
        if not by_url:
            some &= (file.rank & LOST == 0) | ~np.isnan(file.settled.similarity)
    return some if by_url or file.left_out is None else some & ~file.left_out


def band_records(
    unit: int, file: FingerprintFile, options: schema.Deduplicate, first: int = 0, last: int | None = None
) -> Iterator[np.ndarray]:
    """RECORD rows of the documents first:last of a unit's file, some at a time.

    One row for each LSH band of a document that has shingles, one for its exact hash. The exact hash is a band even
    where exact duplicates are off: equal texts have equal shingles, and pairs of other bands leave copies out. Raises
    ValueError for a file written with other options.
    """
    if options.minhash is not None and file.minhash != describe(options.minhash):
        raise ValueError(f"fingerprints were made with {file.minhash}, the recipe has {describe(options.minhash)}")
    comparable = compared(file, options)
    for some, bands in file.bands(first, last):
        exact = file.exact[some]
        documents = np.empty(len(exact), RECORD)
        documents["rank"] = file.rank[some]
        documents["tie"] = exact[:, 1].astype(np.uint32)
        documents["place"] = (np.uint64(unit) << np.uint64(32)) | file.row[some].astype(np.uint64)
        here = comparable[some]
        shingled = here & (file.end[some] > file.start[some])
        texts = here if options.exact else shingled & (options.minhash is not None)
        shingled_at, texts_at = np.flatnonzero(shingled), np.flatnonzero(texts)
        for band in bands[shingled_at].T if options.minhash is not None else ():
            records = pick(documents, shingled_at)
            records["key"] = band & ~EXACT_BIT
            yield records
        records = pick(documents, texts_at)
        records["key"] = exact[texts_at, 0] | EXACT_BIT
        yield records


def bucket_pairs(records: np.ndarray) -> np.ndarray:
    """PAIR rows to verify among RECORD rows in any order; linear in a bucket's size.

    Each text of a bucket, by its best-ranked copy, is paired with the four best-ranked and the four next-better ones;
    copies are paired with the best of them, in the bucket of their exact hash only.
    """
    by_key = np.argsort(records["key"])
    key = records["key"][by_key]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(key)])
    shared = sizes > 1  # most keys are of one document: what follows touches only the others
    members = pick(records, by_key[np.repeat(shared, sizes)])
    ends = np.cumsum(sizes[shared])
    starts, copies = ends - sizes[shared], key[starts[shared]] >= EXACT_BIT
    rank, tie, place = (np.ascontiguousarray(members[name], np.uint64) for name in ("rank", "tie", "place"))
    order = np.arange(len(members))
    sort_members(starts, ends, tie, rank, place, order)
    drop_copies(starts, tie, copies, order, ends)
    sort_members(starts, ends, rank, tie, place, order)
    pair_X2 = np.empty((count_pairs(starts, ends, copies), 2), np.uint64)
    pair_members(starts, ends, copies, place, order, pair_X2)
    pairs = pair_X2.view(PAIR).ravel()
    settled = pairs["worse"] >= INDEX_PLACE
    return pairs[~settled] if settled.any() else pairs


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
    def take(cls, unit: int, file: FingerprintFile, rows: np.ndarray) -> "Documents":
        """The documents of these rows (uint32) of a unit, copied."""
        at = file.positions(rows)
        known = np.empty(len(at), DOCUMENT)
        known["place"] = (np.uint64(unit) << np.uint64(32)) | rows.astype(np.uint64)
        known["rank"] = file.rank[at]
        known["doc_id"] = file.doc_id[at]
        exact = file.exact[at]
        known["tie"] = exact[:, 1].astype(np.uint32)
        length = file.end[at] - file.start[at]
        hashes = np.empty(length.sum(), np.uint32)
        gather(at, file.hashes, file.start, file.end, hashes)
        settled = np.full((len(at), 2), (-1, 0), np.float32)
        if file.settled is None:
            return cls(known, exact, hashes, length, known["doc_id"], settled)
        lost = np.flatnonzero(known["rank"] & LOST)
        known["rank"][lost], known["doc_id"][lost] = file.settled.winner_rank[at[lost]], file.settled.winner[at[lost]]
        settled[lost, 0], settled[lost, 1] = file.settled.similarity[at[lost]], file.settled.lost[at[lost]]
        return cls(known, exact, hashes, length, file.settled.cluster[at], settled)

    @classmethod
    def joined(cls, pieces: list["Documents"]) -> "Documents":
        """All documents of several, in that order."""
        return cls(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(cls)))


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


class Shelf:
    """The fingerprint files of all units; those that a worker keeps open are bounded by OPEN_BYTES."""

    def __init__(self, limit: int = OPEN_BYTES, open_file: Callable[[str], FingerprintFile] = open_fingerprints):
        self.limit, self._open_file = limit, open_file
        self.paths: dict[int, list[str]] = {}
        self.behind: dict[str, int] = {}
        """Of a file of an index, how many documents the indexes before it hold."""
        self._open: OrderedDict[str, FingerprintFile] = OrderedDict()
        self._bytes = 0

    def take(self, unit: int, rows: np.ndarray) -> Documents:
        """The documents of these rising rows (uint32) of a unit, in that order."""
        files = [self._get(path) for path in self.paths[unit]]
        files = [file for file in files if len(file.row)]
        if len(files) == 1:
            return Documents.take(unit, files[0], rows)
        files.sort(key=lambda file: file.row[0])  # a giant unit has several
        cuts = np.searchsorted(rows, [file.row[0] for file in files[1:]])
        chosen = zip(files, np.split(rows, cuts), strict=True)
        return Documents.joined([Documents.take(unit, file, some) for file, some in chosen])

    def forget(self) -> None:
        """Close all files, which are read anew when they are asked for."""
        self._open.clear()
        self._bytes = 0

    def _get(self, path: str) -> FingerprintFile:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        file = attempt(lambda: self._open_file(path), path)
        self._open[path] = file = file.behind(self.behind[path]) if path in self.behind else file
        self._bytes += file.heap_bytes
        while len(self._open) > 1 and self._bytes > self.limit:
            self._bytes -= self._open.popitem(last=False)[1].heap_bytes
        return file


def by_place(place: np.ndarray, partitions: int) -> np.ndarray:
    """uint64 keys of the partitions of places: by neighbourhood, not by unit, for a unit may hold millions."""
    return among(partitions, spread(mixed(place >> NEIGHBOURS), partitions))


class EmitBands(BlockDoFn):
    """Pieces of fingerprint files, and EDGE rows of their documents that are left out (both tagged) -> RECORD blocks,
    by hash of the key."""

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One piece."""
        partitions = partitions_of(key)
        pieces, chosen = by_tag(blocks, PIECE_TAG, EDGE_TAG)
        left_out = rows_of(chosen, EDGE)["worse"]["place"].astype(np.uint32)
        for unit, path, behind, first, last in map(json.loads, pieces):
            file = attempt(partial(open_fingerprints, path), path)
            file = file if behind is None else file.behind(behind)
            file = file.without(left_out) if len(left_out) else file
            for records in band_records(unit, file, self.options, first, last):
                yield from self.blocks.add(among(partitions, spread(records["key"], partitions)), records)


class PairMembers(BlockDoFn):
    """RECORD blocks of one partition -> PAIR blocks (tagged), by where the worse document lies."""

    tag = PAIR_TAG

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition of keys."""
        pairs = bucket_pairs(table(blocks, RECORD))
        yield from self.blocks.add(by_place(pairs["worse"], partitions_of(key)), pairs)


class VerifyPairs(BlockDoFn):
    """PAIR blocks and paths of one partition -> EDGE blocks (tagged), of the same partition; EDGE blocks pass."""

    tag = EDGE_TAG

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """The pairs of some units' documents."""
        pair_blocks, path_blocks, edge_blocks = by_tag(blocks, PAIR_TAG, PATH_TAG, EDGE_TAG)
        pairs, known = rows_of(pair_blocks, PAIR), rows_of(edge_blocks, EDGE)
        yield from self.blocks.add(np.full(len(known), key, np.uint64), known)
        if not len(pairs):
            return
        shelf = Shelf()
        for block in path_blocks:
            for unit, path, _, *behind in json.loads(block):
                shelf.paths.setdefault(unit, []).append(path)
                shelf.behind.update((path, documents) for documents in behind)
        units, unit_at, counts = np.unique(pairs["worse"] >> np.uint64(32), return_inverse=True, return_counts=True)
        by_unit = np.split(np.argsort(unit_at, kind="stable"), np.cumsum(counts)[:-1])
        for unit, at in zip(units.tolist(), by_unit, strict=True):
            some = pick(pairs, at)
            for edges in verified_pairs(unit, some, shelf, self.options):
                yield from self.blocks.add(np.full(len(edges), key, np.uint64), edges)


def verified_pairs(unit: int, pairs: np.ndarray, shelf: Shelf, options: schema.Deduplicate) -> Iterator[np.ndarray]:
    """EDGE rows of the PAIR rows, in any order, whose worse document is of this unit."""
    places, better_at = np.unique(pairs["better"], return_inverse=True)
    # Several bands name the same pair. The better one first: its documents come in groups.
    pairs_at = np.unique(better_at << 32 | (pairs["worse"] & np.uint64(0xFFFFFFFF)).astype(np.int64))
    better_at = pairs_at >> 32
    rows, worse_at = np.unique(pairs_at.astype(np.uint32), return_inverse=True)
    worse = shelf.take(unit, rows)
    done = 0
    for better in documents_at(places, shelf):
        some = slice(*np.searchsorted(better_at, (done, done + len(better.known))))
        yield verify(worse, better, (worse_at[some], better_at[some] - done), options)
        done += len(better.known)


def documents_at(places: np.ndarray, shelf: Shelf) -> Iterator[Documents]:
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
