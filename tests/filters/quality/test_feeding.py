"""What a classifier is given of a text, against a plain reading of it."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.text.unicode import ALNUM, FLAGS, PUNCT, UNSPACED
from gristmill.filters.quality.feeding import FEEDINGS, feed_plain, feed_words

TEXTS = st.lists(st.text() | st.text(alphabet="aB é中文かガท1２.，…—\n \x00\u200b\u2028\x85</s>_"), max_size=4)


def column(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def plain_words(text: str) -> str:
    """The feeding, character by character."""
    words: list[str] = []
    run = mark = ""
    for char in unicodedata.normalize("NFC", text):
        flags = int(FLAGS[ord(char)])
        folded = chr(ord(char) - 0xFEE0) if 0xFF01 <= ord(char) <= 0xFF5E else char
        lower = folded.lower()
        folded = "0" if char.isdigit() else lower if len(lower) == 1 else folded.lower()[0]
        if flags & ALNUM and not flags & UNSPACED:
            run, mark = run + folded, ""
            continue
        words, run = words + [run] * bool(run), ""
        if not flags & (ALNUM | PUNCT):
            mark = ""
        elif flags & ALNUM:
            words, mark = [*words, folded], ""
        elif folded != mark:
            words, mark = [*words, folded], folded
    return " ".join(words + [run] * bool(run))


def test_feed_words__english_and_chinese() -> None:
    fed = feed_words(
        column(["The Mill's 12 wheels -- turn!!!\n\nEvery day.", "磨坊在河边。。。ＡＢＣ ab中", "", "Ünï"])
    )
    assert fed.to_pylist() == [
        "the mill ' s 00 wheels - turn ! every day .",
        "磨 坊 在 河 边 。 abc ab 中",
        "",
        "ünï",
    ]


def test_feed_words__nothing_that_fasttext_takes_for_its_own() -> None:
    (fed,) = feed_words(column(["a </s> b __label__good\nc\u2028d"])).to_pylist()
    assert "</s>" not in fed
    assert "__label__" not in fed
    assert "\n" not in fed


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_feed_words__is_the_plain_reading(texts: list[str]) -> None:
    assert feed_words(column(texts)).to_pylist() == [plain_words(text) for text in texts]


@given(TEXTS)
def test_feed_words__a_document_does_not_depend_on_its_batch(texts: list[str]) -> None:
    whole = feed_words(column([*texts, "tail"])).to_pylist()[: len(texts)]
    assert whole == [feed_words(column([text])).to_pylist()[0] for text in texts]


@given(TEXTS)
def test_feed_plain__is_what_dclm_asks_with(texts: list[str]) -> None:
    """DCLM: " ".join(text.strip().splitlines()); fastText splits at white space, so only that may differ."""
    for text, fed in zip(texts, feed_plain(column(texts)).to_pylist(), strict=True):
        assert fed.split() == " ".join(text.strip().splitlines()).replace("</s>", " ").split()
        assert "\n" not in fed


def test_feed_words__decomposed_letters_read_as_composed_ones() -> None:
    texts = ["Café Ünï", "방앗간은", "plain", "ｶﾞ 磨坊", ""]
    apart = [unicodedata.normalize("NFD", text) for text in texts]
    assert feed_words(column(apart)).to_pylist() == feed_words(column(texts)).to_pylist()


@pytest.mark.parametrize("name", FEEDINGS)
def test_feedings__decomposed_letters_stay_words(name: str) -> None:
    (fed,) = FEEDINGS[name](column([unicodedata.normalize("NFD", "café")])).to_pylist()
    assert len(fed.split()) == 1
