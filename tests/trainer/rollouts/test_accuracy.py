"""Exact match: n and standard error as by hand."""

import math

import pytest

from gristmill.tokenizer.special_ids import END
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
