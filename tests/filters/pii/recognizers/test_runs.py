"""A pattern that is not tried, because no run of digits or letters is of its length, would have matched nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.pii.entities import DEFAULT
from gristmill.filters.pii.recognizers import phone
from gristmill.filters.pii.recognizers.patterns import InContext
from gristmill.filters.pii.recognizers.runs import LONGEST, bits, runs
from gristmill.filters.pii.registry import recognizers
from tests.filters.pii.conftest import labelled_set

PIECES = ["0", "1", "13", "86", "138", "415", "020", "4111", "62220", "110105", "1949123", "9111111", "8 (", "(", ")"]
TEXTS = st.lists(st.sampled_from([*PIECES, *" -./+XA电１", "bc1"]), max_size=14).map("".join)


@settings(deadline=None)
@given(st.text("0129aZ 中-é", max_size=200))
def test_runs__are_those_of_a_regular_expression(text):
    digits, words = runs(text)
    assert digits == bits(map(len, re.findall("[0-9]+", text)))
    assert words == bits(map(len, re.findall("[0-9A-Za-z]+", text)))


def test_runs__longer_ones_count_as_the_longest():
    assert runs("1" * 200)[0] == 1 << LONGEST == bits([63]) == bits([64])


LIMITED = [
    (one.presidio, pattern)
    for one in recognizers(DEFAULT)
    if isinstance(one.presidio, InContext)
    for pattern in one.presidio.patterns
    if pattern.name in (*one.presidio.DIGITS, *one.presidio.WORDS)
]
SHAPES = phone.PhoneRecognizer()._shapes


@pytest.fixture(scope="module")
def labelled() -> list[str]:
    return [sample.text for sample in labelled_set(7, 3)]


def wrong(text: str) -> list[str]:
    """Patterns that match and would not be tried."""
    for recognizer, pattern in LIMITED:
        recognizer._of_pattern(pattern, "0" * 64 + "".join(f" {'0' * n}" for n in range(1, 64)))  # compiles it
    missed = [
        f"{type(recognizer).__name__} {pattern.name}"
        for recognizer, pattern in LIMITED
        if not recognizer._can_match(pattern.name, text) and pattern.compiled_regex.search(text)
    ]
    digits = runs(text)[0]
    return missed + [shape.pattern for shape, found, lengths in SHAPES if not digits & lengths and found.search(text)]


@settings(deadline=None)
@given(TEXTS)
def test_patterns__that_are_not_tried_match_nothing(text):
    assert wrong(text) == []


def test_patterns__nor_on_labelled_texts(labelled):
    assert len(LIMITED) >= 11
    assert [found for text in labelled if (found := wrong(text))] == []
