"""How much of an item stands in a document, weighed by how rare its words are: what is contamination, and what not."""

from dataclasses import dataclass

import numpy as np

from gristmill.filters.contamination.index import RARE, Index, rarity, weights

PRIOR = 1000
"""Documents without any item that are thought of beside those of a corpus: in a small one, few say little."""
PLENTY, SCANT = 6.0, 3.0
"""Rare words (the sum of weights, a word that one item alone has being 1) from which on a question needs nothing else;
and below which it is one of those that anybody may ask."""
LACKS, LACKS_MOST = 0.10, 0.30
"""What is taken off the score at SCANT rare words, from PLENTY down, and below it."""
TOP = 1000
"""The best score."""
ADDS = 0.25
"""What an answer, choices or a passage near by adds to it."""
WHOLE_ENOUGH = 800
"""Thousandths of these that must stand there: "The answer is 7" shares three words with "The answer is 9"."""
ALONE = 0.04
"""What is taken off where an item has any of these and none is near by: it may be another of the same form."""
OTHER_NUMBERS = 0.20
"""What is taken off where all numbers of a question are others: a question of the same form. One number may be an edit;
of the others each has its share of this."""
SELDOM, FEW = 0.01, 30
"""Share of the documents above which an item that stands in them is a phrase of the corpus, and how many are few in a
small one, too. Far above what is left of a leak once duplicates are gone: to miss one is worse than to drop documents
for a phrase."""
# Letters: T words of questions, I items, R candidates, P pairs of an item and a document.


@dataclass(frozen=True)
class Weights:
    """Of the words of all questions, once it is known how common their seeds are in a corpus."""

    index: Index
    weight_T: np.ndarray
    """int64, 1..RARE"""

    @classmethod
    def of(cls, index: Index, documents_G: np.ndarray, documents: int) -> "Weights":
        """documents_G: in how many of so many documents each seed stands."""
        gram_T, rare_T = index.array("gram_T"), index.array("rare_T").astype(np.int64)
        common_G = rarity(documents_G + 1, documents, PRIOR).astype(np.int64)
        in_corpus_T = np.where(gram_T >= 0, common_G[np.maximum(gram_T, 0)] if len(common_G) else RARE, RARE)
        joint_T = np.where(rare_T > 0, np.maximum(1, rare_T * in_corpus_T // RARE), 0)
        return cls(index, weights(index, joint_T))

    def scores(self, item_R: np.ndarray, found_R8: np.ndarray, support_R3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the score, the share of the question) of candidates, int64 thousandths.

        The share is that of the weights of the words that agree. A question of few rare words has something taken off;
        so does one of other numbers; an answer, choices or a passage near by add to it, those of one word half as much.
        """
        first_I1 = self.index.array("first_I1")
        begins = np.r_[0, np.cumsum(self.weight_T)]
        whole_I = begins[first_I1[1:]] - begins[first_I1[:-1]]
        counted = [self._found(first_I1, item, bits) for item, bits in zip(item_R.tolist(), found_R8, strict=True)]
        share_R, other_R = np.array(counted, np.float64).reshape(-1, 2).T
        share_R = share_R.astype(np.int64) * 1000 // np.maximum(whole_I[item_R], 1)
        rare_R = whole_I[item_R] / RARE
        lacks_R = np.clip((PLENTY - rare_R) / (PLENTY - SCANT), 0, 1) * LACKS
        lacks_R = np.where(rare_R < SCANT, LACKS_MOST, lacks_R)
        length_I3 = np.diff(self.index.array("first_support")[3 * item_R[:, None] + np.arange(4)], axis=1)
        there_R3 = np.where(support_R3 >= WHOLE_ENOUGH, support_R3, 0)
        support_R = (there_R3 * np.minimum(length_I3, 2) // 2).max(axis=1, initial=0)
        lacks_R = lacks_R + ALONE * ((support_R == 0) & (length_I3.sum(axis=1) > 0))
        lacks_R += OTHER_NUMBERS * other_R
        score_R = share_R - np.floor(1000 * lacks_R).astype(np.int64) + np.floor(ADDS * support_R).astype(np.int64)
        return np.clip(score_R, 0, TOP), share_R

    def _found(self, first_I1: np.ndarray, item: int, bits: np.ndarray) -> tuple[int, float]:
        """(the weight of the words that agree, the share of numbers beside one that do not)."""
        mine = slice(first_I1[item], first_I1[item + 1])
        weight, numbers = self.weight_T[mine], self.index.array("numbers_T")[mine] > 0
        found = np.unpackbits(np.ascontiguousarray(bits).view(np.uint8), bitorder="little")[: len(weight)] > 0
        others, all_numbers = int((numbers & ~found).sum()), int(numbers.sum())
        return int(weight[found].sum()), max(0, others - 1) / max(1, all_numbers - 1)


def seldom(item_R: np.ndarray, document_R: np.ndarray, score_R: np.ndarray, documents: int) -> np.ndarray:
    """bool[R]: which candidates (score_R: int64 thousandths) tell that their item stands there: those of which few of
    all `documents` hold the item as well. document_R: uint64, any numbers that tell documents apart.

    A document with the very item among many that have half of it in a common phrase is one of few; a phrase that each
    tenth document has is in as many as it says.
    """
    order = np.lexsort((-score_R, document_R, item_R))
    item_P, document_P = item_R[order], document_R[order]
    best = np.r_[True, (item_P[1:] != item_P[:-1]) | (document_P[1:] != document_P[:-1])][: len(order)]
    key_P = np.sort(_falling(item_P[best], score_R[order][best]))
    first_R = np.searchsorted(key_P, _falling(item_R, np.full(len(item_R), TOP)))
    as_well_R = np.searchsorted(key_P, _falling(item_R, score_R), "right") - first_R
    return as_well_R <= max(FEW, SELDOM * documents)


def _falling(item: np.ndarray, score: np.ndarray) -> np.ndarray:
    """int64 keys in the order of items, of one item the best first."""
    return item.astype(np.int64) * (TOP + 1) + TOP - score
