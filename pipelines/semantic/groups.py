"""Groups of alike documents: every one that goes names one that stays and is at least as alike as the threshold.

Letters: N documents, D dimensions, B documents of a block, L documents that stay.
"""

from dataclasses import dataclass

import numpy as np

_BLOCK, _STAY = 1_024, 16_384
_ROUNDING = 1e-6
"""Of a cosine in float32: equal embeddings may have one a little below 1."""


@dataclass(frozen=True)
class Groups:
    """Of N documents."""

    winners_N: np.ndarray
    """int64: which document stays for this one; itself, where it stays."""
    similarity_N: np.ndarray
    """float32: the cosine of both; 1 where it stays."""


def groups_of(vectors_ND: np.ndarray, parts_N: np.ndarray, threshold: float) -> Groups:
    """Groups of documents within their partitions, in one pass over the documents in their order.

    A document goes if the most alike of those before it that stay reaches the threshold. SemDeDup (arXiv 2303.09540)
    compares with all before it, those that went, too: there a document may go for one that is not in the output.
    The time grows with the documents of a partition times those of them that stay.
    """
    winners_N = np.arange(len(vectors_ND))
    similarity_N = np.ones(len(vectors_ND), np.float32)
    for rows in _by_part(parts_N):
        _group(vectors_ND, rows, threshold, winners_N, similarity_N)
    return Groups(winners_N, similarity_N)


def _by_part(parts_N: np.ndarray) -> list[np.ndarray]:
    """The documents of each partition, in their order."""
    order = np.argsort(parts_N, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(parts_N[order])) + 1)


def _group(
    vectors_ND: np.ndarray, rows: np.ndarray, threshold: float, winners_N: np.ndarray, similarity_N: np.ndarray
) -> None:
    stay_LD, stay_L, count = np.empty((len(rows), vectors_ND.shape[1]), np.float32), np.empty(len(rows), np.int64), 0
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        vectors_BD = np.asarray(vectors_ND[block])
        best_B, cosine_B = _most_alike(vectors_BD, stay_LD[:count])
        within_BB, first = vectors_BD @ vectors_BD.T, count
        new: list[int] = []
        for b in range(len(block)):
            best, cosine = best_B[b], cosine_B[b]
            if new and (among := within_BB[b, new]).max() > cosine:
                best, cosine = first + int(among.argmax()), among.max()
            if cosine >= threshold - _ROUNDING:
                winners_N[block[b]], similarity_N[block[b]] = stay_L[best], min(cosine, 1)
                continue
            stay_LD[count], stay_L[count] = vectors_BD[b], block[b]
            new.append(b)
            count += 1


def _most_alike(vectors_BD: np.ndarray, stay_LD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[B] int64 and [B] float32: for each document the first of the most alike of those that stay, and the cosine."""
    best_B, cosine_B = np.zeros(len(vectors_BD), np.int64), np.full(len(vectors_BD), -2, np.float32)
    for start in range(0, len(stay_LD), _STAY):
        cosines = vectors_BD @ stay_LD[start : start + _STAY].T
        found = cosines.argmax(1)
        highest = np.take_along_axis(cosines, found[:, None], 1)[:, 0]
        better = highest > cosine_B
        best_B[better], cosine_B[better] = start + found[better], highest[better]
    return best_B, cosine_B
