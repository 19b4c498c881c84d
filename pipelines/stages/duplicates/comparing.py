"""Duplicates, first half, in blocks: band records (shared_keys.py) -> pairs -> verified edges.

What is compared with what, and when two are alike, is said by `pipelines/duplicates`.
"""

import json
from collections.abc import Iterator

import numpy as np

from gristmill.filters.dedup.fingerprint_rows import FingerprintRows, open_rows
from gristmill.pipelines.duplicates.pairs import EDGE, PAIR, RECORD, bucket_pairs
from gristmill.pipelines.duplicates.verified import IN_MEMORY, Shelf, verified_pairs
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.rows import pick, rows_of
from gristmill.pipelines.stages.duplicates.partitions import EDGE_TAG, PAIR_TAG, PATH_TAG, by_place
from gristmill.pipelines.stages.exchange import Block, BlockDoFn, by_tag, partitions_of, table


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
        self._shelf: Shelf[FingerprintRows] | None = None

    def shelf(self) -> Shelf[FingerprintRows]:
        """That of the worker, with no paths in it; files that an earlier partition has opened stay open."""
        if self._shelf is None:
            self._shelf = Shelf(self._open)
        self._shelf.paths.clear()
        self._shelf.behind.clear()
        return self._shelf

    def _open(self, path: str) -> FingerprintRows:
        return open_rows(path, self._shelf is not None and self._shelf.scattered)

    def teardown(self) -> None:
        """Closes all files."""
        self._shelf = None

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """The pairs of some units' documents."""
        pair_blocks, path_blocks, edge_blocks = by_tag(blocks, PAIR_TAG, PATH_TAG, EDGE_TAG)
        pairs, known = rows_of(pair_blocks, PAIR), rows_of(edge_blocks, EDGE)
        yield from self.blocks.add(np.full(len(known), key, np.uint64), known)
        if not len(pairs):
            return
        shelf = self.shelf()
        documents = 0
        for block in path_blocks:
            for unit, path, count, *behind in json.loads(block):
                shelf.paths.setdefault(unit, []).append(path)
                shelf.behind.update((path, before) for before in behind)
                documents += count
        shelf.scattered = documents > IN_MEMORY
        units, unit_at, counts = np.unique(pairs["worse"] >> np.uint64(32), return_inverse=True, return_counts=True)
        by_unit = np.split(np.argsort(unit_at, kind="stable"), np.cumsum(counts)[:-1])
        for unit, at in zip(units.tolist(), by_unit, strict=True):
            some = pick(pairs, at)
            for edges in verified_pairs(unit, some, shelf, self.options):
                yield from self.blocks.add(np.full(len(edges), key, np.uint64), edges)
