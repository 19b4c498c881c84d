"""Which rows a step reads: one global order for every world size, micro-batch and read-ahead.

The whole state of the data is `DataState`: seed, epoch, next_row. It counts rows that were consumed, never rows that
were fetched, so a resumed training sees the same rows in the same order on any number of devices.

Letters: R rows of one step.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gristmill.tokenizer.mixing.written import Mix
from gristmill.tokenizer.sampling import shuffled
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.errors import InputError


@dataclass(frozen=True)
class DataState:
    """Where the next step reads."""

    seed: int = 0
    epoch: int = 0
    next_row: int = 0


@dataclass
class Rows:
    """The rows of one step, in global order, and where the next step begins."""

    index_R: np.ndarray
    """int64 row numbers of the pack plan."""
    epoch_R: np.ndarray
    seed: int
    tokens: int
    """Of all these rows, without padding."""
    after: DataState


class Sampler:
    """The rows of every step of a training."""

    def __init__(self, corpus: Corpus, rows_per_step: int):
        if len(corpus) == 0:
            raise InputError(
                "the pack plan has no rows", where=str(corpus.plan_path), fix="the recipe kept nothing: see its report"
            )
        self.corpus: Corpus | None = corpus
        self.rows, self.rows_per_step = corpus, rows_per_step

    def take(self, state: DataState) -> Rows:
        """The rows of the step that begins there; past the end of an epoch the next one begins."""
        rows, count = len(self.rows), self.rows_per_step
        position_R = state.next_row + np.arange(count)
        epoch_R = state.epoch + position_R // rows
        index_R = np.empty(count, np.int64)
        for epoch in np.unique(epoch_R):
            mine_R = epoch_R == epoch
            index_R[mine_R] = shuffled(state.seed, int(epoch), position_R[mine_R] % rows, rows)
        last = state.next_row + count
        after = DataState(state.seed, state.epoch + last // rows, last % rows)
        tokens = int(self.rows.plan.length[self.rows.segment_numbers(index_R)].sum())
        return Rows(index_R, epoch_R, state.seed, tokens, after)

    def steps(self, state: DataState) -> Iterator[Rows]:
        """The rows of every step from `state` on, without end."""
        while True:
            rows = self.take(state)
            yield rows
            state = rows.after


class MixSampler(Sampler):
    """The rows of a mixture, in the order that its plan has; it ends where the plan does."""

    def __init__(self, corpus: Corpus, rows_per_step: int, mix: Mix):
        super().__init__(corpus, rows_per_step)
        self.mix = mix

    def take(self, state: DataState) -> Rows:
        """The rows of the step that begins there. Raises InputError where the plan has too few."""
        stop = state.next_row + self.rows_per_step
        if stop > len(self.mix):
            raise InputError(
                f"the mixture ends after row {len(self.mix):,}, a step reads up to {stop:,}",
                where=str(self.mix.folder),
                fix="fewer steps, or a mixture of more tokens",
            )
        index_R = self.mix.row_R[state.next_row : stop].astype(np.int64)
        epoch_R = self.mix.epoch_R[state.next_row : stop].astype(np.int64)
        tokens = int(self.rows.plan.length[self.rows.segment_numbers(index_R)].sum())
        return Rows(index_R, epoch_R, state.seed, tokens, DataState(state.seed, 0, stop))

    def steps(self, state: DataState) -> Iterator[Rows]:
        """The rows of every step from `state` to the last whole one."""
        while state.next_row + self.rows_per_step <= len(self.mix):
            rows = self.take(state)
            yield rows
            state = rows.after
