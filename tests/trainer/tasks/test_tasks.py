"""Tasks: the same examples for the same seed, right responses score 1, others less; a user's own file is checked."""

from itertools import pairwise

import pytest

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.tasks.protocol import is_exact
from gristmill.trainer.tasks.registry import TASKS, open_task

MAKERS = ["sort", "reverse", "add", "copy", "format", "sort/7", "add/3"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", MAKERS)
def test_examples__are_those_of_their_seed_and_right_responses_score_one(name, lang):
    task = open_task(name)
    examples = task.examples(3, 40, lang)
    assert examples == open_task(name).examples(3, 40, lang)
    assert task.examples(3, 7, lang) == examples[:7]
    assert task.examples(4, 40, lang) != examples
    assert len({one.messages[0]["content"] for one in examples}) > 20
    assert all(is_exact(task, one.response, one.answer) for one in examples)
    assert all(is_exact(task, f" {one.response}\n", one.answer) for one in examples)
    for one, other in pairwise(examples):
        assert task.score("", one.answer) < 1
        assert 0 <= task.score(one.response + " 7", one.answer) < 1
        if one.answer != other.answer:
            assert 0 <= task.score(other.response, one.answer) < 1


@pytest.mark.parametrize("name", MAKERS[:5])
def test_examples__speak_their_language(name):
    said = [
        "".join(one.messages[0]["content"] for one in open_task(name).examples(0, 9, lang)) for lang in ("en", "zh")
    ]
    assert said[0].isascii()
    assert sum("\u4e00" <= char <= "\u9fff" for char in said[1]) > 9
    with pytest.raises(ConfigError, match="does not speak 'fr'"):
        open_task(name).examples(0, 1, "fr")


@pytest.mark.parametrize(
    ("name", "text", "answer", "score"),
    [
        ("sort", "1 2 3", "1 2 3", 1),
        ("sort", "1 3 2", "1 2 3", 1 / 6),
        ("sort", "1 2 3 3", "1 2 3", 3 / 8),
        ("sort", "the digits are 1 2 3", "1 2 3", 0),
        ("reverse", "水 火", "水 火", 1),
        ("add", "42", "42", 1),
        ("add", "142", "42", 1 / 3),
        ("add", "24", "42", 0),
        ("copy", "b b", "b c", 1 / 4),
        ("format", "<answer>7</answer>", "7", 1),
        ("format", "<answer>8</answer>", "7", 0.5),
        ("format", "7", "7", 0),
        ("format", "<answer>7</answer> I think", "7", 0),
        ("exact", "北京  市", "北京 市", 1),
        ("exact", "ＡＢＣ", "ABC", 1),
        ("exact", "Paris.", "Paris", 0),
        ("number", "First 3, then 1,200.", "#### 1200", 1),
        ("number", "一共 １２ 个", "12", 1),
        ("number", "12.50", "12.5", 1),
        ("number", "-3", "3", 0),
        ("number", "none", "none", 0),
    ],
)
def test_score__by_hand(name, text, answer, score):
    assert open_task(name).score(text, answer) == pytest.approx(score)


@pytest.mark.parametrize("name", ["sorting", "sort/", "sort/0", "sort/x", "exact/3", "", "sort:3"])
def test_open_task__names_that_are_none(name):
    with pytest.raises(ConfigError, match=r"unknown task .*[\s\S]*sort, reverse, add, copy, format, exact, number"):
        open_task(name)


@pytest.mark.parametrize("name", ["exact", "number"])
def test_examples__of_a_check_come_with_the_run(name):
    with pytest.raises(ConfigError, match="no examples of its own"):
        open_task(name).examples(0, 1, "en")
    assert name in TASKS


OWN = """
from dataclasses import dataclass
from gristmill.trainer.tasks.protocol import Example

@dataclass
class Echo:
    name: str = "echo"

    def examples(self, seed, count, lang):
        word = {"en": "mill", "zh": "磨坊"}[lang]
        words = [f"{word}{n + seed}" for n in range(count)]
        return [Example([{"role": "user", "content": f"Say {word}"}], word) for word in words]

    def score(self, text, answer):
        return float(text.strip() == answer)
"""


def test_own_file__is_a_task_like_ours(tmp_path):
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    task = open_task(f"{tmp_path}/mine.py:Echo")
    assert task.name == "echo"
    (one,) = task.examples(1, 1, "zh")
    assert is_exact(task, " 磨坊1 ", one.answer)


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        (OWN, "Ecco", "no 'Ecco' in the task's file[\\s\\S]*Echo"),
        ("import nothing_like_it", "Echo", "file fails: ModuleNotFoundError in line 1"),
        ("x = 1\ny = (", "Echo", "file fails: SyntaxError in line 2"),
        ("import sys\nsys.exit(0)", "Echo", "file fails: SystemExit in line 2"),
        (OWN.replace("float(text.strip() == answer)", "exit(0)"), "Echo", "no task: SystemExit in line 15"),
        (OWN.replace("def score", "def scored"), "Echo", "no task: it has no score"),
        (OWN.replace("float(text.strip() == answer)", "1 / 0"), "Echo", "no task: ZeroDivisionError in line 15"),
        (OWN.replace("float(text.strip() == answer)", "float('nan')"), "Echo", "no finite number"),
        (OWN.replace("range(count)", "range(1)"), "Echo", "same two examples"),
        (OWN.replace("    name: str = ", "    seen: int\n    name: str = "), "Echo", "no task: TypeError"),
        ("Echo = 3", "Echo", "no task: it has no examples and no score"),
    ],
)
def test_own_file__what_is_no_task_is_said_before_it_is_used(tmp_path, source, name, said):
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        open_task(f"{tmp_path}/mine.py:{name}")
    with pytest.raises(ConfigError, match="file is not there"):
        open_task(f"{tmp_path}/absent.py:Echo")
