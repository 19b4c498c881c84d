"""Spherical k-means: documents that mean alike lie in one partition, so that only these are compared.

Letters: N documents, D dimensions, K partitions, S sampled documents.
"""

import numpy as np

SIZE = 4_096
"""Documents of a partition that are aimed at."""
_SAMPLES, _ROUNDS, _BLOCK = 64, 10, 8_192


def partitions_of(vectors_ND: np.ndarray, seed: int, size: int = SIZE) -> np.ndarray:
    """[N] int32: the partition of each document, numbered from 0 without a gap.

    vectors_ND: float32 of length 1. A partition of more than four times `size` is parted again, until it cannot be.
    """
    parts_N, found = np.zeros(len(vectors_ND), np.int32), 0
    everything = np.arange(len(vectors_ND))
    pending = _parted(vectors_ND, everything, seed, size)
    while pending:
        rows = pending.pop()
        pieces = _parted(vectors_ND, rows, seed, size) if len(rows) > 4 * size else [rows]
        if len(pieces) > 1:
            pending += pieces
        else:
            parts_N[rows] = found
            found += 1
    return parts_N


def _parted(vectors_ND: np.ndarray, rows: np.ndarray, seed: int, size: int) -> list[np.ndarray]:
    count = -(-len(rows) // size)
    generator = np.random.default_rng(seed)
    sample = np.sort(generator.choice(rows, min(len(rows), _SAMPLES * count), replace=False))
    centroids_KD = _centroids(vectors_ND[sample], count)
    nearest = np.concatenate(
        [(vectors_ND[rows[start : start + _BLOCK]] @ centroids_KD.T).argmax(1) for start in range(0, len(rows), _BLOCK)]
    )
    return [piece for k in range(len(centroids_KD)) if len(piece := rows[nearest == k])]


def _centroids(vectors_SD: np.ndarray, count: int) -> np.ndarray:
    """[K, D] float32 of length 1: Lloyd's algorithm by cosine, from evenly spaced documents of the sample."""
    centroids_KD = vectors_SD[np.linspace(0, len(vectors_SD) - 1, count).astype(np.int64)]
    for _ in range(_ROUNDS):
        nearest_S = (vectors_SD @ centroids_KD.T).argmax(1)
        sums_KD = np.zeros_like(centroids_KD)
        np.add.at(sums_KD, nearest_S, vectors_SD)
        norms_K = np.linalg.norm(sums_KD, axis=1)
        moved = norms_K > 0
        centroids_KD[moved] = sums_KD[moved] / norms_K[moved, None]
    return centroids_KD
