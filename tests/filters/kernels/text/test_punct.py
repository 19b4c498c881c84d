"""The `punct` stream: what its words are, and that counting alone gives their number."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.counters import Counters

WORDS = {
    "(yes!)": ["(", "yes", "!", ")"],
    "well-known": ["well", "-", "known"],
    "it's": ["it", "'s"],
    "end.": ["end", "."],
    "wait...": ["wait", "..."],
    "...": ["..."],
    ".": ["."],
    ".5": [".5"],
    "https://a.bc/d-e": ["https://a.bc/d-e"],
    "U.S.": ["U.S", "."],
    "今天，": ["今天", "，"],
    "/path/": ["/path/"],
    "—": ["—"],
    "a--b": ["a", "--", "b"],
}


def stream(text: str) -> list[int]:
    return Counters(pa.array([text], pa.large_string())).punct.stream.hash_W.tolist()


@pytest.mark.parametrize("text", WORDS)
def test_split_punct__words_hash_like_the_same_words_between_white_space(text):
    expected = Counters(pa.array([" ".join(WORDS[text])], pa.large_string())).space.stream
    counters = Counters(pa.array([f" {text} "], pa.large_string()))
    assert counters.punct.stream.hash_W.tolist() == expected.hash_W.tolist()
    assert counters.punct.stream.chars_W.tolist() == expected.chars_W.tolist()


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text(st.sampled_from("aB1.-,'/:(— \n好…#"), max_size=12), max_size=3))
def test_split_punct__counting_alone_gives_the_same_number(texts):
    column = pa.array(texts, pa.large_string())
    whole = Counters(column).punct
    assert Counters(column).punct_count_D.tolist() == whole.stream.count_D.tolist()
    assert (whole.plain_D <= whole.stream.count_D).all()
    assert (whole.alphabetic_D <= whole.plain_D).all()


def test_listed__distinct_words_and_occurrences():
    counters = Counters(pa.array(["the, the of. of", "", "thee"], pa.large_string()))
    distinct, occurrences = counters.listed(counters.punct.stream, ("the", "of"))
    assert (distinct.tolist(), occurrences.tolist()) == ([2, 0, 0], [4, 0, 0])
    assert np.array_equal(*counters.listed(counters.space.stream, ("nothing",)))
