"""Which examples stand before an item: most alike, or of each class, and never the item or one that asks the same."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.ranking import K1, B, Ranking, terms
from gristmill.trainer.evaluate.tasks.config import config_of
from gristmill.trainer.evaluate.tasks.examples import Examples
from gristmill.trainer.evaluate.tasks.fewshot import Prompts
from gristmill.trainer.evaluate.tasks.task import Task

POOL = [
    {"question": "The mill stands by the river.", "answer": "place", "label": "a"},
    {"question": "The dog sleeps in the sun.", "answer": "animal", "label": "b"},
    {"question": "老磨坊在河边。", "answer": "place", "label": "b"},
    {"question": "他的狗睡在阳光里。", "answer": "animal", "label": "a"},
    {"question": "Two sacks of grain.", "answer": "thing", "label": "a"},
    {"question": "两袋谷物。", "answer": "thing", "label": "a"},
]


def task(items, pool=POOL, **changes):
    keys = {"task": "t", "doc_to_text": "Q: {{question}}\nA:", "doc_to_target": "{{answer}}"} | changes
    return Task(config_of(keys, "t"), items, pool)


def chosen(items, shots, pool=POOL, seed=1, **config):
    """The questions of the examples of each item."""
    made = Examples(task(items, pool, fewshot_config=config), seed)
    return [[one.text[3:-3] for one in made.before(number, shots)] for number in range(len(items))]


@pytest.mark.parametrize(
    ("question", "nearest"),
    [
        ("Which river has a mill?", 0), ("A DOG, asleep", 1), ("磨坊在哪里？", 2), ("阳光里有狗吗", 3),
        ("grain", 4), ("谷物多少", 5),
    ],
)  # fmt: skip
def test_the_most_alike_stands_next_to_the_question_in_both_languages(question, nearest):
    items = [{"question": question, "answer": "x"}]
    for pool in (POOL, POOL[::-1]):
        (found,) = chosen(items, 3, pool, sampler="similar")
        assert found[-1] == POOL[nearest]["question"]
    assert chosen(items, 3, sampler="similar", seed=2) == chosen(items, 3, sampler="similar"), "nothing is drawn"
    text = Prompts(task(items, fewshot_config={"sampler": "similar"}), 1).context(0)
    assert text == f"Q: {POOL[nearest]['question']}\nA: {POOL[nearest]['answer']}\n\nQ: {question}\nA:"


@pytest.mark.parametrize("sampler", ["default", "first_n", "similar", "balanced"])
def test_neither_the_item_nor_one_that_asks_the_same_is_an_example(sampler):
    item = POOL[0] | {"id": 7}
    others = ["the  MILL stands by the river.\n", "Ｔhe mill stands by the river."]
    same = [item, *({"question": other, "answer": "else"} for other in others)]
    for shots in range(1, 6):
        (found,) = chosen([item], shots, POOL + same, sampler=sampler)
        assert len(found) == len({*found} - {one["question"] for one in [*same, POOL[0]]}) == shots
    with pytest.raises(ConfigError, match="6 examples are asked for, 5 differ from the item itself"):
        chosen([item], 6, POOL + same, sampler=sampler)
    itself = Prompts(task(POOL, None, fewshot_config={"sampler": sampler}), 5)
    assert all(itself.context(number).count(one["question"]) == 1 for number, one in enumerate(POOL))


def test_questions_of_other_choices_are_others_and_what_asks_nothing_is_told_by_its_answer():
    keys = {"output_type": "multiple_choice", "doc_to_text": "Which?", "doc_to_choice": "{{choices}}"}
    pool = [
        {"choices": ["a", "b"], "answer": 0},
        {"choices": ["B", "a"], "answer": 1},
        {"choices": ["c", "d"], "answer": 0},
    ]
    made = Examples(task(pool, None, **keys, fewshot_config={"sampler": "similar"}), 1)
    assert [one.choices for one in made.before(0, 1)] == [("c", "d")]
    pool = [{"answer": "x y"}, {"answer": "X Y"}, {"answer": "z"}]
    made = Examples(task(pool, None, doc_to_text="", fewshot_config={"sampler": "similar"}), 1)
    assert [one.answers for one in made.before(0, 1)] == [("z",)]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.lists(st.sampled_from("abc"), min_size=13, max_size=25), st.integers(0, 99))
def test_classes_are_as_many_as_there_are_examples_for(shots, labels, seed):
    pool = [{"question": f"q{n}", "answer": "x", "label": label} for n, label in enumerate(labels)]
    items = [{"question": "other", "answer": "y", "label": "none"}]
    made = Examples(task(items, pool, fewshot_config={"sampler": "balanced", "by": "label"}), seed)
    label_of = {f"Q: {one['question']}\nA:": one["label"] for one in pool}
    found = Counter(label_of[one.text] for one in made.before(0, shots))
    there = Counter(labels)
    assert found.total() == shots
    for label, other in ((x, y) for x in there for y in there):
        assert found[label] + 1 >= found[other] or found[label] == there[label], "one more only where it is used up"


def test_balanced_examples_are_drawn_for_the_item_and_by_its_answer_unless_a_field_is_named():
    items = [{"question": f"item {n}", "answer": "x"} for n in range(20)]
    found = chosen(items, 3, sampler="balanced")
    answer = {one["question"]: one["answer"] for one in POOL}
    assert all(len({answer[question] for question in one}) == 3 for one in found)
    assert len({tuple(one) for one in found}) > 10
    shuffled = random.Random(1).sample(items, 20)
    again = chosen(shuffled, 3, random.Random(2).sample(POOL, 6), sampler="balanced")
    assert [again[shuffled.index(item)] for item in items] == found
    assert chosen(items, 3, sampler="balanced", seed=9) != found
    letters = task(items, [one | {"letters": ["x", "y"], "answer": n % 2} for n, one in enumerate(POOL)],
                   output_type="multiple_choice", doc_to_choice="{{letters}}", fewshot_config={"sampler": "balanced"},
                   )  # fmt: skip
    with pytest.raises(ConfigError, match="field 'gone', by which examples are balanced"):
        chosen(items, 2, sampler="balanced", by="gone")
    letters = task([{"question": "i", "letters": ["x", "y"], "answer": 0}], letters.examples, **{
        key: getattr(letters.config, key) for key in ("output_type", "doc_to_choice", "fewshot_config")})  # fmt: skip
    assert sorted(one.answers[0] for one in Examples(letters, 1).before(0, 4)) == ["x", "x", "y", "y"]


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"sampler": "nearest"}, "sampler 'nearest' is not known"), ({"by": "label"}, "`by` is the field of sampler"),
        ({"sampler": "similar", "by": "label"}, "`by` is the field"), ({"sampler": "balanced", "by": 3}, "`by` is the"),
    ],
)  # fmt: skip
def test_what_is_no_way_to_choose_is_refused(config, what):
    with pytest.raises(ConfigError, match=what):
        task(POOL, fewshot_config=config)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text("ab 磨坊河", max_size=12), min_size=1, max_size=6), st.text("ab 磨坊河", max_size=8))
def test_scores_are_bm25_of_plain_python(texts, query):
    bags = [Counter(terms(text)) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags)
    wanted = []
    for bag in bags:
        score = 0.0
        for term in set(terms(query)):
            with_term = sum(term in other for other in bags)
            if term in bag:
                weight = math.log(1 + (len(bags) - with_term + 0.5) / (with_term + 0.5))
                score += weight * bag[term] * (K1 + 1) / (bag[term] + K1 * (1 - B + B * bag.total() / mean))
        wanted.append(score)
    assert Ranking(texts).scores(query).tolist() == pytest.approx(wanted)
