"""Documents of two splits that are nearly the same: by the share of their runs of five ids, exactly, none missed.

The smaller split is held as an index of its runs of ids; the documents of the other one go by. One of which more than
1 - NEAR of the runs stand nowhere in the index is like none of its documents, which settles nearly all of them. Of the
others, whoever is alike shares one of its rarest runs (prefix filtering: Chaudhuri et al. 2006, Bayardo et al. 2007).

Letters: D documents that go by, H documents of the index, N different runs in it, P places of runs in documents,
B buckets of the first bits of a hash.
"""

from dataclasses import dataclass

import numpy as np

from gristmill.tokenizer.jit import inner, kernel
from gristmill.tokenizer.mixing.pool import Pool
from gristmill.tokenizer.sampling import mix64

NEAR = 0.8
"""Jaccard similarity of sets of runs."""
RUN = 5
"""Ids; a document with fewer is known by its equal tokens alone."""
KEY = 0x6E_6561_72  # "near"


@dataclass(frozen=True)
class NearIndex:
    """The runs of ids of one split."""

    hash_N: np.ndarray
    """uint64, sorted."""
    begin_N1: np.ndarray
    """int64: where the documents of each begin in `document_P`."""
    document_P: np.ndarray
    """int32."""
    begin_H1: np.ndarray
    """int64: where each document's runs begin in `run_P`."""
    run_P: np.ndarray
    """int32: numbers of runs (of `hash_N`) of each document, ascending."""
    bucket_B1: np.ndarray
    """int64: where hashes with these first bits begin in `hash_N`."""
    shift: np.uint64

    @classmethod
    def of(cls, pool: Pool) -> "NearIndex":
        """Of all documents of a pool."""
        parts, counts = [np.zeros(0, np.uint64)], [np.zeros(1, np.int64)]
        for shard in pool.shards:
            hash_P = np.empty(len(shard.tokens), np.uint64)
            count_D = np.empty(len(shard), np.int64)
            parts.append(hash_P[: all_runs(shard.tokens, shard.offsets, hash_P, count_D)].copy())
            counts.append(count_D)
        begin_H1 = np.cumsum(np.concatenate(counts))
        hash_N, run_P = np.unique(np.concatenate(parts), return_inverse=True)
        order_P = np.argsort(run_P, kind="stable")
        document_P = np.repeat(np.arange(len(begin_H1) - 1, dtype=np.int32), np.diff(begin_H1))[order_P]
        begin_N1 = np.searchsorted(run_P[order_P], np.arange(len(hash_N) + 1)).astype(np.int64)
        bits = max(1, len(hash_N).bit_length())
        first_B = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
        bucket_B1 = np.append(np.searchsorted(hash_N, first_B), len(hash_N)).astype(np.int64)
        return cls(hash_N, begin_N1, document_P, begin_H1, run_P.astype(np.int32), bucket_B1, np.uint64(64 - bits))

    def alike(self, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
        """bool (D,), bool (H,): documents of the pool, and of the index, that one of the other side is like."""
        near_H, parts = np.zeros(len(self.begin_H1) - 1, np.bool_), [np.zeros(0, np.bool_)]
        for shard in pool.shards:
            near_D = np.zeros(len(shard), np.bool_)
            if len(self.hash_N):
                find_alike(
                    shard.tokens, shard.offsets, NEAR, self.hash_N, self.begin_N1, self.document_P, self.begin_H1,
                    self.run_P, self.bucket_B1, self.shift, near_D, near_H,
                )  # fmt: skip
            parts.append(near_D)
        return np.concatenate(parts), near_H


@inner
def runs_of(tokens, start, end, hash_P):
    """Writes the hashes of all different runs of ids of a document, ascending; how many."""
    count = 0
    for i in range(start, end - RUN + 1):  # ids have 21 bits at most: three to a word, and none is lost
        first = (np.uint64(tokens[i]) << np.uint64(42)) | (np.uint64(tokens[i + 1]) << np.uint64(21))
        first |= np.uint64(tokens[i + 2])
        second = (np.uint64(tokens[i + 3]) << np.uint64(21)) | np.uint64(tokens[i + 4])
        hash_P[count] = mix64(mix64(first ^ np.uint64(KEY)) ^ second)
        count += 1
    hash_P[:count].sort()
    different = 0
    for i in range(count):
        if different == 0 or hash_P[i] != hash_P[different - 1]:
            hash_P[different] = hash_P[i]
            different += 1
    return different


@kernel
def all_runs(tokens, offsets, hash_P, count_D):
    """The runs of every document, one document after the other; how many in all."""
    at = 0
    for d in range(count_D.size):
        count_D[d] = runs_of(tokens, offsets[d], offsets[d + 1], hash_P[at:])
        at += count_D[d]
    return at


@kernel
def find_alike(tokens, offsets, least, hash_N, begin_N1, document_P, begin_H1, run_P, bucket_B1, shift, near_D, near_H):
    """Sets near_D and near_H where the intersection of two documents' runs is `least` of their union, or more."""
    longest = 1
    for d in range(near_D.size):
        longest = max(longest, offsets[d + 1] - offsets[d])
    hashes, known = np.empty(longest, np.uint64), np.empty(longest, np.int32)
    asked_H = np.full(near_H.size, -1, np.int64)
    for d in range(near_D.size):
        size = runs_of(tokens, offsets[d], offsets[d + 1], hashes)
        needed = int(np.ceil(least * size - 1e-9))
        there = 0
        for i in range(size):
            bucket = np.int64(hashes[i] >> shift)
            for n in range(bucket_B1[bucket], bucket_B1[bucket + 1]):
                if hash_N[n] == hashes[i]:
                    known[there] = n
                    there += 1
                    break
        if size == 0 or there < needed:
            continue
        rare_N = known[:there][np.argsort(begin_N1[known[:there] + 1] - begin_N1[known[:there]])]
        for n in rare_N[: there - needed + 1]:
            for p in range(begin_N1[n], begin_N1[n + 1]):
                h = document_P[p]
                if asked_H[h] == d:
                    continue
                asked_H[h] = d
                both, other = 0, begin_H1[h]
                for i in range(there):
                    while other < begin_H1[h + 1] and run_P[other] < known[i]:
                        other += 1
                    both += other < begin_H1[h + 1] and run_P[other] == known[i]
                if both >= least * (size + begin_H1[h + 1] - begin_H1[h] - both) - 1e-9:
                    near_D[d] = near_H[h] = True
