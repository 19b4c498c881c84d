"""Records as their authors publish them, as items."""

import pytest

from gristmill.filters.contamination.items import Item
from gristmill.filters.contamination.shapes import Fields, NoQuestionError, reader_of

ASKED = "What turns the mill?"
CASES = {
    "gsm8k": ({"question": ASKED, "answer": "It is water. #### 7"}, Item("4", ASKED, "It is water. #### 7")),
    "mmlu": (
        {"question": ASKED, "subject": "mills", "choices": ["wind", "water"], "answer": 1},
        Item("4", ASKED, "water", ("wind", "water")),
    ),
    "ceval": (
        {"id": "12", "question": "磨坊由什么驱动？", "A": "风", "B": "水", "C": "牛", "D": "人", "answer": "B"},
        Item("12", "磨坊由什么驱动？", "水", ("风", "水", "牛", "人")),
    ),
    "cmmlu": (
        {"": "0", "Question": "磨坊由什么驱动？", "A": "风", "B": "水", "C": "牛", "D": "人", "Answer": "A"},
        Item("4", "磨坊由什么驱动？", "风", ("风", "水", "牛", "人")),
    ),
    "humaneval": (
        {
            "task_id": "HumanEval/3",
            "prompt": "def mill(x):\n",
            "canonical_solution": "    return x\n",
            "test": "assert 1",
        },
        Item("HumanEval/3", "def mill(x):\n", "    return x\n"),
    ),
    "arc": (
        {
            "id": "Mercury_1",
            "question": ASKED,
            "choices": {"text": ["wind", "water"], "label": ["1", "2"]},
            "answerKey": "2",
        },
        Item("Mercury_1", ASKED, "water", ("wind", "water")),
    ),
    "arc, its own file": (
        {
            "id": "Mercury_1",
            "question": {"stem": ASKED, "choices": [{"text": "wind", "label": "A"}, {"text": "water", "label": "B"}]},
            "answerKey": "B",
        },
        Item("Mercury_1", ASKED, "water", ("wind", "water")),
    ),
    "hellaswag": (
        {"ind": 24, "ctx": "A miller lifts a sack.", "endings": ["He sits.", "He pours it."], "label": "1"},
        Item("24", "A miller lifts a sack.", "He pours it.", ("He sits.", "He pours it.")),
    ),
    "squad": (
        {"context": "Water turns it.", "question": ASKED, "answers": {"text": ["Water"], "answer_start": [0]}},
        Item("4", ASKED, "Water", (), "Water turns it."),
    ),
    "winogrande": (
        {"sentence": "The _ turns.", "option1": "mill", "option2": "stone", "answer": "1"},
        Item("4", "The _ turns.", "mill", ("mill", "stone")),
    ),
    "boolq": (
        {"question": ASKED, "title": "Mill", "answer": True, "passage": "Water turns it."},
        Item("4", ASKED, "", (), "Water turns it."),
    ),
    "truthfulqa, its CSV": (
        {"Type": "Adversarial", "Question": ASKED, "Best Answer": "Water", "Correct Answers": "Water; A stream"},
        Item("4", ASKED, "Water"),
    ),
    "truthfulqa": (
        {"question": ASKED, "mc1_targets": {"choices": ["wind", "water"], "labels": [0, 1]}},
        Item("4", ASKED, "water", ("wind", "water")),
    ),
    "openbookqa": (
        {"question_stem": ASKED, "choices": {"text": ["wind", "water"], "label": ["A", "B"]}, "answerKey": "B"},
        Item("4", ASKED, "water", ("wind", "water")),
    ),
    "sciq": (
        {"question": ASKED, "distractor1": "wind", "distractor2": "oxen", "correct_answer": "water", "support": ""},
        Item("4", ASKED, "water", ("water", "wind", "oxen")),
    ),
    "gpqa": (
        {"Question": ASKED, "Correct Answer": "water", "Incorrect Answer 1": "wind", "Incorrect Answer 2": "oxen"},
        Item("4", ASKED, "water", ("water", "wind", "oxen")),
    ),
    "bytes, and half of a pair of UTF-16": (
        {"question": ASKED.encode(), "answer": "磨\ud800"},
        Item("4", ASKED, "磨\ufffd\ufffd\ufffd"),
    ),
    "math": ({"problem": ASKED, "solution": "Water."}, Item("4", ASKED, "Water.")),
    "mbpp": ({"task_id": 2, "text": ASKED, "code": "def mill(): ..."}, Item("2", ASKED, "def mill(): ...")),
}


@pytest.mark.parametrize("name", CASES)
def test_reader__as_published(name):
    record, expected = CASES[name]
    assert reader_of(list(record), Fields())(record, 4) == expected


def test_reader__own_fields_and_paths_into_fields():
    record = {"data": {"ask": ASKED}, "gold": ["Water", "the stream"], "key": 9, "question": "not this one"}
    read = reader_of(list(record), Fields(question="data.ask", answer="gold", id="key"))
    assert read(record, 0) == Item("9", ASKED, "Water\nthe stream")


def test_reader__records_without_a_question_are_none():
    read = reader_of(["question", "answer"], Fields())
    assert read({"question": " ", "answer": "x"}, 0) is None
    assert read({"answer": "x"}, 0) is None


def test_reader__no_question_at_all():
    with pytest.raises(NoQuestionError):
        reader_of(["score", "model"], Fields())
