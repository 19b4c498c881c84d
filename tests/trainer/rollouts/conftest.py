"""Responses that are written by hand, with the tiny tokenizer."""

import numpy as np
import pytest

from gristmill.tokenizer.chat.render import render
from gristmill.tokenizer.chat.turns import parse
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import END
from gristmill.trainer.rollouts.rollout import Prompt, Rollout


@pytest.fixture(scope="session")
def encoder(one_run_dir):
    return Encoder(one_run_dir / "tokenizer")


@pytest.fixture
def said(encoder):
    """said(question, response, ...): a rollout that ends."""

    def make(asked, response, *, group=0, sample=0, messages=None, **facts):
        ids = render(
            encoder, parse(messages or [{"role": "user", "content": asked}], generation=True), generation=True
        ).ids
        made = Rollout(Prompt(ids, group, **facts), group, sample, truncated=False)
        made.written([*encoder.ids(response), END], [-0.5] * (len(encoder.ids(response)) + 1), None)
        return made

    return make


def same(a, b):
    return np.array_equal(a.response_ids, b.response_ids)
