"""Maximal verbatim spans: against brute force by `in`."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.dedup.substrings import Query
from gristmill.pipelines.report.trace.spans import MOST_SPANS, Passage, Pieces
from tests.filters.dedup.test_substrings import plain_tokens

LENGTH = 8
PIECES = ["the mill by the river ", "on the ", "stood. ", "磨坊在河边，", "水车转动。", "a", " ", "\n", "é", "."]
texts = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)
"""English, Chinese without spaces, and both."""


def found(query: str, document: str) -> list[tuple[str, str, int]]:
    """(the span in the document, in the query, tokens)."""
    asked, data = Query.of(query, LENGTH), document.encode()
    return [
        (data[one.begin : one.end].decode(), asked.data[one.at : one.at + one.end - one.begin].decode(), one.tokens)
        for one in Passage(asked, LENGTH).maximal_spans(data)
    ]


@settings(deadline=None, max_examples=200)
@given(texts, texts)
def test_spans__are_in_both_maximal_and_long_enough(query, document):
    data = document.encode()
    for span in Passage(Query.of(query, LENGTH), LENGTH).maximal_spans(data):
        text = data[span.begin : span.end].decode()
        assert text in query
        before, after = data[: span.begin].decode(), data[span.end :].decode()
        assert not (before and before[-1] + text in query)
        assert not (after and text + after[0] in query)
    assert all(here == there for here, there, _ in found(query, document))
    assert all(tokens >= LENGTH for *_, tokens in found(query, document))


@settings(deadline=None, max_examples=200)
@given(texts, texts, texts)
def test_spans__hold_every_passage_of_so_many_tokens(head, shared, tail):
    query, document = f"{head} {shared} one", f"{shared} two {tail}"
    raw, data = query.encode(), document.encode()
    spans = Passage(Query.of(query, LENGTH), LENGTH).maximal_spans(data)
    tokens = plain_tokens(query)
    for i in range(len(tokens) - LENGTH + 1):
        window = raw[tokens[i][0] : tokens[i + LENGTH - 1][1]]
        at = data.find(window)
        while at >= 0:
            assert any(span.begin <= at and at + len(window) <= span.end for span in spans), window.decode()
            at = data.find(window, at + 1)


def test_spans__end_at_characters_though_bytes_beyond_are_equal():
    # 河 and 沲 share their first two bytes; 坊 and 块 do, too.
    same = "一二三四五六七八九十"
    assert found(f"块{same}河", f"坊{same}沲") == [(same, same, 10)]


def test_spans__of_one_diagonal_are_told_apart():
    one, two = "a b c d e f g h i", "k l m n o p q r s"
    assert [text for text, *_ in found(f"{one} x {two}", f"{one} y {two}")] == [f"{one} ", f" {two}"]


def test_spans__one_word_for_ever_ends():
    assert 0 < len(found("a " * 400, "a " * 20_000)) <= MOST_SPANS


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=90), st.integers(1, 40), st.lists(st.integers(0, 89), max_size=6))
def test_pieces__are_found_wherever_they_stand(text, size, begins):
    text = bytes(byte % 3 for byte in text)
    said = list(dict.fromkeys(text[at : at + size + at % 3] for at in begins if at < len(text)))
    pieces = Pieces(text, [(text.find(one), text.find(one) + len(one)) for one in said])
    for other in (text, text[1:] + text, b"", text[: size - 1]):
        expected = [(p, at) for p, one in enumerate(said) for at in range(len(other)) if other.startswith(one, at)]
        assert list(pieces.places(other)) == expected
