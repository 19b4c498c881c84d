"""Repeated n-grams against a brute force that looks at every length by itself."""

from collections import Counter
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.ngrams import LONGEST, LONGEST_TOP, repeated_ngrams


def brute_force(words: list[int], chars: list[int]) -> list[int]:
    covered_N = [sum(chars)]
    for n in range(2, LONGEST + 1):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        length = {gram: sum(chars[i : i + n]) for i, gram in reversed(list(enumerate(grams)))}
        count = Counter(grams)
        repeated = [gram for gram in count if count[gram] > 1]
        if n <= LONGEST_TOP and repeated:
            repeated = [max(repeated, key=lambda gram: (count[gram], length[gram]))]
        inside = {i + k for i, gram in enumerate(grams) if gram in repeated for k in range(n)}
        covered_N.append(sum(chars[i] for i in inside))
    return covered_N


def run(documents: list[list[int]], length_of: dict[int, int]) -> list[list[int]]:
    words = [word for document in documents for word in document]
    random_hash = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64)
    first_D1 = np.array([0, *accumulate(map(len, documents))], np.int64)
    covered_DN = np.empty((len(documents), LONGEST), np.int64)
    chars_W = np.array([length_of[word] for word in words], np.int32)
    repeated_ngrams(random_hash[np.array(words, np.int64)], chars_W, first_D1, covered_DN)
    return covered_DN.tolist()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.integers(0, 5), max_size=40), max_size=3))
def test_repeated_ngrams__equals_brute_force(documents):
    length_of = {word: word + 1 for word in range(6)}
    assert run(documents, length_of) == [
        brute_force(document, [length_of[word] for word in document]) for document in documents
    ]


@pytest.mark.parametrize("distinct", [1, 2, 20, 300])
def test_repeated_ngrams__long_documents(distinct):
    rng = np.random.default_rng(distinct)
    document = rng.integers(0, distinct, 3000).tolist() + rng.integers(0, distinct, 40).tolist() * 3
    length_of = {word: 1 + word % 7 for word in range(distinct)}
    assert run([document, [0], document[:50]], length_of) == [
        brute_force(words, [length_of[word] for word in words]) for words in (document, [0], document[:50])
    ]


def test_repeated_ngrams__no_documents_no_words():
    assert run([], {}) == []
    assert run([[]], {}) == [[0] * LONGEST]
