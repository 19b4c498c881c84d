"""Several indexes -> one: decided again as if all their documents had been one input, the first index first.

In this process, on the same kernels as a run: the pairs of all documents, and a share of the band records at a time.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gristmill.filters.dedup.fingerprint_file import (
    ELSEWHERE,
    LOST,
    RANK_STEP,
    URL_COLUMNS,
    FingerprintFile,
    Settled,
    open_fingerprints,
)
from gristmill.filters.dedup.fingerprints import OWN_BIT
from gristmill.pipelines.duplicates.components import LINK, MEMBER, Deciding, contract, decide, rooted_edges
from gristmill.pipelines.duplicates.members import Membership
from gristmill.pipelines.duplicates.pairs import (
    EDGE,
    PAIR,
    RECORD,
    band_keys,
    bucket_pairs,
    decided_by,
    pieces_for,
    records_of,
)
from gristmill.pipelines.duplicates.urls import edges_in_pieces
from gristmill.pipelines.duplicates.verified import Shelf, verified_pairs
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.indexes.written import DECIDED, IndexWriter, Staying, open_index
from gristmill.pipelines.recipe.deduplication import Deduplicate
from gristmill.pipelines.recipe.files.index_files import TakenIndex
from gristmill.pipelines.records.rows import mixed, pick
from gristmill.pipelines.storage.parts import check_part

FINGERPRINT_COLUMNS = ["row", "doc_id", "rank", "exact", "bands", "shingles"]
URL_COLUMN_NAMES = [field.name for field in URL_COLUMNS]

Whole = tuple[TakenIndex, dict[str, Any]]


def merge(places: list[str], target: Path | str, name: str) -> dict[str, Any]:
    """Write an index of all documents of several; gives its manifest. Raises RecipeError for indexes that cannot be
    compared with each other, DamageError for files that are not as they were written."""
    indexes = [open_index(place) for place in places]
    options = _options(indexes)
    for index, _ in indexes:
        for path, _ in index.addressed:
            check_part(path)
    merged = _Merged(indexes, options)
    with IndexWriter(target, name, options) as writer:
        merged.write(writer)
        origins = [{"index": index.name, "sha256": index.sha256} for index, _ in indexes]
        ours = {index.sha256 for index, _ in indexes}
        others = {one for _, manifest in indexes for one in manifest["against"]} - ours
        return writer.finish(origins, sorted(others))


def _options(indexes: list[Whole]) -> Deduplicate:
    """How all of them were decided. Raises RecipeError where that differs."""
    first, said = indexes[0]
    for index, manifest in indexes[1:]:
        for key in ("hashes", "minhash", "urls", "deduplicate"):
            if (mine := _told(manifest, key)) != (its := _told(said, key)):
                what = f"'{index.name}' and '{first.name}' differ in {key}: {mine}, and {its}"
                fix = (
                    "build both from runs with the same `deduplicate`; or name both in `against`, which needs no merge"
                )
                raise RecipeError(what, where=index.place, fix=fix)
    if len({index.sha256 for index, _ in indexes}) < len(indexes):
        raise RecipeError("an index is named twice", where="gristmill index merge", fix="name each of them once")
    return Deduplicate(**{key: _told(said, "deduplicate")[key] for key in DECIDED})


def _told(manifest: dict[str, Any], key: str) -> Any:
    """What a manifest says; indexes of earlier versions know no addresses, and do not say so."""
    return {"urls": None, **manifest["deduplicate"]} if key == "deduplicate" else manifest.get(key)


class _Merged:
    """The documents of all indexes as if none had been decided about: files are units, by number."""

    def __init__(self, indexes: list[Whole], options: Deduplicate):
        self.options = options
        self.shelf = Shelf(self._undecided)
        self._order: dict[str, tuple[int, bool]] = {}
        self._left_out: dict[str, np.ndarray] = {}
        self.documents = 0
        ours = {index.sha256 for index, _ in indexes}
        for index, manifest in indexes:
            whole = set(manifest["against"]) <= ours
            for path, _ in index.addressed:
                self.shelf.paths[len(self.shelf.paths)] = [path]
                self._order[path] = (self.documents, whole)
            self.documents += index.documents

    def _undecided(self, path: str) -> FingerprintFile:
        """With ranks of a run; whoever lost against an index that is not merged stays out, and keeps that flag."""
        file, (behind, whole) = open_fingerprints(path), self._order[path]
        number = (file.rank // RANK_STEP + np.uint64(behind)) * np.uint64(RANK_STEP)
        elsewhere = np.uint64(0) if whole else file.rank & ELSEWHERE
        assert file.settled is not None
        settled = replace(file.settled, by=decided_by(self.options), cluster=file.doc_id)
        file = replace(
            file, rank=OWN_BIT | number | elsewhere, settled=settled, url_order=file.url_order + np.uint64(behind)
        )
        return file.without(self._left_out[path]) if path in self._left_out else file

    def _files(self) -> Iterator[tuple[int, FingerprintFile]]:
        return ((unit, self._undecided(path)) for unit, (path,) in self.shelf.paths.items())

    def _by_url(self) -> np.ndarray:
        """EDGE rows of documents that go for their address; they are left out from now on."""
        if self.options.urls is None:
            return np.zeros(0, EDGE)
        edges = edges_in_pieces(self._files, self.documents, self.options)
        place = edges["worse"]["place"]
        for unit, (path,) in self.shelf.paths.items():
            self._left_out[path] = place[place >> np.uint64(32) == unit].astype(np.uint32)
        return edges

    def edges(self) -> np.ndarray:
        """EDGE rows of all documents."""
        by_url = self._by_url()
        bands = self.options.minhash.bands if self.options.minhash else 0
        pieces = pieces_for(self.documents * (1 + bands))
        pairs = np.concatenate([np.zeros(0, PAIR), *(self._pairs(piece, pieces) for piece in range(pieces))])
        units = pairs["worse"] >> np.uint64(32)
        found = [
            some
            for unit in np.unique(units).tolist()
            for some in verified_pairs(unit, pick(pairs, np.flatnonzero(units == unit)), self.shelf, self.options)
        ]
        return np.concatenate([by_url, *found])

    def _pairs(self, piece: int, pieces: int) -> np.ndarray:
        """PAIR rows of the buckets whose key falls into a piece of all keys, each once."""
        records = [np.zeros(0, RECORD)]
        for unit, file in self._files():
            for key, at in band_keys(file, self.options):
                mine = mixed(key) % np.uint64(pieces) == piece
                records.append(records_of(unit, file, key[mine], at[mine]))
        return bucket_pairs(np.concatenate(records))

    def members(self) -> Iterator[Membership]:
        """What is decided about the documents of each file."""
        edges = self.edges()
        links = np.empty(len(edges), LINK)
        links["place"], links["root"] = edges["worse"]["place"], edges["better"]["place"]
        places, members = np.zeros(0, np.uint64), np.zeros(0, MEMBER)
        if len(edges):
            places, members = decide(rooted_edges(edges, contract(links)), Deciding(self.options.max_lost))
        order = np.argsort(places)
        places, members = places[order], members[order]
        for unit in self.shelf.paths:
            yield Membership(members[slice(*np.searchsorted(places, (unit << 32, (unit + 1) << 32)).tolist())])

    def write(self, writer: IndexWriter) -> None:
        """All documents, as they were decided about; whoever stays out, as its index has it."""
        memberships = list(self.members())
        staying = self._staying(memberships)
        for (path,), members in zip(self.shelf.paths.values(), memberships, strict=True):
            before, file = open_fingerprints(path).settled, self._undecided(path)
            assert before is not None
            listed, member = members.of_rows(file.row)
            lost, out = member["dropped"] > 0, file.rank & ELSEWHERE > 0
            winner_rank = np.zeros(len(lost), np.uint64)
            winner_rank[lost] = staying.ranks(member["winner"][lost])
            settled = Settled(
                winner=np.where(out[:, None], before.winner, member["winner"]),
                winner_rank=winner_rank,
                similarity=np.where(out, before.similarity, member["similarity"]),
                lost=np.where(out, before.lost, member["lost"]),
                cluster=np.where(
                    out[:, None], before.cluster, np.where(listed[:, None], member["cluster"], file.doc_id)
                ),
                by=before.by,
            )
            flags = file.rank & ELSEWHERE | np.where(lost | out, LOST, np.uint64(0))
            number = _number(file)
            first = 0
            for batch in file.batches:
                some = slice(first, first := first + len(batch))
                columns = FINGERPRINT_COLUMNS + (URL_COLUMN_NAMES if file.urls else [])
                order = file.url_order[some] if file.urls else None
                writer.add(batch.select(columns), number[some], flags[some], settled.part(some), order)

    def _staying(self, memberships: list[Membership]) -> Staying:
        """Those that others lost to, perhaps."""
        ids, numbers = [np.zeros((0, 16), np.uint8)], [np.zeros(0, np.int64)]
        for (path,), members in zip(self.shelf.paths.values(), memberships, strict=True):
            file = self._undecided(path)
            listed, member = members.of_rows(file.row)
            at = np.flatnonzero(listed & (member["dropped"] == 0))
            ids.append(file.doc_id[at])
            numbers.append(_number(file)[at])
        return Staying(np.concatenate(ids), np.concatenate(numbers))


def _number(file: FingerprintFile) -> np.ndarray:
    """int64[D]: the order of its documents in the merged index."""
    return ((file.rank & ~OWN_BIT) // np.uint64(RANK_STEP)).astype(np.int64)
