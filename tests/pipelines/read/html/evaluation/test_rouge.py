"""ROUGE against a count by hand and by brute force."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.read.html.evaluation.rouge import rouge, squeezed, words

SOME_WORDS = st.lists(st.sampled_from("abc"), max_size=12)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The **mill** grinds\n- grain, 2 x a day!", ["The", "mill", "grinds", "grain", "2", "x", "a", "day"]),
        ("zh", "磨坊在河边，用GPT-4磨面。", ["磨坊", "在", "河边", "用", "GPT", "4", "磨面"]),
        ("zh", "１２３ ＡＢＣ", ["123", "ABC"]),
        ("ja", "水車小屋 GPT", [*"水車小屋", "GPT"]),
        ("th", "โรง", [*"โรง"]),
        ("ko", "방앗간은 강가에", ["방앗간은", "강가에"]),
    ],
)
def test_words(language, text, expected):
    assert words(text, language) == expected


def test_words__chinese_without_jieba_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(InputError, match=r"gristmill\[evaluate\]"):
        words("磨坊", "zh")
    assert words("mill", "en") == ["mill"]


def test_rouge__counts_runs_in_order():
    gold, found = ["a", "b", "c", "d"], ["c", "d", "a", "b"]
    assert rouge(gold, found, 1).f1 == 1
    assert rouge(gold, found, 2) == pytest.approx((2 / 3, 2 / 3, 2 / 3))  # "a b" and "c d" of three runs
    assert rouge(gold, found, 4).f1 == 0


def test_rouge__repeated_text_counts_once():
    assert rouge(["a"], ["a"] * 4, 1) == pytest.approx((0.25, 1, 0.4))


@given(SOME_WORDS, SOME_WORDS, st.integers(1, 6))
def test_rouge__equals_brute_force(gold, found, n):
    overlap = rouge(gold, found, n)
    if not gold or not found:
        assert overlap.f1 == (not gold and not found)
        return
    n = min(n, len(gold), len(found))
    left = [tuple(gold[i : i + n]) for i in range(len(gold) - n + 1)]
    runs = [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]
    wanted, both = len(left), 0
    for run in runs:
        if run in left:
            left.remove(run)
            both += 1
    assert (overlap.precision, overlap.recall) == (both / len(runs), both / wanted)
    assert overlap.f1 == pytest.approx(2 * both / (len(runs) + wanted))


def test_squeezed__line_breaks_decide_nothing():
    assert squeezed("磨坊\n在 河边\u3000Ａ") == squeezed("磨坊在河边A")
