"""Exact match: n and standard error as by hand."""

import math

import pytest

from gristmill.tokenizer.special_ids import END
from gristmill.trainer.errors import RewardError
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.rollouts import accuracy as module
from gristmill.trainer.rollouts.accuracy import accuracy


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_accuracy__counts_what_is_right_by_example(tiny_model, encoder, monkeypatch, lang):
    wrong = {(0, 0), (1, 0), (1, 1)}

    def scripted(model, prompts, samples, sampling, most_tokens, reply):
        from gristmill.trainer.rollouts.rollout import Rollout

        made = [Rollout(prompt, group, n) for group, prompt in enumerate(prompts) for n in range(samples)]
        for one in made:
            text = "x" if (one.group, one.sample) in wrong else one.prompt.answer
            one.written([*encoder.ids(text), END], [0.0] * (len(encoder.ids(text)) + 1), None)
            one.truncated = (one.group, one.sample) == (0, 0)
        return made

    monkeypatch.setattr(module, "roll_out", scripted)
    found = accuracy(tiny_model, encoder, "sort/4", lang, examples=3, seed=5, samples=2)
    assert found.exact == 0.5
    assert found.standard_error == pytest.approx(0.5 / math.sqrt(3))  # of .5, 0, 1
    assert (found.examples, found.samples, found.truncated) == (3, 2, pytest.approx(1 / 6))


def test_accuracy__of_a_random_model_is_none(tiny_model, encoder):
    found = accuracy(
        tiny_model, encoder, "sort/3", "zh", examples=4, seed=0, sampling=Sampling(temperature=0), most_tokens=6
    )
    assert found.exact == found.standard_error == 0.0
    assert 0 <= found.score < 1


def test_accuracy__a_users_task_that_fails_on_what_was_written_is_named(tiny_model, encoder, tmp_path):
    """When it was opened it judged right answers."""
    (tmp_path / "mine.py").write_text(
        "from gristmill.trainer.tasks.protocol import Example\nclass Mine:\n"
        "    def examples(self, seed, count, lang):\n"
        "        return [Example([{'role': 'user', 'content': '水'}], '火')] * count\n"
        "    def score(self, text, answer):\n        return {answer: 1.0}[text]\n",
        encoding="utf-8",
    )
    with pytest.raises(RewardError, match=r"fails: KeyError in line 6\s+where: .*mine.py:Mine"):
        accuracy(tiny_model, encoder, f"{tmp_path}/mine.py:Mine", "zh", examples=2, seed=0, most_tokens=2)
