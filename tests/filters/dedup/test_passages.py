"""Passages: where they begin and end, when two are equal, and what is left when they are cut."""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.dedup.passages import UNITS, cut_passages, find_passages
from gristmill.filters.edits import apply

ENGLISH = "Hello Mr. Smith. How are you? It costs 3.50 today.\n  An indented line\n\nA second paragraph! “Quoted.” Yes"
CHINESE = "他说：“你好！”我很好。真的吗?我不信…好吧\n　　第二段有一句话。\n扫码关注ABC公众号"


def column(*texts: str) -> pa.Array:
    return pa.array(texts, pa.large_string())


def said(text: pa.Array, unit: str, run: int = 1) -> list[tuple[int, str]]:
    passages = find_passages(text, unit, run)
    data = text.buffers()[2].to_pybytes() if text.buffers()[2] else b""
    spans = zip(passages.doc.tolist(), passages.begin.tolist(), passages.end.tolist(), strict=True)
    return [(doc, data[begin:end].decode()) for doc, begin, end in spans]


def without(text: str, unit: str, *gone: int) -> str:
    passages = find_passages(column(text), unit).take(np.array(gone, np.int64))
    edits = cut_passages(column(text), passages.doc, passages.begin, passages.end, "repeated_line")
    return apply(column(text), edits)[0].as_py()


def key(text: str) -> tuple[int, int]:
    passages = find_passages(column(text), "line")
    return int(passages.hash[0]), int(passages.check[0])


def test_find__sentences_in_english():
    assert [sentence for _, sentence in said(column(ENGLISH), "sentence")] == [
        *("Hello Mr. Smith.", "How are you?", "It costs 3.50 today.", "An indented line"),
        *("A second paragraph!", "“Quoted.”", "Yes"),
    ]


def test_find__sentences_in_chinese_without_spaces():
    assert [sentence for _, sentence in said(column(CHINESE), "sentence")] == [
        *("他说：“你好！”", "我很好。", "真的吗?", "我不信…", "好吧", "第二段有一句话。", "扫码关注ABC公众号"),
    ]


@pytest.mark.parametrize(
    "marked",
    [
        "我不信…| 他走了。",
        "我不信……| 「好吧。」|他说。",
        "等等...|他走了。",
        "等等...| 他走了。",
        "Wait…| He said no.",
        "Wait… he said no.",
        "“Wait…”| He said no.",
        "看a...b的例子。",
        "价格…… 100元。",
        "水車は古い．|川は長い．",
        "円周率は3．14である．|続く．",
    ],
)
def test_find__an_ellipsis_however_it_is_written_and_the_wide_period(marked):
    sentences = [sentence.strip() for sentence in marked.split("|")]
    assert [sentence for _, sentence in said(column(marked.replace("|", "")), "sentence")] == sentences


@pytest.mark.parametrize("closer", list("\"')]}»’”〉》」』】〕〗〙〛〞〟）］｝｣＂"))
def test_find__what_closes_a_quotation_belongs_to_its_sentence(closer):
    text = f"他问你来吗？{closer}我来。"
    assert [sentence for _, sentence in said(column(text), "sentence")] == [f"他问你来吗？{closer}", "我来。"]


def test_find__runs_stay_in_their_document():
    texts = column("一。二。三。四。", "五。六。", "七。八。九。")
    assert said(texts, "sentence", 3) == [(0, "一。二。三。"), (0, "二。三。四。"), (2, "七。八。九。")]


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("ab .\n　磨坊\t\r"), max_size=40), max_size=4))
def test_find__lines_and_paragraphs_as_plain_python_splits_them(texts):
    lines = [(d, line.strip()) for d, text in enumerate(texts) for line in text.split("\n") if line.strip()]
    assert said(column(*texts), "line") == lines
    paragraphs = [
        (d, paragraph.strip())
        for d, text in enumerate(texts)
        for paragraph in re.split(r"\n(?:[^\S\n]*\n)+", text)
        if paragraph.strip()
    ]
    assert said(column(*texts), "paragraph") == paragraphs


