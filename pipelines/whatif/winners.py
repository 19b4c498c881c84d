"""Who stays among duplicates when other documents are kept by the rules: found again where that can matter.

A verdict is in a document's rank. Where it changes, other documents of its buckets may be compared, and others win. So
everything that shares a bucket with a changed document is looked at again, with its whole cluster; no pair beyond
these can become one. The result is that of a run over all documents (tests/pipelines/whatif/test_winners.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gristmill.filters.dedup.fingerprint_file import FingerprintFile, open_fingerprints
from gristmill.pipelines.duplicates.components import LINK, MEMBER, Deciding, contract, decide, rooted_edges
from gristmill.pipelines.duplicates.members import MEMBERS
from gristmill.pipelines.duplicates.pairs import (
    EDGE,
    EXACT_BIT,
    INDEX_PLACE,
    PAIR,
    RECORD,
    IndexFile,
    bucket_pairs,
    bucketed,
    numbered,
    pieces_for,
    records_of,
)
from gristmill.pipelines.duplicates.urls import edges_in_pieces
from gristmill.pipelines.duplicates.verified import Shelf, verified_pairs
from gristmill.pipelines.recipe.schema import Deduplicate
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.storage.parts import read_parts
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.whatif.sets import among, distinct, either

DROPPED_BIT = np.uint64(1 << 63)
"""The first field of a rank: whether rules dropped the document."""
SLOT_BITS, FEWEST_BITS, MOST_BITS = 3, 20, 26
"""Eight slots or more for each key that is looked for, up to 64 MB: a corpus's other keys seldom fall into one that is
taken."""
_UNCHANGED = np.zeros(0, np.uint64), np.zeros(0, bool)


@dataclass(frozen=True)
class Prints:
    """What deduplication knows of a run: by number of a unit its fingerprint files, and what it decided."""

    paths: Mapping[int, Sequence[str]]
    members: np.ndarray
    """Of dtype MEMBER, of all units."""
    places: np.ndarray
    """uint64 of each member: `unit << 32 | row`."""
    indexed: Sequence[Sequence[tuple[str, int]]] = ()
    """The files (path, documents) of each index that the run was deduplicated against."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many documents each index holds."""
        return tuple(sum(documents for _, documents in files) for files in self.indexed)


def dropped_again(prints: Prints, changed: np.ndarray, kept: np.ndarray, options: Deduplicate) -> np.ndarray:
    """uint64, sorted: the places of all documents that are dropped as duplicates when the rules keep others.

    changed: uint64, places of documents whose verdict by the rules changes, sorted; kept: bool, the new one.
    """
    before = prints.places[prints.members["dropped"] > 0]
    if not len(changed):
        return np.sort(before)
    shelf = _Shelf(prints.paths, changed, kept, tuple(numbered(prints.indexed)))
    by_url = _by_url(shelf, options)
    other_url = np.setxor1d(by_url, _by_url(_Shelf(prints.paths, *_UNCHANGED, shelf.indexed), options))
    keys = _keys_at(shelf, either(changed, other_url), options)
    near = either(other_url, _in_company(shelf, keys, options))
    near = near[near < INDEX_PLACE]  # nothing is decided about what an index holds
    shelf.leave_out(by_url)
    concerned = either(near, _clusters_of(prints, near))
    edges = _edges(shelf, concerned, options)
    links = np.empty(len(edges), LINK)
    links["place"], links["root"] = edges["worse"]["place"], edges["better"]["place"]
    places, members = changed[:0], prints.members[:0]
    if len(edges):
        places, members = decide(rooted_edges(edges, contract(links)), Deciding(options.max_lost, prints.sizes))
    return either(before[~among(concerned, before)], places[members["dropped"] > 0], by_url)


def _by_url(shelf: "_Shelf", options: Deduplicate) -> np.ndarray:
    """uint64, sorted: the places of all documents that go for their address."""
    if options.urls is None:
        return np.zeros(0, np.uint64)
    return np.sort(edges_in_pieces(shelf.files, shelf.documents, options)["worse"]["place"])


def _clusters_of(prints: Prints, near: np.ndarray) -> np.ndarray:
    """The places of all members of the clusters that some documents belong to."""
    cluster = np.ascontiguousarray(prints.members["cluster"]).view("V16").ravel()
    return prints.places[among(np.unique(cluster[among(near, prints.places)]), cluster)]


