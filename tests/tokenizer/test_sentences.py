import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.sentences import LIMIT, NEVER_LEARNT, sentences

alphabet = st.characters(exclude_categories=["Cs"])
long_texts = st.lists(
    st.tuples(
        st.text(alphabet, min_size=1, max_size=6) | st.sampled_from(["a. ", "磨坊。", "\n", " "]), st.integers(1, 900)
    ),
    max_size=6,
).map(lambda parts: "".join(part * times for part, times in parts))


@given(long_texts)
@settings(deadline=None)
def test_sentences__lose_nothing_and_stay_below_the_limit(text):
    lines = list(sentences(text))
    assert "".join(lines) == text.translate(dict.fromkeys(map(ord, NEVER_LEARNT)))
    assert all(0 < len(line.encode()) <= LIMIT for line in lines)


@pytest.mark.parametrize(("unit", "starts"), [
    ("A short sentence. ", " A"), ("一个短句。", "一"), ("“你好吗？”", "“"), ("no end ", " "), ("没有标点", None),
])  # fmt: skip
def test_sentences__cut_at_the_best_place(unit, starts):
    first, second, *_ = sentences(unit * 600)
    assert len(first.encode()) > LIMIT / 2
    if starts:
        assert second.startswith(starts)
    else:
        assert len(first.encode()) > LIMIT - 4


def test_sentences__split_lines_and_leave_their_spaces():
    assert list(sentences("  a\n\nb \tc\r\n\0▁d▅\n")) == ["  a", "b ", "c", "d"]
    assert list(sentences("")) == list(sentences("\n\n")) == []
