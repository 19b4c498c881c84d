"""Exact substrings: tokens, the windows that stand twice, and cutting them, against plain Python."""

import re
import time
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.batch import text_buffers
from gristmill.filters.dedup.substrings import (
    Query,
    Tokens,
    cut_substrings,
    find_anchors,
    parameters,
    read,
    repeats,
    windows_of,
)
from gristmill.filters.edits import apply
from gristmill.filters.kernels.dedup.substrings import PRIME, times

MIXED = st.text(st.sampled_from("ab ,.\n　磨坊。在é_"), max_size=60)
REPETITIVE = st.lists(
    st.sampled_from(["the mill ", "on the ", "磨坊在", "河边。", "a", " ", "\n", "."]), max_size=40
).map("".join)
WINDOW = np.dtype(
    [
        ("key", "<u8"),
        ("check", "<u4"),
        ("rank", "<u8"),
        ("tie", "<u4"),
        ("place", "<u8"),
        ("begin", "<u4"),
        ("end", "<u4"),
    ]
)


def column(*texts: str) -> pa.Array:
    return pa.array(texts, pa.large_string())


def plain_tokens(text: str) -> list[tuple[int, int]]:
    """Byte ranges of a text's tokens, by a regular expression."""
    han = "\u4e00-\u9fff"
    found = re.finditer(rf"[{han}]|[^\W_{han}]{{1,16}}|([^\w\s]|_)\1{{0,15}}", text)
    return [(len(text[: one.start()].encode()), len(text[: one.end()].encode())) for one in found]


def spans(tokens: Tokens, text: pa.Array) -> list[list[tuple[int, int]]]:
    zero = text_buffers(text)[1]
    return [
        [(int(tokens.begin[n] - zero[d]), int(tokens.end[n] - zero[d])) for n in range(*tokens.start[d : d + 2])]
        for d in range(len(text))
    ]


def windows(text: pa.Array, length: int, characters: bool) -> list[tuple[int, int, int, tuple[int, int]]]:
    """(document, begin, end, hashes) of every window."""
    tokens = read(text, characters)
    anchors = find_anchors(tokens, length)
    key, check, first = windows_of(tokens, anchors.first, anchors.last, length)
    doc = np.searchsorted(tokens.start, first, "right") - 1
    begin, end = tokens.begin[first], tokens.end[first + length - 1]
    return list(
        zip(doc.tolist(), begin.tolist(), end.tolist(), zip(key.tolist(), check.tolist(), strict=True), strict=True)
    )


@settings(deadline=None)
@given(st.lists(MIXED, max_size=4))
def test_read__words_characters_and_marks(texts):
    assert spans(read(column(*texts)), column(*texts)) == [plain_tokens(text) for text in texts]


@settings(deadline=None)
@given(st.lists(MIXED, max_size=4))
def test_read__every_character(texts):
    bounds = [np.cumsum([0, *(len(char.encode()) for char in text)]).tolist() for text in texts]
    expected = [list(pairwise(one)) for one in bounds]
    assert spans(read(column(*texts), characters=True), column(*texts)) == expected


def test_read__what_has_no_word_boundary_is_many_tokens():
    for char in "x-":
        (found,) = spans(read(column(char * 40)), column(char * 40))
        assert found == [(0, 16), (16, 32), (32, 40)]


@settings(deadline=None)
@given(st.lists(REPETITIVE, max_size=5), st.integers(8, 20), st.booleans())
def test_windows__all_of_them_and_equal_where_their_bytes_are(texts, length, characters):
    text = column(*texts)
    data = text_buffers(text)[0].tobytes()
    found = windows(text, length, characters)
    expected = []
    for d, one in enumerate(spans(read(text, characters), text)):
        zero = int(text_buffers(text)[1][d])
        expected += [(d, zero + one[i][0], zero + one[i + length - 1][1]) for i in range(len(one) - length + 1)]
    assert [one[:3] for one in found] == expected
    hashes = {data[begin:end]: hashed for _, begin, end, hashed in found}
    assert all(hashes[data[begin:end]] == hashed for _, begin, end, hashed in found)
    assert len(set(hashes.values())) == len(hashes)


