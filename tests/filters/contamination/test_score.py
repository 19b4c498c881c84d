"""Scores: a question of the same form with other numbers is another one, one edit is not."""

import re

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.contamination.items import Item
from gristmill.filters.contamination.match import Matcher
from gristmill.filters.contamination.score import Weights, seldom

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


PHRASES = {
    "en": (
        "Please read all of the instructions carefully before you answer any of the questions below",
        "Page",
    ),
    "zh": ("请先仔细阅读以下全部说明然后再回答下面的每一个问题，不要在试卷上写名字", "第页"),
}
"""What each tenth document has, and what stands beside it."""


@pytest.mark.parametrize("lang", PHRASES)
def test_seldom__a_phrase_of_the_corpus_is_no_item_and_its_edit_is_neither(index_of, lang):
    phrase, page = PHRASES[lang]
    index = index_of([Item("0", phrase), Item("1", ASKED[lang].format(25))])
    documents = [f"{page} {number} {phrase}" if number % 10 == 0 else f"{page} {number}" for number in range(1000)]
    documents[5] += f" {ASKED[lang].format(25)} {phrase[:-1]}"
    matcher = Matcher(index)
    found = matcher.match(pa.array(documents, pa.large_string()))
    scores, _ = Weights.of(index, matcher.documents, 1000).scores(found.item, found.found, found.support)
    high = np.flatnonzero(scores >= 800)
    assert len(high) == 102
    told = seldom(found.item[high], found.doc[high].astype(np.uint64), scores[high], 1000)
    assert found.item[high][told].tolist() == [1]


@pytest.mark.parametrize(("documents", "most"), [(100, 30), (6_000, 60)])
def test_seldom__as_by_counting_documents(documents, most):
    """Candidates in any order, several of one document: few are those that at most so many documents are as like."""
    random = np.random.default_rng(documents)
    item, document = random.integers(0, 3, 600), random.integers(0, 90, 600).astype(np.uint64)
    score = random.choice([800, 850, 900, 1000], 600, p=[0.7, 0.2, 0.08, 0.02])
    want = []
    for at in range(600):
        as_well = {document[other] for other in range(600) if item[other] == item[at] and score[other] >= score[at]}
        want.append(len(as_well) <= most)
    assert 0 < sum(want) < 600
    assert seldom(item, document, score, documents).tolist() == want
    assert seldom(item[:0], document[:0], score[:0], documents).tolist() == []


def test_seldom__the_item_itself_among_many_that_have_half_of_it():
    item, document = np.zeros(201, np.int64), np.arange(201, dtype=np.uint64)
    score = np.r_[np.full(200, 820), 1000]
    assert np.flatnonzero(seldom(item, document, score, 5_000)).tolist() == [200]
