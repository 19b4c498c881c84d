"""Rewards: tasks, a user's functions, weighted sums; what gives no finite number for each response is named."""

import math

import pytest

from gristmill.trainer.errors import ConfigError, RewardError
from gristmill.trainer.rollouts.prompts import task_prompts
from gristmill.trainer.rollouts.rewards import give_rewards, open_reward

JUDGE = """
def short(prompts, completions, answers):
    return [-len(text) for text in completions]

def sees(prompts, completions, answers):
    assert prompts[0] == [{"role": "system", "content": "你是磨坊主"}, {"role": "user", "content": "the mill"}]
    return [float(text == answer) for text, answer in zip(completions, answers)]

def raises(prompts, completions, answers):
    raise KeyError(completions[0])

def leaves(prompts, completions, answers):
    raise SystemExit(3)

def few(prompts, completions, answers):
    return [1.0]

def no_number(prompts, completions, answers):
    return [None for _ in completions]

def one(prompts, completions, answers):
    return 1.0

def nan(prompts, completions, answers):
    return [0.0, float("nan")]

def infinite(prompts, completions, answers):
    return [0.0, float("-inf")]

def large(prompts, completions, answers):
    return [0.0, 1e39]

def largest(prompts, completions, answers):
    return [0.0, 3e38]

def midway(prompts, completions, answers):
    for text in completions:
        yield 1 / len(text.removeprefix("secret words"))

def digits(prompts, completions, answers):
    return "1" * len(completions)

def table(prompts, completions, answers):
    return {number: 1.0 for number, _ in enumerate(completions)}

def one_of_each(prompts, completions, answers):
    return {0.5, 1.0}

def googol(prompts, completions, answers):
    return [0.0, 10**400]
"""


@pytest.fixture
def judge(tmp_path):
    (tmp_path / "judge.py").write_text(JUDGE, encoding="utf-8")
    return f"{tmp_path}/judge.py"


def test_rewards__task_function_and_their_weighted_sum(encoder, said, judge):
    rollouts = [
        said("Sort: 2 1", "1 2", task="sort", answer="1 2"),
        said("排序：2 1", "2 1", task="sort", answer="1 2", sample=1),
        said("水 火", "火 水!", task="reverse", answer="火 水", group=1),
    ]
    give_rewards(rollouts, open_reward("task", encoder))
    assert [one.reward for one in rollouts] == [1.0, 0.0, 0.25]
    give_rewards(rollouts, open_reward(f" 2*task, -0.5 * {judge}:short ", encoder))
    assert [one.reward for one in rollouts] == [2 + 1.5, 1.5, 0.5 + 2.0]
    give_rewards([], open_reward("task", encoder))


def test_rewards__a_function_sees_messages_last_turn_and_answer(encoder, said, judge):
    messages = [{"role": "system", "content": "你是磨坊主"}, {"role": "user", "content": "the mill"}]
    rollout = said("", "waiting", messages=messages, answer="the end")
    rollout.answered([10, 400, 11, 9])
    rollout.written([*encoder.ids("the end"), 11], [0.0] * (len(encoder.ids("the end")) + 1), None)
    give_rewards([rollout], open_reward(f"{judge}:sees", encoder))
    assert rollout.reward == 1.0


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("raises", "the reward fails: KeyError in line 10"),
        ("leaves", "the reward fails: SystemExit in line 13"),
        ("few", "gives 1 numbers for 2 responses"),
        ("no_number", "gives no list of numbers"),
        ("one", "gives no list of numbers"),
        ("midway", "the reward fails: ZeroDivisionError in line 38"),
        ("digits", "gives no list of numbers"),
        ("table", "gives no list of numbers"),
        ("one_of_each", "gives no list of numbers"),
        ("googol", "gives no list of numbers"),
        ("nan", "the reward of a response is nan: sample 1 of prompt doc7"),
        ("infinite", "the reward of a response is -inf: sample 1 of prompt doc7"),
    ],
)
def test_rewards__what_is_none_is_an_error_with_its_name_and_without_text(encoder, said, judge, name, what):
    rollouts = [said("q", "secret words", sample=n, doc_id="doc7", task="exact", answer="x") for n in range(2)]
    with pytest.raises(RewardError, match=what) as caught:
        give_rewards(rollouts, open_reward(f"task,0.1*{judge}:{name}", encoder))
    assert f"judge.py:{name}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert all(math.isnan(one.reward) for one in rollouts), "all or none"


