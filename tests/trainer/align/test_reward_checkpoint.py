"""From pairs to a reward model to policies that it rewards: each on the checkpoint of the one before."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.checkpoint.reward_model import Judge
from gristmill.trainer.config import after
from gristmill.trainer.devices.world import CPU, World
from gristmill.trainer.errors import ConfigError, MismatchError
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.model.transformer import Tokens
from gristmill.trainer.objectives.policies.ppo import critic_of
from tests.trainer.align.conftest import train_policy
from tests.trainer.runs import write_aligned


@pytest.fixture(scope="module")
def judge_path(policy_run, tmp_path_factory) -> Path:
    """A few steps of `train reward` from the policy's own base."""
    run = write_aligned(tmp_path_factory.mktemp("pairs") / "run", policy_run, "pairs", rows=64)
    begin, data = Checkpoint.open(policy_run / "train" / "base"), open_data(run)
    config = after(begin.config, "reward", str(begin.path))
    config = replace(config, model=replace(config.model, context=0), loop=replace(config.loop, steps=6))
    config = build.complete(config, data)
    folder = run / "train" / "reward"
    folder.mkdir(parents=True)
    training, state = build.build(config, data, folder, World(), None, lambda: False, begin=begin)
    with training:
        fit(training, state)
    return folder


@pytest.mark.parametrize("stage", ["grpo", "ppo"])
def test_policy__is_rewarded_by_the_checkpoint(policy_run, judge_path, tmp_path, stage):
    """What is written of each answer is what the judge says of it."""
    run = tmp_path / "run"
    run.mkdir()
    for part in ("tokens", "tokenizer", "train", "manifest.json"):
        (run / part).symlink_to(policy_run / part)
    options = (f"rollouts.reward={judge_path}", "rollouts.truncated=score", "rollouts.write=true")
    lines, _, _ = train_policy(run, stage, tmp_path / "out", *options, steps=2)
    samples = run / "rollouts" / "out" / "samples"
    told = [json.loads(line) for line in next(samples.iterdir()).read_text().splitlines()]
    rewards = torch.tensor([one["reward"] for one in told])
    assert lines[0]["reward"] == pytest.approx(rewards.mean().item(), abs=1e-5)
    assert rewards.unique().numel() > 4


def test_ppo__the_critic_begins_as_the_reward_model(policy_run, judge_path, tmp_path):
    judge = Judge.open(judge_path, CPU)
    _, training, _ = train_policy(
        policy_run, "ppo", tmp_path, f"ppo.critic={judge_path}", "optim.critic_lr=0.0000001", "optim.lr=0.0000001"
    )
    ids = torch.randint(5, 400, (2, 12))
    with torch.no_grad():
        values = critic_of(training.model)(Tokens(ids))
        scores = judge.model.scores(judge.model(Tokens(ids))) - judge.mean
    assert scores.std() > 0
    torch.testing.assert_close(values, scores, atol=1e-3, rtol=1e-3)
    saved = Checkpoint.open(tmp_path)
    lines, again, _ = train_policy(policy_run, "ppo", tmp_path, steps=6, resume=saved.path)
    assert lines[-1]["step"] == 6
    assert again.model.get_parameter("critic.value.bias").item() != 0


def test_ppo__what_is_no_reward_model_or_reads_too_little_is_refused(policy_run, one_run_dir, judge_path, tmp_path):
    with pytest.raises(ConfigError, match="is no reward model"):
        train_policy(policy_run, "ppo", tmp_path / "out", f"ppo.critic={policy_run / 'train' / 'base'}")
    with pytest.raises(MismatchError, match="reads 128 tokens, the policy 256"):
        train_policy(policy_run, "ppo", tmp_path / "out", f"ppo.critic={judge_path}", "model.context=256")
    assert not list((tmp_path / "out").glob("step-*"))


@pytest.mark.parametrize("stage", ["grpo", "ppo"])
def test_kl_stop__beyond_the_limit_an_update_changes_nothing(policy_run, tmp_path, stage):
    """A rate so high that the first update of a round is far beyond it: the others of the round are left out, and where
    the next round begins the policy moves again."""
    options = ("optim.lr=0.05", "optim.warmup=0.0", "rollouts.epochs=4", "rollouts.truncated=score")
    free, _, _ = train_policy(policy_run, stage, tmp_path / "free", *options, steps=8)
    held, _, _ = train_policy(policy_run, stage, tmp_path / "held", *options, f"{stage}.kl_stop=0.01", steps=8)
    assert max(line["kl_round"] for line in free[:4]) > 0.01
    assert "kl_round_held" not in free[0]
    assert [line["kl_round_held"] for line in held[:4]] == [0, 1, 1, 1]
    assert [line["grad_norm"] == 0 for line in held[:4]] == [False, True, True, True]
    assert held[1]["kl_round"] == pytest.approx(held[3]["kl_round"], rel=1e-5)
    assert not any(line["skipped"] for line in held)
    assert held[4]["kl_round"] == pytest.approx(0.0, abs=1e-8)
    assert held[4]["kl_round_held"] == 0


@pytest.mark.parametrize("stage", ["grpo", "ppo"])
def test_kl_stop__below_zero_is_refused(policy_run, tmp_path, stage):
    with pytest.raises(ConfigError, match="makes no sense"):
        train_policy(policy_run, stage, tmp_path, f"{stage}.kl_stop=-1")