class _Shelf(Shelf[FingerprintFile]):
    """The fingerprint files of a run, with the ranks that documents have under the new verdicts."""

    def __init__(
        self,
        paths: Mapping[int, Sequence[str]],
        changed: np.ndarray,
        kept: np.ndarray,
        indexed: Sequence[IndexFile] = (),
    ):
        super().__init__(self._reranked)
        self._changed, self._kept, self.indexed = changed, kept, indexed
        self._left_out = changed[:0]
        self.paths = {unit: list(some) for unit, some in paths.items()}
        for unit, path, _, behind in indexed:
            self.paths[unit], self.behind[path] = [path], behind
        self._unit_of = {path: unit for unit, some in self.paths.items() for path in some}

    def files(self) -> Iterator[tuple[int, FingerprintFile]]:
        """Every file that has documents, with the number of its unit."""
        for path, unit in self._unit_of.items():
            if len((file := self._get(path)).row):
                yield unit, file

    @property
    def documents(self) -> int:
        """In all files."""
        return sum(len(file.row) for _, file in self.files())

    def leave_out(self, places: np.ndarray) -> None:
        """Documents (sorted places) whose texts nobody is compared with any more."""
        if len(places):
            self._left_out = places
            self.forget()

    def _reranked(self, path: str) -> FingerprintFile:
        file, unit = open_fingerprints(path), self._unit_of[path]
        first, last = np.searchsorted(self._left_out, [unit << 32, (unit + 1) << 32])
        file = file.without(self._left_out[first:last].astype(np.uint32)) if first < last else file
        first, last = np.searchsorted(self._changed, [unit << 32, (unit + 1) << 32])
        rows = self._changed[first:last].astype(np.uint32)
        if not len(rows) or not len(file.row):
            return file
        at = np.minimum(np.searchsorted(file.row, rows), len(file.row) - 1)
        here = file.row[at] == rows
        rank = file.rank.copy()
        dropped = np.where(self._kept[first:last][here], np.uint64(0), DROPPED_BIT)
        rank[at[here]] = (rank[at[here]] & ~DROPPED_BIT) | dropped
        return replace(file, rank=rank)


class _Sieve:
    """Which keys may be among some: all that are, and at most one in 64 of the others. A key is looked for by its lower
    half, and where that is there by its upper one: both are hashes."""

    def __init__(self, keys: np.ndarray):
        bits = min(max(len(keys).bit_length() + SLOT_BITS, FEWEST_BITS), MOST_BITS)
        self._mask = np.uint32((1 << bits) - 1)
        self._held = np.zeros((2, 1 << bits), bool)
        for held, half in zip(self._held, _halves(keys), strict=True):
            held[half & self._mask] = True

    def find(self, keys: np.ndarray) -> np.ndarray:
        """int64: where in an array of keys, taken flat."""
        lower, upper = _halves(keys)
        at = np.flatnonzero(self._held[0].take(lower & self._mask))
        return at[self._held[1].take(upper[at] & self._mask)]


