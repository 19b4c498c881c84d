"""Two texts side by side: what differs is shown wherever it stands, aligned, and nothing takes the square of a text."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.pipelines.report.alignment import COMPARED, CONTEXT, GAP, PASSAGES, differing, passages

ENGLISH = "".join(f"The mill number {number} turns when the river is high. " for number in range(60))
CHINESE = "".join(f"第{number}座磨坊的水车在春天的洪水里转动，磨坊主整夜听着木头的声音。" for number in range(60))


@given(st.text(), st.text())
def test_differing__loses_nothing(left: str, right: str) -> None:
    spans = differing(left, right)
    assert ["".join(span.text for span in side) for side in spans] == [left, right]
    equal = ["".join(span.text for span in side if not span.differs) for side in spans]
    assert equal[0] == equal[1]


def test_differing__words_and_han_characters() -> None:
    left, right = differing("The mill turns 磨坊转动", "The wheel turns 磨坊停动")
    assert [span.text for span in left if span.differs] == ["mill", "转"]
    assert [span.text for span in right if span.differs] == ["wheel", "停"]


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [(ENGLISH, "number 40 turns", "number 40 stands"), (CHINESE, "第40座磨坊", "第40家磨坊")],
)
def test_passages__a_difference_far_behind_the_beginning_is_shown_with_what_stands_around_it(text, old, new) -> None:
    other = ("Another beginning. " if " " in text else "另一个开头。") + text.replace(old, new)
    left, right = passages(text, other)
    changed = [span.text for span in right if span.differs]
    assert len(changed) == 2
    assert changed[1] in new
    assert "".join(span.text for span in left if not span.differs) == "".join(s.text for s in right if not s.differs)
    for side in (left, right):
        shown = "".join(span.text for span in side)
        assert "40" in shown
        assert GAP in shown
        assert len(shown) < 2 * PASSAGES
    at = next(place for place, span in enumerate(right) if span.differs and span.text in new)
    assert len(right[at - 1].text) <= 2 * CONTEXT + len(GAP)


def test_passages__equal_texts_and_texts_with_nothing_in_common() -> None:
    assert passages("", "") == ([], [])
    (left,), (right,) = passages(ENGLISH, ENGLISH)
    assert left == right
    assert not left.differs
    left_side, right_side = passages("x" * 5000, "y" * 5000)
    assert all(span.differs for span in (*left_side, *right_side))
    assert len(left_side[0].text) == PASSAGES + len(GAP)


@pytest.mark.parametrize("piece", ["x ", "x\n", "的", "a b c. ", "，", "ab"])
def test_passages__repetitions_take_no_square(piece: str) -> None:
    rng = random.Random(1)
    text = piece * (COMPARED // len(piece))
    other = "".join(character if rng.random() > 0.02 else "z" for character in text)
    began = time.process_time()
    passages(text, other)
    assert time.process_time() - began < 3
