"""How many partitions the shuffles of deduplication have: counted, when all documents are known.

The graph is built before anything is read, and bytes say little: 200 MB are 40,000 pages or two million tweets.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import apache_beam as beam
import numpy as np

from gristmill.filters.dedup.fingerprint_file import FingerprintFile, open_fingerprints
from gristmill.pipelines.duplicates.pairs import EDGE, IndexFile
from gristmill.pipelines.duplicates.sizes import partitions_for
from gristmill.pipelines.records.rows import mixed, rows_of
from gristmill.pipelines.stages.exchange import Block, Group, among, spread
from gristmill.pipelines.storage.parts import check_part
from gristmill.pipelines.storage.remote import attempt

File = tuple[int, str, int]
"""(unit, path of its fingerprint file, documents in it)."""

NEIGHBOURS = np.uint64(14)
"""Bits of a row: what concerns 16,384 documents in a row stays together, so that a partition opens few files."""

PIECE_DOCUMENTS = 65_536
"""Read from a fingerprint file by one task: runners keep what a task gives, 31 MB of band records, until it ends."""

PATH_TAG, PIECE_TAG, PAIR_TAG, EDGE_TAG = b"P", b"F", b"A", b"E"

PATHS_PER_BLOCK = 4096
"""About 1 MiB of paths."""


def by_place(place: np.ndarray, partitions: int) -> np.ndarray:
    """uint64 keys of the partitions of places: by neighbourhood, not by unit, for a unit may hold millions."""
    return among(partitions, spread(mixed(place >> NEIGHBOURS), partitions))


def opened(pieces: Iterable[bytes], chosen: Iterable[bytes] = ()) -> Iterator[tuple[int, FingerprintFile, int, int]]:
    """(unit, its file, first document, the one behind the last) of each piece; what blocks of EDGE rows leave out is
    left out in the file."""
    left_out = rows_of(chosen, EDGE)["worse"]["place"].astype(np.uint32)
    for unit, path, behind, first, last in map(json.loads, pieces):
        file = attempt(partial(open_fingerprints, path), path)
        file = file if behind is None else file.behind(behind)
        yield unit, file.without(left_out) if len(left_out) else file, first, last


def check_indexes(pieces: Iterable[bytes]) -> None:
    """Of files of indexes, for which no receipt of the run stands, the bytes: once each, where the first piece is.
    Raises DamageError: what is not as it was written would be taken for other documents, and nobody would be told."""
    for _, path, behind, first, _ in map(json.loads, pieces):
        if behind is not None and first == 0:
            check_part(path)


class GatherFiles(beam.DoFn):
    """A file -> the same as a block, all in one place."""

    def process(self, element: File) -> Iterator[Block]:
        """One file."""
        yield 0, json.dumps(element).encode()


class OfAllFiles(beam.DoFn):
    """All files, in one place, and so the number of partitions. Those of indexes are known beforehand."""

    def __init__(self, partition_documents: int, indexed: tuple[IndexFile, ...] = ()):
        self.partition_documents = partition_documents
        self.indexed = [json.dumps(file).encode() for file in indexed]

    def all_of(self, element: Group) -> tuple[list[bytes], int]:
        """(the files of units, then of indexes; how many partitions all their documents make)."""
        files = sorted(element[1]) + self.indexed
        documents = sum(json.loads(file)[2] for file in files)
        return files, partitions_for(documents, self.partition_documents)


class SpreadFiles(OfAllFiles):
    """All files -> pieces of them (tagged): unit, path, of indexes what they are ranked behind, first document and the
    one behind the last."""

    def __init__(
        self, partition_documents: int, indexed: tuple[IndexFile, ...] = (), only: Callable[[int], bool] = bool
    ):
        super().__init__(partition_documents, indexed)
        self.only = only
        """Nothing is given for another number of partitions."""

    def process(self, element: Group) -> Iterator[Block]:
        """The only group."""
        files, partitions = self.all_of(element)
        if not self.only(partitions):
            return
        number = 0
        for unit, path, documents, *behind in map(json.loads, files):
            for first in range(0, documents, PIECE_DOCUMENTS):
                piece = [unit, path, *(behind or [None]), first, min(documents, first + PIECE_DOCUMENTS)]
                yield int(among(partitions, number)), PIECE_TAG + json.dumps(piece).encode()
                number += 1


class SharePaths(OfAllFiles):
    """All files -> all of them (tagged) for every partition: what a side input would do, without one."""

    def process(self, element: Group) -> Iterator[Block]:
        """The only group."""
        files, partitions = self.all_of(element)
        for first in range(0, len(files), PATHS_PER_BLOCK):
            block = PATH_TAG + b"[" + b",".join(files[first : first + PATHS_PER_BLOCK]) + b"]"
            for partition in range(partitions):
                yield int(among(partitions, partition)), block