@settings(deadline=None)
@given(st.text(st.sampled_from("abA .!?\n。！？”」…磨坊\t1é"), max_size=60))
def test_find__sentences_hold_all_but_white_space(text):
    pieces = "".join(sentence for _, sentence in said(column(text), "sentence"))
    assert re.sub(r"\s", "", pieces) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Read more about the mill!", "  read MORE,  about - the mill"),
        ("更多内容请关注我们。", "更多内容，请关注我们"),
        ("ＡＢＣ", "ａｂｃ"),
        ("Café crème", unicodedata.normalize("NFD", "Café crème")),
        ("磨坊ABC在河边", "磨坊abc在河边！"),
    ],
)
def test_find__equal_words_are_equal(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a mill", "am ill"),
        ("the mill the", "the the mill"),
        ("一二", "二一"),
        ("ＡＢＣ", "ABC"),
        ("x", "x x"),
        ("1.5", "15"),
    ],
)
def test_find__other_words_are_not(one, other):
    assert key(one)[0] != key(other)[0]
    assert key(one)[1] != key(other)[1]


def test_find__letters_of_scripts_without_spaces_count_twice():
    assert find_passages(column("ab 1, 磨坊。", "…"), "line").letters.tolist() == [7, 0]


@pytest.mark.parametrize(
    ("unit", "gone", "left"),
    [
        ("line", [0], "  An indented line\n\nA second paragraph! “Quoted.” Yes"),
        ("line", [1], "Hello Mr. Smith. How are you? It costs 3.50 today.\n\nA second paragraph! “Quoted.” Yes"),
        ("line", [2], "Hello Mr. Smith. How are you? It costs 3.50 today.\n  An indented line"),
        ("line", [0, 1], "A second paragraph! “Quoted.” Yes"),
        ("line", [1, 2], "Hello Mr. Smith. How are you? It costs 3.50 today."),
        ("line", [0, 1, 2], ""),
        ("paragraph", [0], "A second paragraph! “Quoted.” Yes"),
        ("sentence", [0], ENGLISH.removeprefix("Hello Mr. Smith. ")),
        ("sentence", [1], ENGLISH.replace("How are you? ", "")),
        ("sentence", [2], ENGLISH.replace(" It costs 3.50 today.", "")),
        ("sentence", [0, 1, 2], ENGLISH.partition("\n")[2]),
        ("sentence", [5, 6], ENGLISH.removesuffix(" “Quoted.” Yes")),
    ],
)
def test_cut__leaves_no_gap_in_english(unit, gone, left):
    assert without(ENGLISH, unit, *gone) == left


@pytest.mark.parametrize(
    ("unit", "gone", "left"),
    [
        ("line", [1], "他说：“你好！”我很好。真的吗?我不信…好吧\n扫码关注ABC公众号"),
        ("line", [2], "他说：“你好！”我很好。真的吗?我不信…好吧\n　　第二段有一句话。"),
        ("sentence", [1, 2], CHINESE.replace("我很好。真的吗?", "")),
        ("sentence", [4], CHINESE.replace("好吧", "")),
        ("sentence", [5], CHINESE.replace("　　第二段有一句话。\n", "")),
    ],
)
def test_cut__leaves_no_gap_in_chinese(unit, gone, left):
    assert without(CHINESE, unit, *gone) == left


def test_cut__a_paragraph_between_others_takes_one_gap_with_it():
    assert without("one\n\n two\n\nthree\nfour", "paragraph", 1) == "one\n\nthree\nfour"
    assert without("one\nlast\n\nthree", "line", 1) == "one\n\nthree"
    assert without("one\r\ntwo\r\nthree\r\n", "line", 1) == "one\r\nthree\r\n"


@settings(deadline=None)
@given(
    st.lists(st.text(st.sampled_from("abA .!?\n。！？”」…磨坊\t　1é"), max_size=60), min_size=1, max_size=4),
    st.sampled_from(sorted(UNITS)),
    st.data(),
)
def test_cut__what_stays_is_what_was_not_cut(texts, unit, data):
    text = column(*texts)
    passages = find_passages(text, unit)
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=len(passages.doc), max_size=len(passages.doc))), bool)
    chosen = passages.take(gone)
    left = apply(text, cut_passages(text, chosen.doc, chosen.begin, chosen.end, "repeated_line"))
    for d, before in enumerate(texts):
        stays = [piece for (doc, piece), cut in zip(said(text, unit), gone, strict=True) if doc == d and not cut]
        assert re.sub(r"\s", "", left[d].as_py()) == re.sub(r"\s", "", "".join(stays))
        if not gone[passages.doc == d].any():
            assert left[d].as_py() == before
