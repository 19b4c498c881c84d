"""Documents that stand in two splits, of one run or of several: by duplicate cluster, by doc_id, by equal tokens, and
those that are nearly the same.

Letters: D documents of a pool, H held-out documents.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gristmill.tokenizer.jit import kernel
from gristmill.tokenizer.mixing.near import NearIndex
from gristmill.tokenizer.mixing.pool import Pool, Run
from gristmill.tokenizer.sampling import mix64

KEY = 0x6C65_616B  # "leak"


@dataclass(frozen=True)
class Known:
    """What documents are known by, as hashes."""

    ids: np.ndarray
    """uint64, sorted: of doc_id and cluster. A cluster is named by the doc_id of its best document."""
    contents: np.ndarray
    """uint64, sorted: of the tokens."""

    @classmethod
    def of(cls, pools: Sequence[Pool]) -> "Known":
        """Of all documents of these pools."""
        ids = [pool.hashes(column, KEY) for pool in pools for column in ("doc_id", "cluster")]
        contents = [content_hashes(pool) for pool in pools]
        empty = [np.zeros(0, np.uint64)]
        return cls(np.unique(np.concatenate(empty + ids)), np.unique(np.concatenate(empty + contents)))

    def by_id(self, pool: Pool) -> np.ndarray:
        """bool (D,): documents of the pool with a doc_id or a cluster that is known."""
        return _among(pool.hashes("doc_id", KEY), self.ids) | _among(pool.hashes("cluster", KEY), self.ids)

    def by_content(self, pool: Pool) -> np.ndarray:
        """bool (D,): documents of the pool whose tokens are those of a known document."""
        return _among(content_hashes(pool), self.contents)


def overlaps(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Every pair of splits, of one run or of two, that have documents in common: how many of the first one's. `leak`:
    they are different splits, so that one is trained on what the other is to measure; what is nearly the same is looked
    for in those alone."""
    names = [f"{run.name}/{split}" for run in runs for split in run.index.splits]
    pools = [Pool([run], split) for run in runs for split in run.index.splits]
    known, near = [Known.of([pool]) for pool in pools], _alike(pools)
    found = []
    for n, m in itertools.permutations(range(len(pools)), 2):
        by_id = known[m].by_id(pools[n])
        by_content = known[m].by_content(pools[n]) & ~by_id
        alike = near.get((n, m), np.zeros(len(pools[n]), np.bool_)) & ~by_id & ~by_content
        counts = {"id": int(by_id.sum()), "content": int(by_content.sum()), "near": int(alike.sum())}
        if any(counts.values()):
            found.append({"of": names[n], "in": names[m], **counts, "leak": pools[n].split != pools[m].split})
    return found


def _alike(pools: Sequence[Pool]) -> dict[tuple[int, int], np.ndarray]:
    """bool (D,) of documents of one pool that are like one of another, of pools of different splits."""
    found: dict[tuple[int, int], np.ndarray] = {}
    order = sorted(range(len(pools)), key=lambda n: sum(len(shard.tokens) for shard in pools[n].shards))
    for place, n in enumerate(order):
        larger = [m for m in order[place + 1 :] if pools[m].split != pools[n].split]
        index = NearIndex.of(pools[n]) if larger else None
        for m in larger:
            assert index is not None
            found[m, n], found[n, m] = index.alike(pools[m])
    return found


def content_hashes(pool: Pool) -> np.ndarray:
    """uint64 (D,): hash of each document's tokens."""
    parts = [np.zeros(0, np.uint64)]
    for shard in pool.shards:
        hash_D = np.empty(len(shard), np.uint64)
        hash_tokens(shard.tokens, shard.offsets, hash_D)
        parts.append(hash_D)
    return np.concatenate(parts)


@kernel
def hash_tokens(tokens, offsets, hash_D):
    """64-bit hash of every document's ids, three at a time, the length first."""
    for d in range(hash_D.size):
        value = mix64(np.uint64(offsets[d + 1] - offsets[d]) ^ np.uint64(KEY))
        word, shift = np.uint64(0), np.uint64(0)
        for i in range(offsets[d], offsets[d + 1]):
            word = (word << np.uint64(21)) ^ np.uint64(tokens[i])
            shift += np.uint64(1)
            if shift == np.uint64(3):  # ids have 21 bits at most: three to a word, and none is lost
                value = mix64(value ^ word)
                word, shift = np.uint64(0), np.uint64(0)
        hash_D[d] = mix64(value ^ word)


def _among(hash_D: np.ndarray, known: np.ndarray) -> np.ndarray:
    at = np.searchsorted(known, hash_D)
    found = at < len(known)
    found[found] = known[at[found]] == hash_D[found]
    return found
