"""What a document shares with items: all that are there, one edit or none, against a plain alignment."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.contamination.index import RARE
from gristmill.filters.contamination.items import Item
from gristmill.filters.contamination.match import Matcher
from gristmill.filters.contamination.words import words_of
from gristmill.filters.kernels.contamination.align import PAD, agreeing, align, share_within

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


def agree(item: list[int], a: int, document: list[int], w: int) -> bool:
    if item[a] != document[w]:
        return False
    before = a > 0 and w > 0 and item[a - 1] == document[w - 1]
    return before or (a + 1 < len(item) and w + 1 < len(document) and item[a + 1] == document[w + 1])


def plain_alignment(
    item: list[int], document: list[int], low: int, wide: int, taken: set[int]
) -> list[tuple[int, int]]:
    """Pairs of words, in order, each of which agrees together with a neighbour: cell by cell, on some diagonals."""
    best = [[0] * wide + [-1]]
    steps: list[list[str]] = []
    for a in range(len(item)):
        best.append([0] * wide + [-1])
        steps.append([])
        for k in range(wide):
            w = a + low + k
            told = (best[a][k + 1], "up")
            if k > 0 and best[a + 1][k - 1] > told[0]:
                told = (best[a + 1][k - 1], "left")
            free = 0 <= w < len(document) and w not in taken
            if free and best[a][k] + 1 > told[0] and agree(item, a, document, w):
                told = (best[a][k] + 1, "diagonal")
            best[a + 1][k] = max(told[0], 0)
            steps[a].append(told[1])
    a, k = len(item) - 1, best[-1].index(max(best[-1]))
    pairs: list[tuple[int, int]] = []
    while a >= 0:
        step = steps[a][k]
        if step == "diagonal":
            pairs.append((a, a + low + k))
        a, k = a - (step != "left"), k + (step == "up") - (step == "left")
    return pairs[::-1]


WORDS_OF = st.lists(st.integers(1, 4), min_size=1, max_size=16)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=12), WORDS_OF, st.integers(0, 80), st.sets(st.integers(0, 90)))
def test_align__is_the_best_of_all_and_of_these_the_first(item, document, behind, taken):
    """Bands of one and of several words of bits; whole ones, and those with words that another place has taken."""
    document = [5] * behind + document
    word_a, word_w = np.array(item, np.uint64), np.array(document, np.uint64)
    used = np.isin(np.arange(len(document)), sorted(taken)).astype(np.int64)
    least, most = -len(item) // (1 + behind % 2), len(document)
    low, wide = least - PAD, most - least + 2 * PAD + 1
    band = -(-wide // 64)
    same, found = np.zeros(len(item), np.uint64), np.zeros(len(item), np.int64)
    bits, level = np.zeros((band, len(item)), np.uint64), np.zeros(band, np.uint64)
    steps = np.zeros((2, band, len(item)), np.uint64)
    agreeing(word_a, len(item), word_w, len(document), low, wide, used, 1, bool(taken), same, bits, found)
    may = found.copy()
    told = align(len(item), len(document), low, wide, bits, level, steps, found)
    pairs = plain_alignment(item, document, low, wide, taken)
    span = (pairs[0][1], pairs[-1][1]) if pairs else (len(document), -1)
    assert (np.flatnonzero(found).tolist(), told) == ([a for a, _ in pairs], (len(pairs), *span))
    assert (may >= found).all()


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 4), min_size=4, max_size=12), WORDS_OF, st.integers(0, 8), st.integers(0, 4))
def test_share_within__is_that_of_the_longest_alignment(answer, document, lo, less):
    hi = max(lo, len(document) - less)
    scratch = np.zeros(64, np.uint64), np.zeros(99, np.int64), np.zeros((2, 99), np.int64)
    words = np.array(answer, np.uint64), np.array(document, np.uint64)
    told = share_within(words[0], len(answer), words[1], lo, hi, *scratch)
    inside = document[lo:hi]
    pairs = plain_alignment(answer, inside, -len(answer), len(answer) + len(inside) + 1, set())
    assert told == 1000 * len(pairs) // len(answer)


def test_item__its_words_are_in_the_index(index_of):
    index = index_of([Item("0", "The Mill, by the river, turns."), Item("1", "too short")])
    assert index.about["sets"] == [{"name": "set", "items": 2, "too_short": 1, "sha256": "0" * 64}]
    assert index.array("word_T").tolist() == words_of("the mill by the river turns").hash.tolist()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_index__an_answer_that_many_items_share_is_no_evidence(index_of, lang):
    """Its own answer says which of 20 items of one form it is; the solution that all have does not."""
    asked, shared, own = {
        "en": (
            "How does the miller of {} open the gate of his {} in spring?",
            "He lifts the first board",
            "with {} ropes",
        ),
        "zh": ("{}的磨坊主人每年春天怎样打开{}的水闸？", "他先把第一块木板抬起来", "用{}根绳子"),
    }[lang]
    items = [Item(str(n), asked.format(f"No{n}", f"x{n}"), shared if n % 2 else own.format(n)) for n in range(40)]
    index = index_of(items)
    lengths = np.diff(index.array("first_support")).reshape(-1, 3)[:, 0]
    assert (lengths[1::2] == 0).all()
    assert (lengths[::2] > 0).all()
    few = index_of(items[:20])
    assert (np.diff(few.array("first_support")).reshape(-1, 3)[:, 0] > 0).all()


@pytest.mark.parametrize(
    "asked",
    [
        "Why does the miller close the sluice of the old mill in October?",
        "磨坊的主人为什么每年秋天都要把水闸关上三天？",
    ],
)
def test_index__a_question_that_stands_in_several_items_is_one(index_of, asked):
    """As where a set is named twice, or each question has several answers."""
    others = [Item(str(number), question(random.Random(number), number % 2 > 0, 20)) for number in range(3)]
    told = []
    for copies in (1, 3):
        index = index_of([*[Item("it", asked)] * copies, *others])
        words = copies * int(index.array("first_I1")[1])
        told.append([index.array(name)[:words].tolist() for name in ("rare_T", "common_T")])
    assert told[1] == [rare * 3 for rare in told[0]]
    alone = index_of([Item("it", asked)] * 3)
    assert alone.array("rare_T").max() == RARE
    assert len(found_in(alone, [f"Before it. {asked} Behind it."]).doc) == 3
