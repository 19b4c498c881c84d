"""A checkpoint of `train reward` as a reward: its scores of whole conversations, centred; what is none is named."""

from dataclasses import replace

import pytest
import torch

from gristmill.tokenizer.special_ids import BOS, END, EOS
from gristmill.trainer.checkpoint import reward_model
from gristmill.trainer.checkpoint.reward_model import Judge
from gristmill.trainer.errors import ConfigError, MismatchError, RewardError
from gristmill.trainer.evaluate.generate import generate_ids
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.evaluate.scoring import score
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.rewards import give_rewards, open_reward
from gristmill.trainer.rollouts.rollout import Prompt
from gristmill.trainer.rollouts.sampler import roll_out


@pytest.fixture
def judge(tiny_model, encoder):
    torch.manual_seed(2)
    model = Model(replace(tiny_model.config, head="score", context=48)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2)
    return Judge(model, 0.25, encoder.sha256)


@pytest.fixture
def opened(judge, tmp_path, monkeypatch):
    """Path of a folder that opens as this judge."""
    monkeypatch.setattr(reward_model.Judge, "open", lambda path, device: judge)
    return tmp_path


def test_reward_model__scores_conversations_with_their_end(judge, opened, encoder, said):
    rollouts = [said("the mill", "turns slowly"), said("磨坊", "在河边", sample=1), said("q", "dog " * 40, sample=2)]
    rollouts[1].response_ids = rollouts[1].response_ids[:-1]  # truncated: without END
    rollouts[1].mask = rollouts[1].mask[:-1]
    give_rewards(rollouts, open_reward(str(opened), encoder))
    whole = [[*one.ids.tolist()] for one in rollouts]
    read = [[*whole[0], EOS], [*whole[1], END, EOS], [*whole[2][:-1][:46], END, EOS]]
    assert [one.reward for one in rollouts] == pytest.approx(
        [value - 0.25 for value in score(judge.model, read)], abs=1e-6
    )
    first = rollouts[0].reward
    give_rewards(rollouts[:1], open_reward(f"2*{opened}", encoder))
    assert rollouts[0].reward == pytest.approx(2 * first)


def test_reward_model__a_score_that_is_no_number_is_named(judge, opened, encoder, said):
    with torch.no_grad():
        judge.model.score.weight.fill_(float("nan"))
    with pytest.raises(RewardError, match="the reward of a response is nan"):
        give_rewards([said("q", "a")], open_reward(str(opened), encoder))


def test_reward_model__of_another_tokenizer_is_refused(judge, opened, encoder):
    judge.tokenizer = "0" * 64
    with pytest.raises(MismatchError, match="another tokenizer: 000000000000"):
        open_reward(str(opened), encoder)


def test_reward_model__a_model_that_writes_is_none(one_run_dir, tiny, assemble, tmp_path, encoder):
    training, state = assemble(one_run_dir, tiny)
    training.save(state, None)
    with pytest.raises(ConfigError, match="the checkpoint is no reward model"):
        open_reward(str(tmp_path / "train"), encoder)


def test_reward_model__writes_nothing(judge):
    with pytest.raises(ConfigError, match="judges texts, it writes none"):
        next(generate_ids(judge.model, [[BOS]], 3, PURE))
    with pytest.raises(ConfigError, match="judges texts, it writes none"):
        roll_out(judge.model, [Prompt([BOS])], 1, PURE, 3)
