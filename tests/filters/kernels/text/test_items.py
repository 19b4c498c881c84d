"""Pieces between line breaks against Python's own splitting."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.counters import Counters
from gristmill.filters.kernels.text.items import BLANK, EACH, RUNS, SPLITLINES

TEXTS = st.lists(
    st.sampled_from(["a", "好", " ", "\n", "\n", "\n\n", "\r", "\r\n", "\x0b", "\x85", "\u2028", "é", "…"]), max_size=12
)
SPLIT = {
    EACH: lambda text: text.split("\n"),
    RUNS: lambda text: re.split(r"\n+", text),
    BLANK: lambda text: re.split(r"\n{2,}", text.strip()),
    SPLITLINES: str.splitlines,
}


def pieces(texts: list[str], how: int) -> list[list[str]]:
    counters = Counters(pa.array(texts, pa.large_string()))
    found, data = counters.pieces(how), counters.data_B.tobytes()
    spans = [data[begin:end].decode() for begin, end in zip(found.begin_I, found.end_I, strict=True)]
    return [spans[begin:end] for begin, end in zip(found.first_D1, found.first_D1[1:], strict=False)]


@pytest.mark.parametrize("how", SPLIT)
@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS.map("".join), max_size=4))
def test_split_items__as_python_does(how, texts):
    assert pieces(texts, how) == [SPLIT[how](text) for text in texts]


@settings(deadline=None)
@given(st.lists(TEXTS.map("".join), max_size=4))
def test_piece_edges__bullets_and_ellipses(texts):
    counters = Counters(pa.array(texts, pa.large_string()))
    bullets, ellipses = counters.piece_edges(SPLITLINES, True, "a好", True)
    for text, begun, ended in zip(texts, bullets, ellipses, strict=True):
        lines = [line.strip() for line in text.splitlines()]
        assert begun == sum(line.startswith(("a", "好")) for line in lines)
        assert ended == sum(line.endswith(("...", "…")) for line in lines)


def test_third_longest():
    texts = ["aaa\nb\n好好", "a\nb", "", "a\n\nccc\ndd"]
    assert Counters(pa.array(texts, pa.large_string())).third_longest_line_D.tolist() == [1, 0, 0, 1]


def test_median_of_no_words_and_long_ones():
    counters = Counters(pa.array(["", "a bb", "x" * 5000, " "], pa.large_string()))
    assert counters.median_space_word_D.tolist() == [0.0, 1.5, 5000.0, 0.0]
    assert np.isfinite(counters.median_space_word_D).all()
