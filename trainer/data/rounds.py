"""Which prompts a step of a policy's training learns from: rounds of rollouts, each of which serves several updates.

A round samples answers to `prompts` prompts with the weights that its first update finds. Its updates are cut from
those prompts, `updates` of them, and gone through `epochs` times. The state of the data is the number of the next
update, so that a training which is resumed where a round begins makes the same rounds, on any number of devices.

Letters: P prompts of a round, R of an update.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.sampler import DataState, Rows, shuffled
from gristmill.trainer.errors import ConfigError

TRUNCATED = ("zero", "mask", "score")


@dataclass(frozen=True, kw_only=True)
class RolloutConfig:
    """What a policy is asked, how it answers, and how often one answer is learnt from."""

    prompts: int = 16
    """Of a round, over all devices."""
    samples: int = 8
    """Answers to each prompt; ppo and distill need one."""
    updates: int = 1
    """Optimiser steps that a round's prompts are divided among."""
    epochs: int = 1
    """How often a round is gone through."""
    tokens: int = 64
    """Most tokens of an answer; what is cut there is truncated."""
    truncated: str = "zero"
    """What a truncated answer is worth: zero (at most 0, whatever the reward says), mask (it is not learnt from; it
    counts in the mean of its group) or score (as the reward says)."""
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    reward: str = "task"
    """task, FILE.py:FUNCTION, a reward model's checkpoint, or a weighted sum: trainer/rollouts/rewards.py."""
    tools: str = ""
    """Tools that answers may call, with commas: calculator, search (over the run's text/)."""
    task: str = ""
    """Tasks that make the prompts, with commas; "": the prompts of the run."""
    lang: str = "en,zh"
    """Languages of those tasks."""
    examples: int = 1024
    """Of each task and language; each is asked once in an epoch."""
    held_out: int = 128
    """Prompts of an evaluation, of the validation split, or of the tasks with another seed."""
    write: bool = False
    """Write every round to RUN/rollouts/NAME, as data that a recipe reads."""

    def __post_init__(self) -> None:
        if self.truncated not in TRUNCATED:
            raise ConfigError(
                f"truncated = {self.truncated!r} is not a choice",
                where="option rollouts.truncated",
                fix=f"one of: {', '.join(TRUNCATED)}",
            )
        counts = ("prompts", "samples", "updates", "epochs", "tokens", "examples")
        low = [name for name in counts if getattr(self, name) < 1]
        if low:
            raise ConfigError(
                f"{low[0]} = {getattr(self, low[0])} is below 1", where=f"option rollouts.{low[0]}", fix="at least 1"
            )
        if self.held_out < 0:
            raise ConfigError(
                f"held_out = {self.held_out} is below 0", where="option rollouts.held_out", fix="0 asks none"
            )
        if self.prompts % self.updates:
            raise ConfigError(
                f"{self.prompts} prompts cannot be divided among {self.updates} updates",
                where="options rollouts.prompts, rollouts.updates",
                fix="choose a multiple",
            )

    @property
    def steps(self) -> int:
        """Optimiser steps of a round."""
        return self.updates * self.epochs


@dataclass
class RoundRows(Rows):
    """The prompts of one update, by their numbers, and the round that it belongs to. `tokens` is known when its answers
    are written."""

    round: int = 0
    update: int = 0
    """Of its round, 0 to updates * epochs - 1."""
    prompts_P: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    """int64: of the whole round; those of part k of it stand together."""


class RoundSampler:
    """The prompts of every update, in one global order: a permutation of all for every epoch."""

    def __init__(self, count: int, config: RolloutConfig):
        """`count`: of all prompts."""
        self.count, self.config = count, config
        self.corpus: Corpus | None = None

    def take(self, state: DataState) -> RoundRows:
        """The update that begins there."""
        config = self.config
        number, update = divmod(state.next_row, config.steps)
        position_P = number * config.prompts + np.arange(config.prompts)
        epoch_P, place_P = position_P // self.count, position_P % self.count
        prompts_P = np.empty(config.prompts, np.int64)
        for epoch in np.unique(epoch_P):
            mine_P = epoch_P == epoch
            prompts_P[mine_P] = shuffled(state.seed, int(epoch), place_P[mine_P], self.count)
        part = slice_of(update % config.updates, config)
        after = DataState(state.seed, int((position_P[-1] + 1) // self.count), state.next_row + 1)
        return RoundRows(prompts_P[part], epoch_P[part], state.seed, 0, after, number, update, prompts_P)

    def steps(self, state: DataState) -> Iterator[RoundRows]:
        """Every update from `state` on, without end."""
        while True:
            rows = self.take(state)
            yield rows
            state = rows.after


def slice_of(part: int, config: RolloutConfig) -> slice:
    """Which prompts of a round belong to a part of it."""
    size = config.prompts // config.updates
    return slice(part * size, (part + 1) * size)
