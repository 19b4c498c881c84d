"""Rows become batches, in a background thread, in reused buffers, while the device computes.

Letters: R rows of one step.
"""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gristmill.trainer.data.batch import Batch, Collator, row_generator
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.sampler import Rows
from gristmill.trainer.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """How rows become steps."""

    tokens_per_step: int = 1 << 14
    """Tokens of one optimiser step, over all devices: the global batch. Whole rows, padding too; at least one row."""
    tokens_per_batch: int = 1 << 14
    """Tokens that one device computes at a time, in whole rows; smaller needs less memory and changes nothing else."""
    seed: int = 0
    """Of the order of the rows."""
    documents: bool = True
    """Tokens see only their own document; False lets them see the whole row."""
    ahead: int = 4
    """Batches assembled in advance."""
    verify: bool = True
    """Compare shards, plans and tokenizer with their sha256 before the first step: 0.5 GB/s a core, and more."""

    def __post_init__(self) -> None:
        for name in ("tokens_per_step", "tokens_per_batch"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} = {getattr(self, name)} is below 1",
                    where=f"option data.{name}",
                    fix="a number of tokens, e.g. 65536",
                )

    def step_rows(self, length: int) -> int:
        """Rows of `length` tokens in a step."""
        return max(1, self.tokens_per_step // length)

    def batch_rows(self, length: int) -> int:
        """Rows of `length` tokens in a batch: no more than a step has."""
        return min(max(1, self.tokens_per_batch // length), self.step_rows(length))


class Loader:
    """Batches of the given steps, for one rank of `world`: it takes rows rank, rank + world, ... of every step.

    Every rank gets as many rows as the first; where there are too few, the last is blank: all padding, no target.

    A thread assembles up to `ahead` batches in advance. A batch is valid until the next one is asked for: its memory is
    then filled again. `waited` counts the seconds for which the consumer had to wait.
    """

    def __init__(
        self,
        corpus: Corpus,
        collator: Collator,
        steps: Iterable[Rows],
        config: DataConfig,
        device: torch.device,
        *,
        rank: int = 0,
        world: int = 1,
    ):
        self.corpus, self.collator, self.config, self.device = corpus, collator, config, device
        self.rank, self.world = rank, world
        self.waited, self.figures = 0.0, dict[str, float]()
        self.batch_rows = config.batch_rows(corpus.sequence_length)
        self._free: queue.Queue[_Buffer] = queue.Queue()
        for _ in range(config.ahead + 1):
            self._free.put(_Buffer(collator.fields(corpus.sequence_length), self.batch_rows, device))
        self._ready: queue.Queue[_Buffer | Rows | BaseException] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(iter(steps),), daemon=True, name="loader")
        self._thread.start()

    def batches(self, rows: Rows) -> Iterator[Batch]:
        """This rank's batches of a step; steps must be asked for in the order that was given. Raises what the thread
        raised."""
        made = self._next()
        if not isinstance(made, Rows) or not np.array_equal(made.index_R, rows.index_R):
            raise RuntimeError("the loader was given other steps than it is asked for")
        count, most = -(-self._share(rows) // self.batch_rows), self.corpus.most_segments
        for number in range(1, count + 1):
            buffer = self._next()
            assert isinstance(buffer, _Buffer)
            yield Batch.of(
                buffer.on(self.device),
                self.config.documents,
                most,
                last=number == count,
                documents_per_segment=self.collator.documents_per_segment,
            )
            self._free.put(buffer)

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()

    def _share(self, rows: Rows) -> int:
        """Rows of each rank."""
        return -(-len(rows.index_R) // self.world)

    def _mine(self, rows: Rows) -> np.ndarray:
        """int64: indices of this rank's rows among those of the step; -1: blank."""
        mine_R = np.full(self._share(rows), -1)
        index_R = np.arange(len(rows.index_R))[self.rank :: self.world]
        mine_R[: len(index_R)] = index_R
        return mine_R

    def _next(self) -> "_Buffer | Rows":
        start = time.perf_counter()
        made = self._ready.get()
        self.waited += time.perf_counter() - start
        if isinstance(made, BaseException):
            raise made
        return made

    def _run(self, steps: Iterator[Rows]) -> None:
        try:
            for rows in steps:
                self._ready.put(rows)
                mine = self._mine(rows)
                for start in range(0, len(mine), self.batch_rows):
                    buffer = self._take_free()
                    if buffer is None:
                        return
                    part = mine[start : start + self.batch_rows]
                    self._fill(buffer, rows, part)
                    self._ready.put(buffer)
        except BaseException as error:  # handed to the consumer, which raises it
            self._ready.put(error)

    def _take_free(self) -> "_Buffer | None":
        while not self._stop.is_set():
            try:
                return self._free.get(timeout=0.2)
            except queue.Empty:
                continue
        return None

    def _fill(self, buffer: "_Buffer", rows: Rows, part: np.ndarray) -> None:
        buffer.begin(len(part))
        index_R, epoch_R = np.where(part < 0, -1, rows.index_R[part]), rows.epoch_R[part]

        def chance(r: int) -> np.random.Generator:
            return row_generator(rows.seed, int(epoch_R[r]), int(index_R[r]))

        views = {name: array[: len(part)] for name, array in buffer.arrays.items()}
        self.collator.fill(views, self.corpus.segments(index_R), chance)


class _Buffer:
    """Host memory of one batch, page-locked where the device copies from it."""

    def __init__(self, fields: dict[str, int], rows: int, device: torch.device):
        pinned = device.type == "cuda"
        self.tensors = {
            name: torch.empty(rows, length, dtype=torch.int32, pin_memory=pinned) for name, length in fields.items()
        }
        self.arrays = {name: tensor.numpy() for name, tensor in self.tensors.items()}
        self.rows, self.copied = rows, torch.cuda.Event() if pinned else None

    def begin(self, rows: int) -> None:
        """Before filling: the last copy to the device must be over. Waits in the loader's thread, not in the loop."""
        if self.copied is not None:
            self.copied.synchronize()
        self.rows = rows

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """The filled rows on the device; on a CPU the memory itself."""
        out = {name: tensor[: self.rows].to(device, non_blocking=True) for name, tensor in self.tensors.items()}
        if self.copied is not None:
            self.copied.record()
        return out
