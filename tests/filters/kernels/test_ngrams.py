"""Repeated n-grams against a brute force that looks at every length by itself."""

from collections import Counter
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.ngrams import EVERY, LONGEST, LONGEST_TOP, ONCE, PASSED, WAYS, WHOLE, repeated_ngrams


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


def datatrove(words: list[str]) -> list[int]:
    """find_top_duplicate and find_all_duplicate of datatrove's gopher_repetition_filter.py."""
    found = [len("".join(words))]
    for n in range(2, LONGEST + 1):
        grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        if n <= LONGEST_TOP:
            gram, count = Counter(grams).most_common(1)[0] if grams else ("", 0)
            found.append(len(gram) * count)
            continue
        met, repeated, at = set(), 0, 0
        while at < len(grams):
            if grams[at] in met:
                repeated += len(grams[at].replace(" ", ""))
                at += n
            else:
                met.add(grams[at])
                at += 1
        found.append(repeated)
    return found


def dolma(words: list[str]) -> tuple[list[int], list[int]]:
    """(inside repeated n-grams, inside all) of dolma's taggers/gopher.py."""
    found, whole = [len("".join(words))], [len("".join(words))]
    for n in range(2, LONGEST + 1):
        count = Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
        if n <= LONGEST_TOP:
            gram, times = count.most_common(1)[0] if count else ((), 0)
            found.append(times * len("".join(gram)))
        else:
            found.append(sum(times * len("".join(gram)) for gram, times in count.items() if times > 1))
        whole.append(sum(times * len("".join(gram)) for gram, times in count.items()))
    return found, whole


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.integers(0, 3), max_size=40), max_size=3))
def test_repeated_ngrams__as_datatrove_and_dolma_count(documents):
    length_of = {word: word + 1 for word in range(6)}
    text = [[chr(97 + word) * length_of[word] for word in document] for document in documents]
    assert run(documents, length_of, PASSED) == [datatrove(words) for words in text]
    assert run(documents, length_of, EVERY) == [dolma(words)[0] for words in text]
    assert run(documents, length_of, WHOLE) == [dolma(words)[1] for words in text]


def run(documents: list[list[int]], length_of: dict[int, int], counting: int = ONCE) -> list[list[int]]:
    words = [word for document in documents for word in document]
    random_hash = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64)
    first_D1 = np.array([0, *accumulate(map(len, documents))], np.int64)
    covered_KDN = np.empty((WAYS, len(documents), LONGEST), np.int64)
    chars_W = np.array([length_of[word] for word in words], np.int32)
    repeated_ngrams(random_hash[np.array(words, np.int64)], chars_W, first_D1, covered_KDN)
    return covered_KDN[counting].tolist()


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
