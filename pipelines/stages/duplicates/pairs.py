"""Duplicates, first half: band keys -> buckets -> pairs -> pairs whose similarity was verified.

A place is `unit << 32 | row`. The first document of a pair is the worse-ranked one: it is what may be dropped.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial

import numpy as np

from gristmill.filters.dedup.fingerprint_file import FingerprintFile, open_fingerprints
from gristmill.filters.dedup.fingerprints import describe
from gristmill.filters.kernels.dedup.buckets import count_pairs, drop_copies, pair_members, sort_members
from gristmill.filters.kernels.dedup.jaccard import compare, gather
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.stages.duplicates.partitions import PATH_TAG
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
EDGE = np.dtype([("worse", DOCUMENT), ("better", DOCUMENT), ("similarity", "<f4"), ("exact", "u1")])
"""A verified pair, with all that decides who stays. similarity is rounded up to float32, so that it never looks lower
than a threshold that it reached."""

PAIR_TAG, EDGE_TAG = b"A", b"E"

NEIGHBOURS = np.uint64(14)
"""Bits of a row: what concerns 16,384 documents in a row stays together, so that a partition opens few files."""

GROUP_HASHES = 16 << 20
"""Shingle hashes that are compared with a unit's at a time: 64 MiB. One comparison for each pair of units would cost
more than it compares: 1,000 units have a million."""

OPEN_BYTES = 256 << 20
"""Memory for fingerprint files kept open by a worker."""


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
    for some, bands in file.bands(first, last):
        exact = file.exact[some]
        documents = np.empty(len(exact), RECORD)
        documents["rank"] = file.rank[some]
        documents["tie"] = exact[:, 1].astype(np.uint32)
        documents["place"] = (np.uint64(unit) << np.uint64(32)) | file.row[some].astype(np.uint64)
        shingled = np.flatnonzero(file.end[some] > file.start[some])
        for band in bands[shingled].T if options.minhash is not None else ():
            records = pick(documents, shingled)
            records["key"] = band & ~EXACT_BIT
            yield records
        records = documents if options.exact else pick(documents, shingled)
        records["key"] = exact[:, 0][... if options.exact else shingled] | EXACT_BIT
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
    return pair_X2.view(PAIR).ravel()


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
        return cls(known, exact, hashes, length)

    @classmethod
    def joined(cls, pieces: list["Documents"]) -> "Documents":
        """All documents of several, in that order."""
        return cls(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in fields(cls)))


def verify(
    worse: Documents, better: Documents, pairs: tuple[np.ndarray, np.ndarray], options: schema.Deduplicate
) -> np.ndarray:
    """EDGE rows of the pairs (positions in `worse`, positions in `better`) that are duplicates.

    Equal exact hashes are similarity 1; else it is the Jaccard similarity of the shingle hashes, where that reaches the
    threshold.
    """
    exact = np.all(worse.exact[pairs[0]] == better.exact[pairs[1]], axis=1)
    similarity = np.where(exact, 1.0, -1.0)
    if options.minhash is not None:
        tables = []
        for documents in (worse, better):
            end = np.cumsum(documents.length)
            tables += [documents.hashes, end - documents.length, end]
        differ = np.flatnonzero(~exact)
        computed = np.empty(len(differ))
        compare(pairs[0][differ], pairs[1][differ], *tables, options.minhash.threshold, computed)
        similarity[differ] = computed
    found = np.flatnonzero(similarity >= 0)
    edges = np.empty(len(found), EDGE)
    edges["worse"], edges["better"] = pick(worse.known, pairs[0][found]), pick(better.known, pairs[1][found])
    rounded = similarity[found].astype(np.float32)
    edges["similarity"] = np.where(rounded < similarity[found], np.nextafter(rounded, np.float32(2)), rounded)
    edges["exact"] = exact[found]
    return edges


class Shelf:
    """The fingerprint files of all units; those that a worker keeps open are bounded by OPEN_BYTES."""

    def __init__(self, limit: int = OPEN_BYTES, open_file: Callable[[str], FingerprintFile] = open_fingerprints):
        self.limit, self._open_file = limit, open_file
        self.paths: dict[int, list[str]] = {}
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

    def _get(self, path: str) -> FingerprintFile:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        self._open[path] = file = attempt(lambda: self._open_file(path), path)
        self._bytes += file.heap_bytes
        while len(self._open) > 1 and self._bytes > self.limit:
            self._bytes -= self._open.popitem(last=False)[1].heap_bytes
        return file


def by_place(place: np.ndarray, partitions: int) -> np.ndarray:
    """uint64 keys of the partitions of places: by neighbourhood, not by unit, for a unit may hold millions."""
    return among(partitions, spread(mixed(place >> NEIGHBOURS), partitions))


class EmitBands(BlockDoFn):
    """Pieces of fingerprint files -> RECORD blocks, by hash of the key."""

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One piece."""
        partitions = partitions_of(key)
        for unit, path, first, last in map(json.loads, blocks):
            file = attempt(partial(open_fingerprints, path), path)
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
    """PAIR blocks and paths of one partition -> EDGE blocks (tagged), of the same partition."""

    tag = EDGE_TAG

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """The pairs of some units' documents."""
        pair_blocks, path_blocks = by_tag(blocks, PAIR_TAG, PATH_TAG)
        pairs = rows_of(pair_blocks, PAIR)
        if not len(pairs):
            return
        shelf = Shelf()
        for block in path_blocks:
            for unit, path, _ in json.loads(block):
                shelf.paths.setdefault(unit, []).append(path)
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
