"""The stages in which a policy learns from its own answers: each end to end at a tiny size."""

import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from gristmill.trainer.align.rounds import judge
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.data.rounds import RolloutConfig
from gristmill.trainer.devices.world import CPU, World
from gristmill.trainer.errors import ConfigError, InputError, MismatchError, RewardError
from gristmill.trainer.rollouts.rollout import Prompt, Rollout
from gristmill.trainer.rollouts.tools import ToolReply
from tests.ports import free_port
from tests.trainer.align.conftest import train_policy, write_conversations

STAGES = ("grpo", "ppo", "reject", "distill")


def settings_of(stage: str, run: Path) -> list[str]:
    return [f"teacher={run / 'train' / 'teacher'}", "rollouts.samples=1"] if stage == "distill" else []


@pytest.mark.parametrize("stage", ["grpo", "ppo"])
@pytest.mark.parametrize("filters", [[], ["rollouts.temperature=0.7", "rollouts.top_k=9", "rollouts.min_p=0.02"]])
def test_first_update__the_ratio_is_one_and_the_samplers_log_probabilities_are_the_trainers(
    policy_run, tmp_path, stage, filters
):
    lines, _, _ = train_policy(policy_run, stage, tmp_path, *filters, steps=4)
    assert [line["clipped"] for line in lines[::2]] == [0, 0]
    for line in lines[::2]:  # of two epochs each
        assert abs(line["kl_round"]) < 1e-9
    assert all(line["sampler_gap"] < 1e-5 for line in lines)
    assert lines[1]["kl_round"] > 0


@pytest.mark.parametrize("stage", STAGES)
def test_interrupted__ends_where_a_round_does_and_goes_on_bit_for_bit(policy_run, tmp_path, stage):
    options = [*settings_of(stage, policy_run), "rollouts.epochs=2", "rollouts.examples=3"]
    whole, training, _ = train_policy(policy_run, stage, tmp_path / "whole", *options, steps=6)
    assert (stage == "ppo") == any(name.startswith("critic.") for name, _ in training.model.named_parameters())
    asked = []
    _, _, state = train_policy(
        policy_run, stage, tmp_path / "cut", *options, steps=6, interrupted=lambda: asked.append(1) or len(asked) > 1
    )
    assert state.step == 2
    later, again, _ = train_policy(
        policy_run, stage, tmp_path / "cut", *options, steps=6, resume=tmp_path / "cut" / "step-000002"
    )
    assert [line["loss"] for line in later] == [line["loss"] for line in whole]
    one = dict(training.model.named_parameters())
    assert all(torch.equal(one[name], value) for name, value in again.model.named_parameters())


@pytest.mark.parametrize("stage", STAGES)
def test_lora__trains_adapters_alone_and_goes_on_bit_for_bit(policy_run, tmp_path, stage):
    options = [*settings_of(stage, policy_run), "lora.rank=2", "rollouts.epochs=2"]
    whole, training, _ = train_policy(policy_run, stage, tmp_path / "whole", *options, steps=4)
    begin = dict(Checkpoint.open(policy_run / "train" / "base").load_model(CPU).named_parameters())
    policy = {name: p for name, p in training.model.named_parameters() if not name.startswith("critic.")}
    assert all(torch.equal(policy[name], value) for name, value in begin.items())
    assert any(p.abs().sum() > 0 for name, p in policy.items() if name.endswith("adapter.b"))
    train_policy(policy_run, stage, tmp_path / "cut", *options, steps=4, interrupted=_after_one())
    later, again, _ = train_policy(
        policy_run, stage, tmp_path / "cut", *options, steps=4, resume=tmp_path / "cut" / "step-000002"
    )
    assert [line["loss"] for line in later[-2:]] == [line["loss"] for line in whole[-2:]]
    assert all(torch.equal(p, q) for p, q in zip(policy.values(), again.model.parameters(), strict=False))


def _after_one():
    asked = []
    return lambda: asked.append(1) or len(asked) > 1


