"""Rounds of rollouts in the place of a loader: prompts are answered with the weights of the moment, and the answers are
the batches of the round's updates.

Letters: B rows (one answer each), T tokens of a row, W bytes that hold V bits.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.data.rounds import RolloutConfig, RoundRows, slice_of
from gristmill.trainer.data.sampler import Rows
from gristmill.trainer.devices.world import World, all_reduce, together
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.rewards import Reward, give_rewards
from gristmill.trainer.rollouts.rollout import Prompt, Rollout
from gristmill.trainer.rollouts.rows import RolloutRows
from gristmill.trainer.rollouts.sampler import Reply, roll_out

ROW_MULTIPLE = 64  # of a row's tokens on CUDA, where compiled layers want few shapes


@dataclass
class Part:
    """Answers that are computed at once: a batch, and what it is made of."""

    rollouts: list[Rollout]
    rows: RolloutRows
    batch: Batch

    def spread(self, values: Sequence[np.ndarray]) -> Tensor:
        """(B, T, ...) on the device: an array for each answer, by its tokens; 0 elsewhere."""
        return torch.from_numpy(self.rows.spread(values)).to(self.batch.targets_BT.device)


@dataclass
class Round:
    """This rank's answers of a round."""

    number: int
    updates: list[list[Part]]
    """Of each part of the round."""
    figures: dict[str, float] = field(default_factory=dict)
    """For metrics.jsonl; the same on all ranks."""

    @property
    def parts(self) -> list[Part]:
        """Of all updates."""
        return [part for parts in self.updates for part in parts]

    @property
    def rollouts(self) -> list[Rollout]:
        """All, in order: samples of a prompt stand together."""
        return [rollout for part in self.parts for rollout in part.rollouts]


Teach = Callable[[Round], None]
"""Makes of a round's answers what the objective needs (`Batch.extra`, targets), once, before its first update."""

Keep = Callable[[RoundRows, list[Rollout]], list[Rollout]]
"""Given a round and this rank's answers: those to learn from."""


def all_of_them(rows: RoundRows, rollouts: list[Rollout]) -> list[Rollout]:
    """A `Keep`."""
    return rollouts


def judge(answers: list[Rollout], reward: Reward, config: RolloutConfig) -> None:
    """Writes the reward of each, as `config.truncated` says of those that were cut. Raises RewardError."""
    give_rewards(answers, reward)
    for one in answers:
        if one.truncated and config.truncated == "zero":
            one.reward = min(0.0, one.reward)  # of a reward model 0 is the mean: a cut answer must not gain by it


