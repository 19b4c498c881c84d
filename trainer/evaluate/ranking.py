"""Texts ranked by the words of another one: BM25 (Robertson and Zaragoza 2009), in English and in Chinese.

Words of Latin and other scripts are terms in lower case; of Chinese, Japanese and Korean the pairs of characters, which
need no word boundaries.

Letters: D texts, P postings.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np

K1, B = 1.2, 0.75  # the usual values
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TERMS = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+")


class Ranking:
    """Texts that are compared with others."""

    def __init__(self, texts: Iterable[str]):
        counts = [Counter(terms(text)) for text in texts]
        self.length_D = np.array([sum(count.values()) for count in counts], np.float64)
        self.postings: dict[str, list[tuple[int, int]]] = {}
        for number, count in enumerate(counts):
            for term, times in count.items():
                self.postings.setdefault(term, []).append((number, times))

    def scores(self, text: str) -> np.ndarray:
        """float64 (D,): of each text, 0 where it has no term in common."""
        count, score_D = len(self.length_D), np.zeros(len(self.length_D))
        for term in sorted(set(terms(text)) & self.postings.keys()):
            index_P, times_P = np.array(self.postings[term]).T
            weight = math.log(1 + (count - len(index_P) + 0.5) / (len(index_P) + 0.5))
            norm_P = K1 * (1 - B + B * self.length_D[index_P] / self.length_D.mean())
            score_D[index_P] += weight * times_P * (K1 + 1) / (times_P + norm_P)
        return score_D


def terms(text: str) -> Iterator[str]:
    """What a text is found by."""
    for run in _TERMS.findall(unicodedata.normalize("NFKC", text).lower()):
        if re.match(rf"[{_CJK}]", run) and len(run) > 1:
            yield from ("".join(two) for two in pairwise(run))
        else:
            yield run
