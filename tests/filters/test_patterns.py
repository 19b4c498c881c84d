"""A pattern that is compiled when it is first used does then what a compiled one does."""

import re

import pytest

from gristmill.filters.patterns import LazyPattern, lazy_pattern


def test_lazy_pattern__does_what_a_pattern_does():
    lazy, plain = lazy_pattern("磨坊|mill", re.IGNORECASE), re.compile("磨坊|mill", re.IGNORECASE)
    for text in ("A MILL", "在磨坊", "a river"):
        assert lazy.findall(text) == plain.findall(text)
        assert lazy.sub("-", text) == plain.sub("-", text)
    assert (lazy.pattern, lazy.flags) == (plain.pattern, plain.flags)
    assert lazy_pattern(rb"[\x80-\xff]").search("é".encode())


def test_lazy_pattern__is_compiled_when_it_is_first_used():
    lazy = lazy_pattern("(")
    assert isinstance(lazy, LazyPattern)
    with pytest.raises(re.error):
        lazy.search("a")