class RolloutLoader:
    """Batches of rounds, in the place of a `Loader`. A rank answers every `world`-th prompt of each update.

    Answers are a function of the weights, the round's number and the seed: what a round was can be made again.
    """

    def __init__(
        self,
        model: Model,
        prompts: Sequence[Prompt],
        config: RolloutConfig,
        reward: Reward | None,
        teach: Teach,
        world: World,
        *,
        seed: int,
        tokens_per_batch: int,
        keep: Keep = all_of_them,
        reply: Reply | None = None,
        written: Callable[[int, list[Rollout]], None] | None = None,
    ):
        """`reward` None: answers are worth nothing by themselves. `written` is given all answers of a round."""
        self.model, self.prompts, self.config, self.reward, self.teach = model, prompts, config, reward, teach
        self.world, self.tokens_per_batch, self.keep = world, tokens_per_batch, keep
        self.reply, self.written = reply, written
        self.sampling = sampling_of(config, seed)
        self.waited, self.figures = 0.0, dict[str, float]()
        self.round: Round | None = None

    def batches(self, rows: Rows) -> Iterator[Batch]:
        """This rank's batches of an update; the first one of a round answers its prompts. All ranks must call it.
        Raises RewardError where a reward fails, on all ranks."""
        assert isinstance(rows, RoundRows)
        if self.round is None or self.round.number != rows.round:
            if rows.update:
                raise RuntimeError(f"round {rows.round} cannot begin with update {rows.update}")
            start = time.perf_counter()
            self.round = self._answered(rows)
            self.waited += time.perf_counter() - start
        parts = self.round.updates[rows.update % self.config.updates]
        read = sum(len(one.ids) for part in parts for one in part.rollouts)
        rows.tokens = int(self._over_all([read])[0])
        self.figures = self.round.figures
        for number, part in enumerate(parts, start=1):
            yield replace(part.batch, last=number == len(parts))

    def close(self) -> None:
        """Nothing is left open."""

    def _answered(self, rows: RoundRows) -> Round:
        mine = [
            np.arange(self.config.prompts)[slice_of(part, self.config)][self.world.rank :: self.world.size]
            for part in range(self.config.updates)
        ]
        asked = [replace(self.prompts[int(rows.prompts_P[place])], number=int(place)) for place in np.concatenate(mine)]
        answers = together(self.world, lambda: self._write_and_judge(asked, rows.round))
        for one in answers:
            one.group = one.prompt.number
        if self.written is not None:
            self.written(rows.round, answers)
        kept = self.keep(rows, answers)
        update_of = {int(place): part for part, places in enumerate(mine) for place in places}
        by_update: list[list[Rollout]] = [[] for _ in mine]
        for one in kept:
            by_update[update_of[one.prompt.number]].append(one)
        made = Round(rows.round, [self._parts(some) for some in by_update], self._figures(answers))
        self.teach(made)
        return made

    def _write_and_judge(self, asked: list[Prompt], number: int) -> list[Rollout]:
        config = self.config
        answers = roll_out(
            self.model, asked, config.samples, self.sampling, config.tokens, step=number, reply=self.reply
        )  # fmt: skip
        if self.reward is not None:
            judge(answers, self.reward, config)
        return answers

    def _parts(self, rollouts: list[Rollout]) -> list[Part]:
        """In their order; a rank may have none."""
        device, length = self.world.device, 0
        longest = max((len(one.ids) for one in rollouts), default=1)
        if device.type == "cuda":
            longest = max((len(one.prompt.ids) for one in rollouts), default=0) + self.config.tokens
            longest = length = min(-(-longest // ROW_MULTIPLE) * ROW_MULTIPLE, self.model.config.context)
        size = max(1, self.tokens_per_batch // longest)
        return [_part(rollouts[k : k + size], length, self.config, device) for k in range(0, len(rollouts), size)]

    def _figures(self, answers: list[Rollout]) -> dict[str, float]:
        """Over all ranks: mean and deviation of rewards, length, truncated share, entropy (of the sampled tokens)."""
        rewards = np.array([one.reward for one in answers]) if self.reward is not None else np.zeros(len(answers))
        lengths = [int(one.mask.sum()) for one in answers]
        count, total, squares, own, truncated, log_p = self._over_all(
            [
                len(answers),
                rewards.sum(),
                np.square(rewards).sum(),
                sum(lengths),
                sum(one.truncated for one in answers),
                sum(float(one.log_probabilities.sum(dtype=np.float64)) for one in answers),
            ]
        )
        mean = total / count
        figures = {"response_length": own / count, "truncated": truncated / count, "entropy": -log_p / max(own, 1)}
        if self.reward is None:
            return figures
        return {"reward": mean, "reward_deviation": max(0.0, squares / count - mean**2) ** 0.5} | figures

    def _over_all(self, numbers: list[float]) -> list[float]:
        sums = torch.tensor(numbers, dtype=torch.float64, device=self.world.device)
        all_reduce(self.world, [sums])
        return sums.tolist()


def sampling_of(config: RolloutConfig, seed: int) -> Sampling:
    """How answers are sampled."""
    return Sampling(
        temperature=config.temperature, top_k=config.top_k, top_p=config.top_p, min_p=config.min_p, seed=seed
    )


def _part(rollouts: list[Rollout], length: int, config: RolloutConfig, device: torch.device) -> Part:
    rows = RolloutRows(rollouts, length, pack=False)
    targets_BT = rows.targets_BT
    if config.truncated == "mask":
        targets_BT = np.where(np.array([one.truncated for one in rollouts])[:, None], -1, targets_BT)
    blank_BT = torch.zeros(targets_BT.shape, dtype=torch.int64, device=device)
    batch = Batch(rows.tokens(device), torch.from_numpy(targets_BT).to(device), blank_BT, blank_BT, 1)
    if (kept_BTW := rows.kept()) is not None:
        batch.extra["kept"] = torch.from_numpy(kept_BTW).to(device)
    return Part(rollouts, rows, batch)