@settings(deadline=None)
@given(st.lists(REPETITIVE, max_size=5), st.integers(8, 20), st.booleans())
def test_anchors__equal_windows_share_one_wherever_they_stand(texts, length, characters):
    """The guarantee of winnowing, w + k - 1."""
    tokens = read(column(*texts), characters)
    anchors = find_anchors(tokens, length)
    size, window = parameters(length)
    assert size + window - 1 == length
    anchor_of = {}
    for key, at, first, last in zip(
        *(getattr(anchors, n).tolist() for n in ("key", "at", "first", "last")), strict=True
    ):
        for n in range(first, last + 1):
            assert n <= at <= n + window - 1
            anchor_of[n] = key
    data = text_buffers(column(*texts))[0].tobytes()
    by_text: dict[bytes, set[int]] = {}
    for n, key in anchor_of.items():
        by_text.setdefault(data[tokens.begin[n] : tokens.end[n + length - 1]], set()).add(key)
    assert all(len(keys) == 1 for keys in by_text.values())


@pytest.mark.parametrize("text", ["a few words", "", "磨坊在河边", " \n "])
def test_anchors__a_short_text_has_none(text):
    assert len(find_anchors(read(column(text)), 50).key) == 0


@settings(deadline=None)
@given(st.integers(0, int(PRIME) - 1), st.integers(0, int(PRIME) - 1))
def test_times__in_the_field(a, b):
    assert int(times(np.uint64(a), np.uint64(b))) == a * b % int(PRIME)


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 4), st.integers(0, 30)), max_size=40, unique=True
)
"""(key, check, document, begin); the documents' ranks are their numbers, or all equal."""


@settings(deadline=None)
@given(rows, st.sampled_from(["rank", "tie", "place"]))
def test_repeats__as_plain_python(made, ranked_by):
    table = np.zeros(len(made), WINDOW)
    for at, (key, check, doc, begin) in enumerate(made):
        ranks = {"rank": 0, "tie": 0, ranked_by: doc, "place": doc}
        table[at] = (key, check, ranks["rank"], ranks["tie"], ranks["place"], begin, begin + 10)
    expected = [
        any(
            (key, check) == other[:2] and (other[2] < doc or (other[2] == doc and other[3] + 10 <= begin))
            for other in made
        )
        for key, check, doc, begin in made
    ]
    assert repeats(table).tolist() == expected


def test_repeats__one_passage_in_many_documents_is_looked_at_once_in_each():
    table = np.zeros(400_000, WINDOW)
    table["place"] = table["rank"] = np.random.default_rng(1).permutation(len(table))
    table["end"] = 10
    repeats(table[:9])
    began = time.process_time()
    goes = repeats(table)
    assert time.process_time() - began < 2, "a square would be hours"
    assert table["rank"][~goes].tolist() == [0]


ENGLISH = "One sentence here. Another one follows it. And a third, (cut) at the end"
CHINESE = "磨坊在河边。水车转动！谁来磨面？没有人知道"


