"""Duplicates, first half: band keys that several documents have (shared_keys.py) -> buckets -> pairs (verified.py
computes how similar they are).

A place is `unit << 32 | row`. The first document of a pair is the worse-ranked one: it is what may be dropped. Files of
indexes are units from INDEX_UNIT on; what was decided about their documents stays, so that no pair begins with one.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from gristmill.filters.dedup.fingerprint_file import ELSEWHERE, LOST, FingerprintFile
from gristmill.filters.dedup.fingerprints import describe
from gristmill.filters.kernels.dedup.buckets import at_repeats, count_pairs, drop_copies, pair_members, sort_members
from gristmill.filters.kernels.text.hashes import MULTIPLIER
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.rows import pick

RECORD = np.dtype([("key", "<u8"), ("rank", "<u8"), ("tie", "<u4"), ("place", "<u8")])
"""A document in a bucket. `tie` is a hash of its exact text and the bucket: it tells texts from copies of them, and
rank ties never fall back on the place. Two texts that it takes for one in some bucket are two in all others."""

EXACT_BIT = np.uint64(1 << 63)
"""Set in keys made from the exact hash, clear in those of LSH bands."""

PAIR = np.dtype([("worse", "<u8"), ("better", "<u8"), ("rank", "<u8")])
"""Two places, and the rank of the better one, by which it is known what to read first; 0 where they are compared in any
case: copies, and what an index knows to have lost, for which its winner counts."""

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

INDEX_UNIT = 1 << 31
"""Files of indexes are numbered from here on, behind all units."""

IndexFile = tuple[int, str, int, int]
"""A fingerprint file of an index: a number from INDEX_UNIT on, path, documents, and how many documents earlier indexes
hold."""

INDEX_PLACE = np.uint64(INDEX_UNIT << 32)
"""Places from here on lie in indexes."""

RECORDS = 16 << 20
"""Records that are held at a time outside a shuffle: about a gigabyte while they are sorted."""


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


def bucketed(file: FingerprintFile, options: schema.Deduplicate) -> tuple[np.ndarray, np.ndarray]:
    """bool[D] twice: which documents of a file are in buckets of bands, and which in those of exact texts."""
    here = compared(file, options)
    in_bands = here & (file.end > file.start) & (options.minhash is not None)
    return in_bands, here if options.exact else in_bands


def known_at(unit: int, file: FingerprintFile, at: np.ndarray) -> np.ndarray:
    """DOCUMENT rows of the documents at these positions (int64) of a unit's file; of one that an index knows to have
    lost the rank and doc_id are its winner's."""
    known = np.empty(len(at), DOCUMENT)
    known["place"] = (np.uint64(unit) << np.uint64(32)) | file.row[at].astype(np.uint64)
    known["rank"], known["tie"], known["doc_id"] = file.rank[at], file.exact[at, 1].astype(np.uint32), file.doc_id[at]
    if file.settled is not None:
        lost = np.flatnonzero(known["rank"] & LOST)
        known["rank"][lost], known["doc_id"][lost] = file.settled.winner_rank[at[lost]], file.settled.winner[at[lost]]
    return known


def numbered(indexed: Sequence[Sequence[tuple[str, int]]]) -> Iterator[IndexFile]:
    """The files (path, documents) of several indexes with numbers, and how many documents the indexes before hold."""
    unit, behind = INDEX_UNIT, 0
    for files in indexed:
        for path, documents in files:
            yield unit, path, documents, behind
            unit += 1
        behind += sum(documents for _, documents in files)


def pieces_for(records: int) -> int:
    """Into how many pieces of their keys so many records go, of which one is held at a time outside a shuffle."""
    return max(1, -(-records // RECORDS))


def band_keys(
    file: FingerprintFile, options: schema.Deduplicate, first: int = 0, last: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(uint64[n] keys, int64[n] positions in the file of who has them) of the documents first:last, some at a time.

    One key for each LSH band of a document that has shingles, one for its exact hash. The exact hash is a band even
    where exact duplicates are off: equal texts have equal shingles, and pairs of other bands leave copies out. Raises
    ValueError for a file written with other options.
    """
    if options.minhash is not None and file.minhash != describe(options.minhash):
        raise ValueError(f"fingerprints were made with {file.minhash}, the recipe has {describe(options.minhash)}")
    in_bands, in_texts = bucketed(file, options)
    for some, bands in file.bands(first, last):
        shingled = in_bands[some]
        shingled_at, texts_at = some.start + np.flatnonzero(shingled), some.start + np.flatnonzero(in_texts[some])
        for band in bands[shingled].T if options.minhash is not None else ():
            yield band & ~EXACT_BIT, shingled_at
        yield file.exact[texts_at, 0] | EXACT_BIT, texts_at


def records_of(unit: int, file: FingerprintFile, key: np.ndarray, at: np.ndarray) -> np.ndarray:
    """RECORD rows of keys (uint64) and of the documents at these positions (int64) of a unit's file."""
    records = np.empty(len(at), RECORD)
    records["key"], records["rank"] = key, file.rank[at]
    # The upper half of such a product is a hash (Knuth, The Art of Computer Programming 3, 6.4).
    records["tie"] = ((file.exact[at, 1] ^ key) * MULTIPLIER) >> np.uint64(32)
    records["place"] = (np.uint64(unit) << np.uint64(32)) | file.row[at].astype(np.uint64)
    return records


def bucket_pairs(records: np.ndarray) -> np.ndarray:
    """PAIR rows to verify among RECORD rows in any order; linear in a bucket's size.

    Each text of a bucket, by its best-ranked copy, is paired with the four best-ranked and the four next-better ones;
    copies are paired with the best of them, in the bucket of their exact hash only.
    """
    # Most keys are of one document: what follows touches few of those.
    records = pick(records, at_repeats((records["key"] >> np.uint64(32)).astype(np.uint32)))
    by_key = np.argsort(records["key"])
    key = records["key"][by_key]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(key)])
    shared = sizes > 1
    members = pick(records, by_key[np.repeat(shared, sizes)])
    ends = np.cumsum(sizes[shared])
    starts, copies = ends - sizes[shared], key[starts[shared]] >= EXACT_BIT
    rank, tie, place = (np.ascontiguousarray(members[name], np.uint64) for name in ("rank", "tie", "place"))
    order = np.arange(len(members))
    sort_members(starts, ends, tie, rank, place, order)
    drop_copies(starts, tie, copies, order, ends)
    sort_members(starts, ends, rank, tie, place, order)
    pair_X3 = np.empty((count_pairs(starts, ends, copies), 3), np.uint64)
    rank[(place >= INDEX_PLACE) & (rank & LOST > 0)] = 0
    pair_members(starts, ends, copies, place, rank, order, pair_X3)
    pairs = pair_X3.view(PAIR).ravel()
    settled = pairs["worse"] >= INDEX_PLACE
    return pairs[~settled] if settled.any() else pairs
