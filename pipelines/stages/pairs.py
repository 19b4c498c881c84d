"""Duplicates, first half: band keys -> buckets -> pairs -> pairs whose similarity was verified.

A place is `unit << 32 | row`. The first document of a pair is the worse-ranked one: it is what may be dropped.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from filters.fingerprint_file import FingerprintFile, open_fingerprints
from filters.kernels.buckets import count_pairs, drop_copies, pair_members, sort_members
from filters.kernels.jaccard import compare, gather
from pipelines.exchange import Block, BlockDoFn, Group, rows_of, spread
from pipelines.recipe import schema

RECORD = np.dtype([("key", "<u8"), ("rank", "<u8"), ("tie", "<u4"), ("place", "<u8")])
"""A document in a bucket. `tie` is a hash of its exact text, so that rank ties never fall back on the place."""

EXACT_BIT = np.uint64(1 << 63)
"""Set in keys made from the exact hash, clear in those of LSH bands."""

PAIR = np.dtype([("worse_row", "<u4"), ("better", "<u8")])
"""Travels to the unit of the worse document."""

DOCUMENT = np.dtype([("place", "<u8"), ("rank", "<u8"), ("tie", "<u4"), ("doc_id", ">u8", 2)])
EDGE = np.dtype([("worse", DOCUMENT), ("better", DOCUMENT), ("similarity", "<f4"), ("exact", "u1")])
"""A verified pair. similarity is rounded up to float32: it never looks lower than a threshold that it reached."""

EDGE_TAG = b"E"

GROUP_HASHES = 16 << 20
"""Shingle hashes that are compared with a unit's at a time: 64 MiB. One comparison for each pair of units would cost more
than it compares: 1,000 units have a million."""

OPEN_BYTES = 256 << 20
"""Memory for fingerprint files kept open by a worker."""


def band_records(unit: int, file: FingerprintFile, options: schema.Deduplicate) -> np.ndarray:
    """RECORD rows of one unit: one for each LSH band of a document that has shingles, one for its exact hash.

    The exact hash is a band even where exact duplicates are off: equal texts have equal shingles, and pairs of other
    bands leave copies out. Raises ValueError for a file written with other options.
    """
    documents = np.empty(len(file.row), RECORD)
    documents["rank"] = file.rank
    documents["tie"] = file.exact[:, 1].astype(np.uint32)
    documents["place"] = (np.uint64(unit) << np.uint64(32)) | file.row.astype(np.uint64)
    shingled = np.flatnonzero(file.end > file.start)
    tables = []
    if options.minhash is not None:
        bands = file.bands()
        if len(documents) and bands.shape[1] != options.minhash.bands:
            raise ValueError(f"fingerprints have {bands.shape[1]} bands, the recipe has {options.minhash.bands}")
        for band in bands[shingled].T:
            tables.append(documents[shingled])
            tables[-1]["key"] = band & ~EXACT_BIT
    compared = np.arange(len(documents)) if options.exact else shingled
    tables.append(documents[compared])
    tables[-1]["key"] = file.exact[compared, 0] | EXACT_BIT
    return np.concatenate(tables)


def bucket_pairs(records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(worse, better): uint64 places of the pairs to verify among RECORD rows in any order; linear in a bucket's size.

    Each text of a bucket, by its best-ranked copy, is paired with the four best-ranked and the four next-better ones;
    copies are paired with the best of them, in the bucket of their exact hash only.
    """
    by_key = np.argsort(records["key"])
    key = records["key"][by_key]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(key)])
    shared = sizes > 1  # most keys are of one document: what follows touches only the others
    members = records[by_key[np.repeat(shared, sizes)]]
    ends = np.cumsum(sizes[shared])
    starts, copies = ends - sizes[shared], key[starts[shared]] >= EXACT_BIT
    rank, tie, place = (np.ascontiguousarray(members[name], np.uint64) for name in ("rank", "tie", "place"))
    order = np.arange(len(members))
    sort_members(starts, ends, tie, rank, place, order)
    drop_copies(starts, tie, copies, order, ends)
    sort_members(starts, ends, rank, tie, place, order)
    count = count_pairs(starts, ends, copies)
    worse, better = np.empty(count, np.uint64), np.empty(count, np.uint64)
    pair_members(starts, ends, copies, place, order, worse, better)
    return worse, better


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
        known["doc_id"] = file.doc_id[at].view(">u8")
        exact = file.exact[at]
        known["tie"] = exact[:, 1].astype(np.uint32)
        length = file.end[at] - file.start[at]
        hashes = np.empty(length.sum(), np.uint32)
        gather(at, file.hashes, file.start, file.end, hashes)
        return cls(known, exact, hashes, length)

    @classmethod
    def joined(cls, parts: list["Documents"]) -> "Documents":
        """All documents of several, in that order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


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
    edges["worse"], edges["better"] = worse.known[pairs[0][found]], better.known[pairs[1][found]]
    rounded = similarity[found].astype(np.float32)
    edges["similarity"] = np.where(rounded < similarity[found], np.nextafter(rounded, np.float32(2)), rounded)
    edges["exact"] = exact[found]
    return edges


class Shelf:
    """Fingerprint files that a worker keeps open, the least recently used ones closed beyond OPEN_BYTES."""

    def __init__(self, limit: int = OPEN_BYTES):
        self.limit = limit
        self._open: OrderedDict[str, FingerprintFile] = OrderedDict()

    def get(self, path: str) -> FingerprintFile:
        """The open file of a path."""
        file = self._open.pop(path, None) or open_fingerprints(path)
        self._open[path] = file
        while len(self._open) > 1 and sum(f.heap_bytes for f in self._open.values()) > self.limit:
            self._open.popitem(last=False)
        return file


class EmitBands(BlockDoFn):
    """(unit, path of its fingerprint file) -> RECORD blocks, by hash of the key."""

    def __init__(self, options: schema.Deduplicate, partitions: int):
        self.options, self.partitions = options, partitions

    def process(self, element: tuple[int, str]) -> Iterator[Block]:
        """One unit."""
        unit, path = element
        records = band_records(unit, open_fingerprints(path), self.options)
        yield from self.blocks.add(spread(records["key"], self.partitions), records)


class PairMembers(BlockDoFn):
    """RECORD blocks of one partition -> PAIR blocks, by the unit of the worse document."""

    def process(self, element: Group) -> Iterator[Block]:
        """One partition of keys."""
        worse, better = bucket_pairs(rows_of(element[1], RECORD))
        pairs = np.empty(len(worse), PAIR)
        pairs["worse_row"], pairs["better"] = worse & np.uint64(0xFFFFFFFF), better
        yield from self.blocks.add((worse >> np.uint64(32)).astype(np.uint32), pairs)


class VerifyPairs(BlockDoFn):
    """PAIR blocks of one unit -> EDGE blocks (tagged), by the same unit."""

    tag = EDGE_TAG

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def setup(self) -> None:
        """A worker opens a file once, whichever units' pairs it verifies."""
        self.shelf = Shelf()

    def process(self, element: Group, paths: Mapping[int, str]) -> Iterator[Block]:
        """One unit; `paths` is the small side input of all units' fingerprint files."""
        unit, pairs = element[0], rows_of(element[1], PAIR)
        pairs = pairs[np.lexsort((pairs["worse_row"], pairs["better"]))]
        pairs = pairs[np.r_[True, pairs[1:] != pairs[:-1]]]  # several bands name the same pair
        worse_rows, worse_at = np.unique(pairs["worse_row"], return_inverse=True)
        worse = Documents.take(unit, self.shelf.get(paths[unit]), worse_rows)
        first = np.flatnonzero(np.diff(pairs["better"], prepend=~pairs["better"][:1]))
        better_at = np.cumsum(np.diff(pairs["better"], prepend=pairs["better"][:1]) != 0)
        done = 0
        for better in self._better(pairs["better"][first], paths):
            some = slice(*np.searchsorted(better_at, (done, done + len(better.known))))
            edges = verify(worse, better, (worse_at[some], better_at[some] - done), self.options)
            yield from self.blocks.add(np.full(len(edges), unit), edges)
            done += len(better.known)

    def _better(self, places: np.ndarray, paths: Mapping[int, str]) -> Iterator[Documents]:
        """The documents at these sorted places, in the same order, in groups of about GROUP_HASHES."""
        units, starts = np.unique(places >> np.uint64(32), return_index=True)
        group: list[Documents] = []
        for unit, rows in zip(units.tolist(), np.split(places.astype(np.uint32), starts[1:]), strict=True):
            group.append(Documents.take(unit, self.shelf.get(paths[unit]), rows))
            if sum(len(part.hashes) for part in group) >= GROUP_HASHES:
                yield Documents.joined(group)
                group = []
        if group:
            yield Documents.joined(group)
