"""What a document shares with items: all that are there, one edit or none, against a plain alignment."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.contamination.items import Item
from gristmill.filters.contamination.match import Matcher
from gristmill.filters.contamination.words import words_of
from gristmill.filters.kernels.contamination.align import PAD, align

ENGLISH = [f"word{number} {'of the' if number % 3 else 'mill'}" for number in range(60)]
CHINESE = "磨坊在河边转动水轮带着石盘一圈圈地走把麦粒碾成细粉供全村人食用每到秋天农夫排队等候船只往来不息"


def question(rng: random.Random, chinese: bool, words: int) -> str:
    if chinese:
        return "".join(rng.choice(CHINESE) for _ in range(words))
    return " ".join(f"{rng.choice('bcdfg')}{rng.randrange(400)}" for _ in range(words))


def found_in(index, documents: list[str], room: int = 1 << 14):
    return Matcher(index, room).match(pa.array(documents, pa.large_string()))


@pytest.mark.parametrize("chinese", [False, True])
def test_match__every_item_with_one_edit_anywhere_is_found(index_of, chinese):
    rng = random.Random(5)
    items = [Item(str(words), question(rng, chinese, words)) for words in range(8, 60)]
    index = index_of(items)
    documents, expected = [], []
    for number, item in enumerate(items):
        parts = list(item.question) if chinese else item.question.split(" ")
        for at in range(len(parts)):
            for new in ([], ["Ω"], ["Ω", parts[at]]):
                edited = ("" if chinese else " ").join([*parts[:at], *new, *parts[at + 1 :]])
                documents.append(f"before it. {edited}! After it.")
                expected.append(number)
    found = found_in(index, documents)
    pairs = set(zip(found.doc.tolist(), index.array("number_I")[found.item].tolist(), strict=True))
    missing = [at for at, number in enumerate(expected) if (at, number) not in pairs]
    assert not missing, [documents[at] for at in missing[:3]]


def test_match__spans_are_the_bytes_of_the_item_and_several_places_are_several(index_of):
    asked = "磨坊的主人为什么每年秋天都要把水闸关上三天？"
    index = index_of([Item("0", asked)])
    document = f"一。{asked}好。\n{asked}\n末尾"
    found = found_in(index, [document, "没有题目的文档", document])
    texts = [document.encode()[a:b].decode() for a, b in zip(found.begin, found.end, strict=True)]
    assert texts == [asked] * 4
    assert found.doc.tolist() == [0, 0, 2, 2]


def test_match__rooms_and_batches_change_nothing(index_of):
    rng = random.Random(3)
    items = [Item(str(number), question(rng, number % 2 == 0, 20)) for number in range(40)]
    index = index_of(items)
    documents = [" ".join(item.question for item in rng.sample(items, 5)) for _ in range(30)]
    whole, small = found_in(index, documents), found_in(index, documents, room=2)
    for name in ("doc", "item", "begin", "end", "found", "support"):
        assert (getattr(whole, name) == getattr(small, name)).all()
    matcher = Matcher(index)
    one_by_one = [matcher.match(pa.array([text], pa.large_string())) for text in documents]
    assert np.concatenate([one.item for one in one_by_one]).tolist() == whole.item.tolist()
    assert (matcher.documents == _counted(index, documents)).all()


def _counted(index, documents) -> np.ndarray:
    matcher = Matcher(index)
    matcher.match(pa.array(documents, pa.large_string()))
    return matcher.documents


def test_match__a_question_of_the_same_form_is_not_taken_for_the_one_that_stands_there(index_of):
    form = "How many {} does the miller of {} sell at the market before noon on Friday?"
    items = [Item("0", form.format("sacks", "Breda")), Item("1", form.format("loaves", "Delft"))]
    found = found_in(index_of(items), [items[1].question])
    assert found.item.tolist() == [1]


def test_match__answer_choices_and_passage_near_by(index_of):
    asked = "Which of the wheels of the old mill turned against the stream in spring?"
    item = Item(
        "0",
        asked,
        "the third of the four",
        ("the third of the four", "none of them ever did"),
        "A mill had four wheels.",
    )
    index = index_of([item])
    far = " filler" * 2000
    documents = [
        f"A mill had four wheels. {asked} A) the third of the four B) none of them ever did",
        f"{asked}{far} the third of the four",
        f"{asked} The THIRD, of the four!",
    ]
    found = found_in(index, documents)
    assert found.support[[0, 2]].tolist() == [[1000, 1000, 1000], [1000, 500, 0]]
    assert (found.support[1] < 800).all(), "only what the question itself shares with them"


def test_match__nothing_in_what_holds_nothing(index_of):
    index = index_of([Item("0", "Who carries the sacks of flour up to the loft?")])
    assert len(found_in(index, ["", "的", "word " * 50_000, "\u0301" * 100, "?!"]).doc) == 0


def test_match__a_document_of_one_word_over_and_over_takes_linear_time(index_of):
    index = index_of([Item("0", "the " * 40), Item("1", "的" * 40)])
    found = found_in(index, ["the " * 20_000 + "的" * 20_000])
    assert {0, 1} == set(found.item.tolist())


def plain_alignment(item: list[int], document: list[int]) -> int:
    """Words in order, each of which agrees together with a neighbour: the longest such sequence."""

    def agree(a: int, w: int) -> bool:
        if item[a] != document[w]:
            return False
        before = a > 0 and w > 0 and item[a - 1] == document[w - 1]
        return before or (a + 1 < len(item) and w + 1 < len(document) and item[a + 1] == document[w + 1])

    best = [[0] * (len(document) + 1) for _ in range(len(item) + 1)]
    for a in range(len(item)):
        for w in range(len(document)):
            longer = best[a][w] + 1 if agree(a, w) else 0
            best[a + 1][w + 1] = max(best[a][w + 1], best[a + 1][w], longer)
    return best[-1][-1]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=12), st.lists(st.integers(1, 4), min_size=1, max_size=16))
def test_align__is_the_best_of_all(item, document):
    word_a, word_w = np.array(item, np.uint64), np.array(document, np.uint64)
    least, most = -len(item), len(document)
    wide = most - least + 2 * PAD + 1
    scratch = np.zeros((2, wide + 1), np.int64), np.zeros((len(item), wide), np.uint8), np.zeros(len(item), np.uint8)
    used = np.zeros(len(document), np.int64)
    agreed, first, last = align(word_a, len(item), word_w, len(document), least, most, used, 1, *scratch)
    assert agreed == plain_alignment(item, document) == scratch[2].sum()
    if agreed:
        assert 0 <= first <= last < len(document)


def test_item__its_words_are_in_the_index(index_of):
    index = index_of([Item("0", "The Mill, by the river, turns."), Item("1", "too short")])
    assert index.about["sets"] == [{"name": "set", "items": 2, "too_short": 1, "sha256": "0" * 64}]
    assert index.array("word_T").tolist() == words_of("the mill by the river turns").hash.tolist()
