"""Which band keys several documents have: of most corpora few, and only their records are worth a shuffle.

    pieces -> half of each key, 4 bytes -> which stand twice, 1 bit -> records of these, 28 bytes
               by hash of the key          by piece                    by hash of the key

A key that is alone makes no pair. Halves that are equal by chance cost two records and change nothing. Where documents
are few all keys make records at once: stages cost more than bytes.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from gristmill.filters.dedup.fingerprint_file import FingerprintFile
from gristmill.filters.kernels.dedup.buckets import at_repeats
from gristmill.pipelines.duplicates.pairs import INDEX_UNIT, RECORD, band_keys, records_of
from gristmill.pipelines.duplicates.sizes import few
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.stages.duplicates.partitions import EDGE_TAG, PIECE_TAG, check_indexes, opened
from gristmill.pipelines.stages.exchange import (
    BLOCK_BYTES,
    Block,
    BlockDoFn,
    among,
    by_tag,
    partitions_of,
    spread,
)

HALF = np.dtype("<u4")
"""The high bits of a key: its low ones say where it goes."""

HALVES_TAG, SHARED_TAG = b"H", b"S"

HEAD = np.dtype([("piece", "<u4"), ("first", "<u4"), ("count", "<u4"), ("indexed", "<u4")])
"""What a block of halves begins with, and the bits that answer it: `count` keys of a piece from `first` on, in the
order of the partitions that they went to; whether the piece is of an index."""

INDEXED = np.uint64(1 << 31)
"""Set in the position of a half that an index holds, so that it is sorted behind those of the run."""


def keys_of_pieces(
    pieces: Iterable[bytes], chosen: Iterable[bytes], options: schema.Deduplicate
) -> Iterator[tuple[int, FingerprintFile, np.ndarray, np.ndarray]]:
    """(unit, its file, uint64[n] keys, int64[n] positions of who has them) of each piece; see `opened`."""
    for unit, file, first, last in opened(pieces, chosen):
        found = [(np.zeros(0, np.uint64), np.zeros(0, np.int64)), *band_keys(file, options, first, last)]
        yield unit, file, np.concatenate([key for key, _ in found]), np.concatenate([at for _, at in found])


def in_partitions(keys: np.ndarray, partitions: int) -> tuple[np.ndarray, np.ndarray]:
    """(int64[n] the keys of a piece by the partition that their halves go to, int64 where each partition begins and
    the last one ends). Of halves there are as many bytes to a partition as of records: a seventh of the partitions."""
    fewer = -(-partitions * HALF.itemsize // RECORD.itemsize)
    partition = spread(keys, fewer).astype(np.uint16)
    return np.argsort(partition, kind="stable"), np.r_[0, np.cumsum(np.bincount(partition, minlength=fewer))]


def repeated(half: np.ndarray, indexed: np.ndarray) -> np.ndarray:
    """int64, rising: the positions of the halves (HALF[n]) that stand twice or more, once at least outside of indexes
    (bool[n]): documents of these are compared with others only."""
    at = at_repeats(half)
    position = at.astype(np.uint64) | np.where(indexed[at], INDEXED, np.uint64(0))
    packed = np.sort(half[at].astype(np.uint64) << np.uint64(32) | position)
    value = packed >> np.uint64(32)
    same = value[1:] == value[:-1]
    member = np.flatnonzero(np.r_[False, same] | np.r_[same, False])
    value, position = value[member], packed[member] & np.uint64(0xFFFFFFFF)
    begins = np.flatnonzero(np.r_[True, value[1:] != value[:-1]][: len(value)])
    owned = np.repeat(position[begins] < INDEXED, np.diff(np.r_[begins, len(value)]))
    return np.sort((position[owned] & ~INDEXED).astype(np.int64))


class EmitKeys(BlockDoFn):
    """Pieces of fingerprint files, and EDGE rows of their documents that are left out (both tagged), which pass ->
    halves of their keys (tagged), by hash of the key."""

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One piece."""
        yield from ((key, block) for block in blocks)
        partitions, most = partitions_of(key), BLOCK_BYTES // HALF.itemsize
        pieces, chosen = by_tag(blocks, PIECE_TAG, EDGE_TAG)
        check_indexes(pieces)
        for unit, _, keys, _ in keys_of_pieces(pieces, chosen, self.options):
            order, bounds = in_partitions(keys, partitions)
            half = (keys[order] >> np.uint64(32)).astype(HALF)
            for partition, (begin, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
                for first in range(begin, end, most):
                    some = half[first : min(first + most, end)]
                    head = np.array((key & 0xFFFFFFFF, first, len(some), unit >= INDEX_UNIT), HEAD)
                    yield int(among(partitions, partition)), HALVES_TAG + head.tobytes() + some.tobytes()


class FindShared(BlockDoFn):
    """Halves of one partition -> a bit for each, by piece (both tagged); what is tagged otherwise passes."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition of keys."""
        halves = by_tag(blocks, HALVES_TAG, PIECE_TAG, EDGE_TAG)[0]
        yield from ((key, block) for block in blocks if block[:1] != HALVES_TAG)
        if not halves:
            return
        head = np.concatenate([np.frombuffer(block, HEAD, 1) for block in halves])
        half = np.concatenate([np.frombuffer(block, HALF, offset=HEAD.itemsize) for block in halves])
        shared = np.zeros(len(half), bool)
        shared[repeated(half, np.repeat(head["indexed"] > 0, head["count"]))] = True
        for one, bits in zip(head, np.split(shared, np.cumsum(head["count"])[:-1]), strict=True):
            if bits.any():
                to = int(among(partitions_of(key), one["piece"]))
                yield to, SHARED_TAG + one.tobytes() + np.packbits(bits).tobytes()


class EmitBands(BlockDoFn):
    """Pieces of fingerprint files, EDGE rows of their documents that are left out, bits that say which of their keys
    are shared (all tagged) -> RECORD blocks of these, by hash of the key."""

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One piece."""
        partitions = partitions_of(key)
        pieces, chosen, bits = by_tag(blocks, PIECE_TAG, EDGE_TAG, SHARED_TAG)
        if few(partitions):  # else EmitKeys did
            check_indexes(pieces)
        for unit, file, keys, at in keys_of_pieces(pieces, chosen, self.options) if bits or few(partitions) else ():
            order, _ = in_partitions(keys, partitions)
            shared = np.full(len(keys), few(partitions))
            for block in bits:
                ((_, first, count, _),) = np.frombuffer(block, HEAD, 1).tolist()
                packed = np.frombuffer(block, np.uint8, offset=HEAD.itemsize)
                shared[order[first : first + count]] = np.unpackbits(packed, count=count)
            records = records_of(unit, file, keys[shared], at[shared])
            yield from self.blocks.add(among(partitions, spread(records["key"], partitions)), records)