def _halves(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper uint32 of each uint64, flat."""
    halves = np.ascontiguousarray(keys).ravel().view("<u4")
    return halves[::2], halves[1::2]


Choose = Callable[[int, np.ndarray], np.ndarray]
"""(the first of some documents, keys uint64[n, k] of their buckets) -> which of these keys it takes, flat."""


def _asked(file: FingerprintFile, options: Deduplicate, choose: Choose) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(positions in a file, keys) of its documents in the buckets that `choose` takes, some at a time."""
    in_bands, in_texts = bucketed(file, options)
    for some, bands in file.bands() if options.minhash is not None else ():
        flat = choose(some.start, bands)
        at = some.start + flat // bands.shape[1]
        here = in_bands[at]
        yield at[here], bands.ravel()[flat[here]] & ~EXACT_BIT
    exact = np.ascontiguousarray(file.exact[:, :1])
    at = choose(0, exact)
    at = at[in_texts[at]]
    yield at, exact[at, 0] | EXACT_BIT


def _places(unit: int, file: FingerprintFile, at: np.ndarray) -> np.ndarray:
    return (np.uint64(unit) << np.uint64(32)) | file.row[at].astype(np.uint64)


def _keys_at(shelf: _Shelf, places: np.ndarray, options: Deduplicate) -> np.ndarray:
    """The keys of all buckets that some documents (sorted places) are in."""
    found = [np.zeros(0, np.uint64)]
    for unit, file in shelf.files():
        first, last = np.searchsorted(places, [unit << 32, (unit + 1) << 32])
        at = np.searchsorted(file.row, rows := places[first:last].astype(np.uint32))
        at = at[file.row[np.minimum(at, len(file.row) - 1)] == rows]

        def of_these(begin: int, keys: np.ndarray, at: np.ndarray = at) -> np.ndarray:
            mine = at[slice(*np.searchsorted(at, (begin, begin + len(keys))))] - begin
            return (mine[:, None] * keys.shape[1] + np.arange(keys.shape[1])).ravel()

        found += [keys for _, keys in _asked(file, options, of_these)] if len(at) else []
    return np.concatenate(found)


def _sharing(
    shelf: _Shelf, keys: np.ndarray, options: Deduplicate
) -> Iterator[tuple[int, FingerprintFile, np.ndarray, np.ndarray]]:
    """(unit, file, positions in it, keys) of all documents in buckets of these keys, a document once for each bucket;
    and of few other buckets, which are whole, too."""
    sieve = _Sieve(keys)
    for unit, file in shelf.files():
        for at, own in _asked(file, options, lambda _, keys: sieve.find(keys)):
            yield unit, file, at, own


def _in_company(shelf: _Shelf, keys: np.ndarray, options: Deduplicate) -> np.ndarray:
    """The places of the documents in those buckets of these keys that hold two or more: most documents are alone in all
    of theirs, and no pair becomes of them, whatever their rank."""
    near = [np.zeros(0, np.uint64)]
    for piece in _pieces(keys):
        found = [(_places(unit, file, at), own) for unit, file, at, own in _sharing(shelf, piece, options)]
        place, key = (np.concatenate([np.zeros(0, np.uint64), *one]) for one in zip(*found, strict=True))
        shared = _repeated(key)
        shared = shared[among(np.sort(piece), shared)]
        at = _Sieve(shared).find(key)
        near.append(place[at[among(shared, key[at])]])
    return distinct(np.concatenate(near))


def _pieces(keys: np.ndarray) -> list[np.ndarray]:
    pieces = pieces_for(len(keys))
    return [keys[piece::pieces] for piece in range(pieces)]


def _repeated(keys: np.ndarray) -> np.ndarray:
    """Those that come twice or more, once each."""
    keys = np.sort(keys)
    return distinct(keys[1:][keys[1:] == keys[:-1]])


def _edges(shelf: _Shelf, concerned: np.ndarray, options: Deduplicate) -> np.ndarray:
    """EDGE rows between some documents (sorted places), each pair compared as in a run over all."""
    keys = _keys_at(shelf, concerned, options)
    pairs = [np.zeros(0, PAIR)]
    # A pair is of two of them, unless an index holds the better one.
    for piece in _pieces(distinct(keys) if shelf.indexed else _repeated(keys)):
        records = [records_of(unit, file, own, at) for unit, file, at, own in _sharing(shelf, piece, options)]
        found = bucket_pairs(np.concatenate([np.zeros(0, RECORD), *records]))
        inside = among(concerned, found["worse"])
        inside &= among(concerned, found["better"]) | (found["better"] >= INDEX_PLACE)
        pairs.append(found[inside])
    every = np.concatenate(pairs)
    units = every["worse"] >> np.uint64(32)
    edges = [
        some
        for unit in np.unique(units).tolist()
        for some in verified_pairs(unit, every[units == unit], shelf, options)
    ]
    return np.concatenate([np.zeros(0, EDGE), *edges])


def members_at(store: Store, receipts: Sequence[Receipt]) -> tuple[np.ndarray, np.ndarray]:
    """(MEMBER rows, their places) of all units, by the receipts of deduplication in the order of the units."""
    members, places = [np.zeros(0, MEMBER)], [np.zeros(0, np.uint64)]
    for unit, receipt in enumerate(receipts):
        for batch in read_parts(store, receipt, MEMBERS):
            mine = np.frombuffer(batch.column(0)[0].as_py(), MEMBER)
            members.append(mine)
            places.append((np.uint64(unit) << np.uint64(32)) | mine["row"].astype(np.uint64))
    return np.concatenate(members), np.concatenate(places)
