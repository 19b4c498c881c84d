"""Borders of values."""

import regex
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.pii.recognizers.patterns import FLAGS, apart

PIECES = ["id", "ID", "Card", "kid", "no", "证", " ", "_", ".", ":", "-", "x", "1", "12345", "6789"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_apart__looked_back_for_from_behind_it_is_the_same_border(text):
    words, ends = ("id", "card", "no"), r"\d[.:-]"
    before = regex.compile(apart(*words, ends=ends) + r"\d{3}", FLAGS)
    behind = regex.compile(apart(*words, begins=r"\d{3}", ends=ends), FLAGS)
    assert [m.span() for m in behind.finditer(text)] == [m.span() for m in before.finditer(text)]


def test_apart__words_that_are_written_against_a_value():
    border = regex.compile(apart("id", begins=r"\d{2}", ends=r"\d[.]"), FLAGS)
    assert [m[0] for m in border.finditer("ID12 证34 kid56 7.89 x01")] == ["12", "34"]