def _two(rank: int, port: int, run: Path, folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    for stage in STAGES:
        options = [*settings_of(stage, run), "rollouts.prompts=5", "rollouts.write=true"]
        train_policy(run, stage, folder / stage, *options, world=World(rank, 2))
    dist.destroy_process_group()


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.process
def test_two_ranks__equal_one(policy_run, tmp_path):
    """Five prompts, so that the ranks' shares differ."""
    mp.spawn(_two, (free_port(), policy_run, tmp_path / "two"), nprocs=2)
    for stage in STAGES:
        options = [*settings_of(stage, policy_run), "rollouts.prompts=5"]
        train_policy(policy_run, stage, tmp_path / "one" / stage, *options)
        one, two = (lines_of(tmp_path / name / stage) for name in ("one", "two"))
        assert [line["step"] for line in one] == [line["step"] for line in two]
        same = ("loss", "grad_norm", "reward", "kl", "clipped", "equal_groups", "tokens", "val_reward", "value_loss")
        for a, b in zip(one, two, strict=True):
            assert a.keys() == b.keys()
            for name in set(same) & a.keys():
                # Relative: a sum of float32 in another order is off by parts of its size (a gradient norm of 22: 7e-5).
                assert a[name] == pytest.approx(b[name], rel=3e-6, abs=2e-5), (stage, name)


def test_micro_batches__change_nothing(policy_run, tmp_path):
    for stage in STAGES:
        options = settings_of(stage, policy_run)
        many, _, _ = train_policy(policy_run, stage, tmp_path / stage / "many", *options, "data.tokens_per_batch=64")
        one, _, _ = train_policy(policy_run, stage, tmp_path / stage / "one", *options, "data.tokens_per_batch=4096")
        for a, b in zip(many, one, strict=True):
            assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)
            assert a["grad_norm"] == pytest.approx(b["grad_norm"], rel=1e-3, abs=1e-6)


def test_ppo__a_checkpoint_gives_the_policy_alone_and_the_critic_learns(policy_run, tmp_path):
    lines, training, _ = train_policy(policy_run, "ppo", tmp_path, "ppo.beta=0.0", "optim.critic_lr=0.01", steps=16)
    policy = Checkpoint.open(tmp_path).load_model(CPU)
    trained = dict(training.model.named_parameters())
    assert not any(name.startswith("critic") for name, _ in policy.named_parameters())
    assert all(torch.equal(value, trained[name]) for name, value in policy.named_parameters())
    assert lines[-1]["value_loss"] < lines[0]["value_loss"]


@pytest.mark.parametrize("stage", ["grpo", "ppo"])
def test_lora__moves_only_adapters_and_the_critic(policy_run, tmp_path, stage):
    lines, training, _ = train_policy(policy_run, stage, tmp_path, "lora.rank=2", "optim.lr=0.01")
    assert lines[0]["sampler_gap"] < 1e-5
    assert abs(lines[0]["kl_round"]) < 1e-9
    assert lines[1]["kl_round"] > 0
    before = dict(Checkpoint.open(policy_run / "train" / "base").load_model(CPU).named_parameters())
    after = dict(training.model.named_parameters())
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert any(".adapter." in name for name in after)


def test_reject__keeps_the_best_of_all_rounds(policy_run, tmp_path):
    options = ["rollouts.examples=2", "rollouts.prompts=4", "rollouts.epochs=1"]  # four prompts, each in every round
    train_policy(policy_run, "reject", tmp_path, *options, steps=5)
    rounds = [
        {record["prompt"]: record for record in map(json.loads, path.read_text().splitlines())}
        for path in sorted((tmp_path / "best").iterdir())
    ]
    assert len(rounds) == 5
    for before, after in pairwise(rounds):
        assert before.keys() <= after.keys()
        for prompt, record in before.items():
            assert after[prompt]["reward"] >= record["reward"]
            assert after[prompt]["reward"] > record["reward"] or after[prompt] == record


def test_resume__asks_what_was_asked_before(policy_run, tmp_path):
    """Answers are remembered by the numbers of prompts: of another task they would be learnt as answers to it."""
    train_policy(policy_run, "reject", tmp_path, steps=2)
    saved = tmp_path / "step-000002"
    for other in ("rollouts.task=reverse/3", "rollouts.lang=zh", "rollouts.examples=8", "data.seed=7",
                  "rollouts.reward=2*task", "rollouts.prompts=8"):  # fmt: skip
        with pytest.raises(MismatchError, match=rf"the checkpoint has {other.split('=')[0]} = .*, now it is"):
            train_policy(policy_run, "reject", tmp_path, other, steps=4, resume=saved)
    train_policy(policy_run, "reject", tmp_path, steps=4, resume=saved)


def test_distill__of_its_own_teacher_there_is_nothing_to_learn(policy_run, tmp_path):
    lines, _, _ = train_policy(policy_run, "distill", tmp_path, f"teacher={policy_run / 'train' / 'base'}", steps=1)
    assert abs(lines[0]["divergence"]) < 1e-6
    assert lines[0]["grad_norm"] < 1e-4