@pytest.mark.parametrize(
    ("text", "gone", "at", "left"),
    [
        (
            ENGLISH,
            "tence here. Another one follows it. And",
            "sentence",
            ENGLISH.replace("Another one follows it. ", ""),
        ),
        (ENGLISH, "sentence here. Another", "sentence", ENGLISH),
        (ENGLISH, "Another one follows it.", "character", ENGLISH.replace("Another one follows it. ", "")),
        (ENGLISH, "cut) at the end", "character", "One sentence here. Another one follows it. And a third, ("),
        (ENGLISH, "ird, (cut)", "character", "One sentence here. Another one follows it. And a th at the end"),
        (ENGLISH, ENGLISH, "character", ""),
        (ENGLISH, ENGLISH, "sentence", ""),
        (CHINESE, "河边。水车转动！谁来磨面？没有", "sentence", "磨坊在河边。没有人知道"),
        (CHINESE, "河边。水车转动！", "character", "磨坊在谁来磨面？没有人知道"),
        ("　　" + CHINESE, CHINESE, "character", ""),
    ],
)
def test_cut__at_sentences_or_characters(text, gone, at, left):
    begin = len(text[: text.index(gone)].encode())
    spans = (np.array([0]), np.array([begin]), np.array([begin + len(gone.encode())]))
    assert apply(column(text), cut_substrings(column(text), *spans, at))[0].as_py() == left


def test_cut__spans_with_only_white_space_between_are_one():
    text = "One two. Three four five.\nSix."
    spans = (np.array([0, 0]), np.array([0, 15]), np.array([14, 25]))
    assert apply(column(text), cut_substrings(column(text), *spans, "sentence"))[0].as_py() == "Six."


@settings(deadline=None)
@given(st.lists(REPETITIVE, min_size=1, max_size=3), st.data())
def test_cut__sentences_stay_or_go_whole_and_nothing_else_goes(texts, data):
    text = column(*texts)
    tokens = spans(read(text), text)
    doc = data.draw(st.sampled_from(range(len(texts))))
    if not tokens[doc]:
        return
    begin, end = sorted(data.draw(st.lists(st.integers(0, len(tokens[doc]) - 1), min_size=2, max_size=2)))
    zero = int(text_buffers(text)[1][doc])
    first, last = tokens[doc][begin][0], tokens[doc][end][1]
    span = (np.array([doc]), np.array([zero + first]), np.array([zero + last]))
    raw = texts[doc].encode()
    for at in ("sentence", "character"):
        edits = cut_substrings(text, *span, at)
        assert set(edits.doc_E.tolist()) <= {doc}
        for a, b in zip(edits.start_E.tolist(), edits.end_E.tolist(), strict=True):
            outside = raw[a : max(a, min(first, b))] + raw[min(b, max(last, a)) : b]
            assert not outside.decode().strip()
        if at == "character":
            assert "".join(apply(text, edits)[doc].as_py().split()) == "".join(
                (raw[:first] + raw[last:]).decode().split()
            )


@settings(deadline=None)
@given(st.one_of(MIXED, REPETITIVE, st.text(st.sampled_from("-_x "), max_size=60)), st.integers(8, 20))
def test_query__is_what_the_kernels_say(text, length):
    tokens = read(column(text))
    anchors = find_anchors(tokens, length)
    query = Query.of(text, length)
    assert (query.begin, query.end) == (tokens.begin.tolist(), tokens.end.tolist())
    assert set(query.anchors) == set(anchors.key.tolist())
    size, _ = parameters(length)
    of_key: dict[int, set[bytes]] = {}
    for key, at in zip(anchors.key.tolist(), anchors.at.tolist(), strict=True):
        of_key.setdefault(key, set()).add(query.data[tokens.begin[at] : tokens.end[at + size - 1]])
    assert {key: {query.data[a:b]} for key, (a, b) in query.anchors.items()} == of_key


@pytest.mark.parametrize("passage", ["the old mill stands by a river in town", "磨坊在河边，水车转动"])
def test_windows__the_white_space_before_does_not_count_that_within_does(passage):
    text = column(passage, f"x {passage}", f"x\n\n{passage}", f"。{passage}", passage[:4] + "  " + passage[4:])
    length = len(plain_tokens(passage))
    hashes = [hashed for _, begin, end, hashed in windows(text, length, False) if end - begin >= len(passage.encode())]
    same = [hashed for hashed in hashes if hashed == hashes[0]]
    assert len(same) == 4
    assert len(hashes) > 4