@pytest.mark.parametrize("spec", ["{}:large", "0.1*{}:large", "1e300*{}:largest", "{0}:largest,{0}:largest"])
def test_rewards__what_no_float32_holds_is_an_error(encoder, said, judge, spec):
    rollouts = [said("q", "水", sample=n, doc_id="doc7") for n in range(2)]
    with pytest.raises(RewardError, match=r"of a response is \S+: sample 1 of prompt doc7"):
        give_rewards(rollouts, open_reward(spec.format(judge), encoder))


def test_rewards__a_users_task_that_fails_is_named(encoder, said, tmp_path):
    (tmp_path / "mine.py").write_text(
        "class Bad:\n    def examples(self, seed, count, lang):\n"
        "        return [type('E', (), dict(messages=[], answer='', response='')) for _ in range(count)]\n"
        "    def score(self, text, answer):\n        return 1.0 if not text else {}[text]\n"
    )
    rollout = said("q", "secret", task=f"{tmp_path}/mine.py:Bad")
    with pytest.raises(RewardError, match=r"the reward fails: KeyError in line 5\s+where: .*mine.py:Bad"):
        give_rewards([rollout], open_reward("task", encoder))


ASKED = [{"role": "user", "content": "水？"}]


@pytest.mark.parametrize(
    ("zh", "what"),
    [
        ("1 / 0", "this is no task: ZeroDivisionError in line 6"),
        ("None", "this is no task: TypeError"),
        ("[]", "gives 0 examples, 2 were asked for"),
        ("english * 2", "gives 4 examples, 2 were asked for"),
        ("[1, 2]", "number 0 has no list of messages, or no text as answer"),
        (f"[english[0], Example({ASKED}, 7)]", "number 1 has no list of messages, or no text as answer"),
        ("[Example([], '7')] * 2", "what is asked is no conversation: NoTurns"),
        (f"[english[0], Example({ASKED} * 2, '7')]", "RolesOutOfOrder: turn 2 is user, after user"),
        ("[Example([{'role': 'assistant', 'content': '水'}], '7')] * 2", "RolesOutOfOrder: turn 1 is assistant"),
        ("[Example([{'role': 'user', 'content': '　'}], '7')] * 2", "EmptyTurn"),
    ],
)
def test_task_prompts__a_users_task_that_fails_in_another_language_is_named(encoder, tmp_path, zh, what):
    """It was tried in English when it was opened."""
    (tmp_path / "mine.py").write_text(
        "from gristmill.trainer.tasks.protocol import Example\nclass Mine:\n"
        "    def examples(self, seed, count, lang):\n"
        "        english = [Example([{'role': 'user', 'content': 'hi'}], 'hi')] * count\n"
        f"        return english if lang == 'en' else (\n            {zh})\n"
        "    def score(self, text, answer):\n        return float(text == answer)\n",
        encoding="utf-8",
    )
    name = f"{tmp_path}/mine.py:Mine"
    assert len(task_prompts(encoder, name, 0, 2, "en")) == 2
    with pytest.raises(ConfigError, match=what) as caught:
        task_prompts(encoder, name, 0, 2, "zh")
    assert "mine.py:Mine" in str(caught.value)
    assert "zh" in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ("tasks", "unknown reward 'tasks'"),
        ("", "no part of a reward"),
        ("task,,task", "no part of a reward"),
        ("1.2.3*task", "no part of a reward"),
        ("nowhere.py:f", "file is not there"),
    ],
)
def test_open_reward__what_is_none(encoder, spec, what):
    with pytest.raises(ConfigError, match=what):
        open_reward(spec, encoder)


def test_rewards__a_prompt_without_a_task_is_named(encoder, said, judge):
    with pytest.raises(ConfigError, match=r"names no task[\s\S]*prompt doc9"):
        give_rewards([said("q", "a", doc_id="doc9")], open_reward("task", encoder))
    with pytest.raises(ConfigError, match="no 'shrt'"):
        open_reward(f"{judge}:shrt", encoder)