def test_grpo__groups_of_equal_rewards_teach_nothing(policy_run, tmp_path):
    judge = tmp_path / "judge.py"
    judge.write_text("def same(prompts, completions, answers):\n    return [0.3] * len(completions)\n")
    before = {
        k: v.clone() for k, v in Checkpoint.open(policy_run / "train" / "base").load_model(CPU).named_parameters()
    }
    lines, training, _ = train_policy(
        policy_run, "grpo", tmp_path / "out", f"rollouts.reward={judge}:same", "rollouts.truncated=score"
    )
    assert all(line["equal_groups"] == 1 and line["grad_norm"] == 0 and not line["skipped"] for line in lines)
    assert all(torch.equal(before[name], value) for name, value in training.model.named_parameters())


@pytest.mark.parametrize("stage", ["grpo", "ppo", "reject"])
def test_tools__answer_between_and_are_not_learnt(policy_run, tmp_path, monkeypatch, stage):
    """The first turn of an answer counts as a call, whatever it says; what the tool says has no loss."""
    calls = []

    def results(reply, text):
        calls.append(text)
        return ["7 8"] if len(calls) % 2 else []

    monkeypatch.setattr(ToolReply, "results", results)
    monkeypatch.setattr(ToolReply, "definitions", lambda reply: [])  # they are too long for a context of 64
    run = tmp_path / "run"
    run.mkdir()
    for part in ("tokens", "tokenizer", "train", "manifest.json"):
        (run / part).symlink_to(policy_run / part)
    options = ("rollouts.tools=calculator", "rollouts.tokens=40", "rollouts.write=true")
    lines, _, _ = train_policy(run, stage, tmp_path / "out", *options, steps=2)
    assert all(line.get("sampler_gap", 0) < 1e-5 for line in lines)
    path = next((run / "rollouts" / "out" / "samples").iterdir())
    samples = [json.loads(line)["messages"] for line in path.read_text().splitlines()]
    roles = [[message["role"] for message in messages] for messages in samples]
    assert ["user", "assistant", "tool", "assistant"] in roles
    assert {message["content"] for messages in samples for message in messages if message["role"] == "tool"} == {"7 8"}
    with pytest.raises(ConfigError, match="unknown tool 'shell'"):
        train_policy(run, stage, tmp_path / "other", "rollouts.tools=shell")


def test_judge__a_cut_answer_gains_nothing_from_a_reward_around_zero():
    answers = [Rollout(Prompt([1]), 0, number, truncated=number < 2) for number in range(4)]
    judge(answers, lambda rollouts: [1.0, -2.0, 1.0, -2.0], RolloutConfig())
    assert [one.reward for one in answers] == [0.0, -2.0, 1.0, -2.0]
    judge(answers, lambda rollouts: [1.0, -2.0, 1.0, -2.0], RolloutConfig(truncated="score"))
    assert [one.reward for one in answers] == [1.0, -2.0, 1.0, -2.0]


def test_truncated__answers_are_worth_nothing_or_are_masked(policy_run, tmp_path):
    judge = tmp_path / "judge.py"
    judge.write_text("def one(prompts, completions, answers):\n    return [1.0] * len(completions)\n")
    options = [f"rollouts.reward={judge}:one", "rollouts.tokens=1"]  # no answer ends within a token
    zero, _, _ = train_policy(policy_run, "grpo", tmp_path / "zero", *options, "rollouts.truncated=zero")
    score, _, _ = train_policy(policy_run, "grpo", tmp_path / "score", *options, "rollouts.truncated=score")
    masked, _, _ = train_policy(policy_run, "ppo", tmp_path / "mask", *options, "rollouts.truncated=mask")
    assert zero[0]["reward"] < score[0]["reward"] == 1
    assert zero[0]["truncated"] > 0
    assert all(line["grad_norm"] == 0 or line["truncated"] < 1 for line in masked)


def test_prompts_of_a_run(policy_run, tmp_path):
    run = write_conversations(tmp_path / "prompts", "prompts")
    with pytest.raises(InputError, match="holds chat, not prompts"):
        train_policy(policy_run, "grpo", tmp_path / "out", "rollouts.task=")
    (run / "train").mkdir()
    (run / "train" / "base").symlink_to(policy_run / "train" / "base")
    lines, _, _ = train_policy(run, "grpo", tmp_path / "out", "rollouts.task=")
    assert len(lines) == 4


