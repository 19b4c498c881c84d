"""Words as texts are compared: canonical equivalence, width, case, marks; where they stand."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.contamination.words import words_of

TEXTS = st.text(st.sampled_from("abZé ǅßﬁ\u0301\u00ad,.!?磨坊が한국ｶﾞ①Ａ9\n-'&;#"), max_size=40)


def said(text: str) -> list[int]:
    return words_of(text).hash.tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The mill, by the river!", "the MILL by\n the   river"),
        ("Café naïve", "Cafe\u0301 nai\u0308ve"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("磨坊在河边，转动。", "磨 坊在\n河边转 动"),
        ("한국어 문장", unicodedata.normalize("NFD", "한국어 문장")),
        ("ガイド", "ｶﾞｲﾄﾞ"),
        ("soft\u00adhyphen", "softhyphen"),
        ("ﬁne", "fine"),
        ("用GPT-4回答问题", "用 gpt 4 回答 问题"),
        ("下列关于计算机网络的说法，正确的是头发和里面干燥", "下列關於計算機網絡的說法，正確的是頭髮和裏面乾燥"),
        ("着为卫启台只", "著為衛啟臺隻"),  # as Taiwan and Hong Kong write them
        ("着为卫启只", "着爲衞啓衹"),
        ("He said: “don't”, & left", "He said: &ldquo;don&#39;t&rdquo;, &amp; left"),
        ("关于“磨坊”的说法", "关于&ldquo;磨坊&#x201D;的说法"),
        ("a < b", "a&nbsp;&lt;&nbsp;b"),
        ("乾坤", "干坤"),  # what one form tells apart and the other one does not is the same
    ],
)
def test_words__equal_where_only_form_differs(one, other):
    assert said(one) == said(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mill stone", "millstone"),
        ("磨坊", "坊磨"),
        ("發", "髟"),
        ("at&t;", "at"),
        ("a &b and", "a and"),
        ("x &quot", "x"),
        ("3 5", "35"),
        ("한국", "한극"),
    ],
)
def test_words__differ_where_the_text_does(one, other):
    assert said(one) != said(other)


@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_words__are_those_of_every_canonical_form(text):
    assert said(text) == said(unicodedata.normalize("NFC", text)) == said(unicodedata.normalize("NFD", text))


@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_words__each_stands_where_it_says(text):
    raw, words = text.encode(), words_of(text)
    for hashed, begin, end in zip(words.hash.tolist(), words.begin.tolist(), words.end.tolist(), strict=True):
        assert said(raw[begin:end].decode()) == [hashed], "whole characters, and that word alone"
    assert (words.begin[1:] >= words.end[:-1]).all()


def test_words__numbers_begin_once():
    words = words_of("It cost $1,000 and 3.50 for ３只羊, 第12章第①条, x7")
    text = "It cost $1,000 and 3.50 for ３只羊, 第12章第①条, x7".encode()
    numbers = [text[at:].decode().split()[0] for at in words.begin[words.numbers].tolist()]
    assert [number[0] for number in numbers] == ["1", "3", "３", "1", "①"]
    assert not words_of("").numbers.size
