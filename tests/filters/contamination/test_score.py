"""Scores: a question of the same form with other numbers is another one, one edit is not."""

import re

import pyarrow as pa
import pytest

from gristmill.filters.contamination.items import Item
from gristmill.filters.contamination.match import Matcher
from gristmill.filters.contamination.score import Weights

ASKED = {
    "en": "A weaver sells 48 ropes to 7 of the ferrymen in April, and by the end of May she has sold {} more of them "
    "at the harbour. How many ropes did the weaver sell altogether in the two months?",
    "zh": "面包房星期一烤了36箱饼干，每箱装12个，送给学校{}个以后又收到邻居的订单，请问面包房现在还剩下多少个饼干？",
}  # fmt: skip


def score(index, document: str) -> int:
    matcher = Matcher(index)
    found = matcher.match(pa.array([document], pa.large_string()))
    scores, _ = Weights.of(index, matcher.documents, 1).scores(found.item, found.found, found.support)
    return int(scores.max(initial=0))


@pytest.mark.parametrize("lang", ASKED)
@pytest.mark.parametrize("third", ["25", "1,025"])
def test_scores__other_numbers_make_another_question(index_of, lang, third):
    asked = ASKED[lang].format(third)
    index = index_of([Item("0", asked)])
    numbers = [found.span() for found in re.finditer("[0-9,]*[0-9]", asked)]
    assert len(numbers) == 3
    for begin, end in numbers:
        assert score(index, f"{asked[:begin]}91{asked[end:]}") >= 900, "one edit"
    assert score(index, re.sub("[0-9,]*[0-9]", "93", asked)) < 800
    assert score(index, asked.replace(",", "")) >= 900


def test_scores__a_question_of_one_number_may_be_edited_there(index_of):
    asked = "磨坊的主人在河边的石头下面藏了88把钥匙，谁能告诉我们他为什么要这样做呢？"
    assert score(index_of([Item("0", asked)]), asked.replace("88", "3")) >= 900