def test_errors__name_what_is_wrong_and_nothing_is_half_written(policy_run, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="no whole number of rounds"):
        train_policy(policy_run, "grpo", out, steps=3)
    with pytest.raises(ConfigError, match="nothing to be compared"):
        train_policy(policy_run, "grpo", out, "rollouts.samples=1")
    for stage in ("grpo", "ppo"):
        with pytest.raises(ConfigError, match="nothing would be learnt"):
            train_policy(policy_run, stage, out, "rollouts.temperature=0")
    for stage in STAGES:
        with pytest.raises(MismatchError, match=f"model.layers = 2, {stage} as asked has 3"):
            train_policy(policy_run, stage, out, *settings_of(stage, policy_run), "model.layers=3")
    with pytest.raises(ConfigError, match="a student needs a teacher"):
        train_policy(policy_run, "distill", out)
    with pytest.raises(ConfigError, match="unknown task"):
        train_policy(policy_run, "grpo", out, "rollouts.task=sing")
    judge = tmp_path / "judge.py"
    judge.write_text("def nan(prompts, completions, answers):\n    return [float('nan')] * len(completions)\n")
    with pytest.raises(RewardError, match="is nan"):
        train_policy(policy_run, "grpo", out, f"rollouts.reward={judge}:nan", "loop.save_every=2")
    assert not list(out.glob("step-*"))
    assert not list(out.glob("best"))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"head": "score"}, "a reward model, which judges texts and writes none"),
        ({"mask": "prefix"}, "no causal decoder"),
        ({"encoder_layers": 2}, "no causal decoder"),
        ({"context": 32}, "it reads 32 tokens, the policy 64"),
    ],
)
def test_errors__policies_and_teachers_write(policy_run, tmp_path, monkeypatch, changes, what):
    """A head that scores is no output matrix: of such a teacher anything would be learnt, and nothing said."""
    opened = Checkpoint.open(policy_run / "train" / "base")
    other = replace(opened, config=replace(opened.config, model=replace(opened.config.model, **changes)))
    found = {"base": opened, "teacher": other}
    monkeypatch.setattr(Checkpoint, "open", lambda path, world=None: found[Path(path).name])
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match=f"{what}\n  where: option --teacher"):
        train_policy(policy_run, "distill", out, *settings_of("distill", policy_run))
    if "context" not in changes:
        found["base"] = other
        for stage in STAGES:
            with pytest.raises(ConfigError, match=f"{what}\n  where: option --from"):
                train_policy(policy_run, stage, out, *settings_of(stage, policy_run))
    assert not out.exists() or not list(out.iterdir())


def test_errors__of_another_tokenizer(policy_run, one_run_dir, tmp_path):
    other = tmp_path / "other"
    (other / "train").mkdir(parents=True)
    for name in ("tokens", "tokenizer", "manifest.json"):
        (other / name).symlink_to(one_run_dir / name)
    (other / "train" / "base").symlink_to(policy_run / "train" / "base")
    with pytest.raises(MismatchError, match="another tokenizer"):
        train_policy(other, "grpo", tmp_path / "out")


@pytest.mark.parametrize("stage", ["grpo", "ppo"])
def test_policy__raises_what_it_is_rewarded_for(policy_run, tmp_path, stage):
    """The piece of `make proof` that fits here: answers that begin with a certain digit, a fifth of them at first."""
    judge = tmp_path / "judge.py"
    judge.write_text("def nought(prompts, texts, answers):\n    return [float(t.strip()[:1] == '0') for t in texts]\n")
    options = [f"rollouts.reward={judge}:nought", "rollouts.truncated=score", "rollouts.epochs=1", "optim.lr=0.003"]
    options += ["rollouts.samples=1", "rollouts.prompts=64"] if stage == "ppo" else ["rollouts.samples=8"]
    lines, _, _ = train_policy(
        policy_run, stage, tmp_path / "out", *options, "rollouts.tokens=3", "data.tokens_per_batch=4096", steps=16
    )
    rewards = [line["reward"] for line in lines]
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.3


def test_reject__raises_what_it_is_rewarded_for(policy_run, tmp_path):
    """Answers that begin with a certain digit, as above; they must end to be learnt."""
    judge = tmp_path / "judge.py"
    judge.write_text("def nought(prompts, texts, answers):\n    return [float(t.strip()[:1] == '0') for t in texts]\n")
    options = [f"rollouts.reward={judge}:nought", "rollouts.samples=8", "optim.lr=0.003", "data.tokens_per_batch=4096"]
    lines, _, _ = train_policy(policy_run, "reject", tmp_path / "out", *options, steps=24)
    rewards = [line["reward"] for line in lines]
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.2


def test_distill__closes_half_of_the_divergence_from_its_teacher(policy_run, tmp_path):
    options = [f"teacher={policy_run / 'train' / 'teacher'}", "rollouts.prompts=16", "data.tokens_per_batch=4096"]
    lines, _, _ = train_policy(policy_run, "distill", tmp_path, *options, "optim.lr=0.003", steps=48)
    found = [line["divergence"] for line in lines]
    assert sum(found[-4:]) < 0.5 * sum(found[:4])
