"""The one shuffle: packed numpy rows, keyed by a small integer, in blocks.

One record per element costs 30 times more (beam.md 1.3). A stage that shuffles is a `BlockDoFn`: it fills a
`BlockBuffer` in `work`, which is emptied at the end of a bundle, and the next one reads `table(blocks, dtype)` behind
`GroupBlocks`.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from gristmill.pipelines.processes.clock import now, since
from gristmill.pipelines.records.rows import pick, rows_of

Block = tuple[int, bytes]
"""(partition, packed rows). As a type hint it selects VarInt and Bytes coders; any looser one falls back to pickle."""

Group = tuple[int, Iterable[bytes]]
"""What a stage behind `GroupBlocks` receives."""

ROWS_TAG, COST_TAG = b"R", b"$"
"""The first byte of a block: what it holds."""

BLOCK_BYTES = 1 << 20
"""Most bytes of a block: Flink refuses records larger than its sort buffer."""

BUFFER_BYTES = 16 << 20
"""Bytes that wait for their block: 250 partitions then get blocks of 64 KiB; below, the cost per element shows."""


def split_by(partition: np.ndarray, rows: np.ndarray, tag: bytes = b"") -> Iterator[Block]:
    """Blocks of at most BLOCK_BYTES, by rising partition; rows of one partition keep their order.

    partition: non-negative integers, one per row; rows: a structured array; tag: see `by_tag`.
    """
    if not len(rows):
        return
    low = partition - partition.min()
    narrow = low.astype(np.uint16) if low.max() < 1 << 16 else low  # 16 bits: numpy sorts by radix
    order = np.argsort(narrow, kind="stable")
    partition, rows = partition[order], pick(rows, order)
    starts = np.flatnonzero(np.r_[True, partition[1:] != partition[:-1]])
    step = max(1, BLOCK_BYTES // rows.itemsize)
    for start, end in zip(starts, np.r_[starts[1:], len(rows)], strict=True):
        for first in range(start, end, step):
            yield int(partition[start]), tag + rows[first : min(first + step, end)].tobytes()


def table(blocks: Iterable[bytes], dtype: np.dtype) -> np.ndarray:
    """The rows of blocks that hold nothing else."""
    return rows_of(by_tag(blocks, ROWS_TAG)[0], dtype)


def by_tag(values: Iterable[bytes], *tags: bytes) -> list[list[bytes]]:
    """The blocks of several kinds that share a shuffle, apart: each begins with its kind's tag of one byte."""
    apart: dict[bytes, list[bytes]] = {tag: [] for tag in tags}
    for value in values:
        apart[value[:1]].append(value[1:])
    return list(apart.values())


class BlockBuffer:
    """Rows of many elements of a bundle, gathered until they fill blocks.

    Bounded by bytes: on Spark, Flink and locally a bundle is a whole partition, and finish_bundle comes late.
    """

    def __init__(self, tag: bytes = b"", limit: int = BUFFER_BYTES):
        self.tag, self.limit = tag, limit
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._bytes = 0

    def add(self, partition: np.ndarray, rows: np.ndarray) -> Iterator[Block]:
        """Takes rows and their partitions; gives blocks when the buffer is full. Consume the iterator."""
        if len(rows):
            self._waiting.append((np.asarray(partition), rows))
            self._bytes += rows.nbytes
        if self._bytes >= self.limit:
            yield from self.flush()

    def flush(self) -> Iterator[Block]:
        """All that waits."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if waiting:
            yield from split_by(
                np.concatenate([partition for partition, _ in waiting]),
                np.concatenate([rows for _, rows in waiting]),
                self.tag,
            )


def in_global_window(block: Block) -> WindowedValue:
    """What `finish_bundle` has to yield instead of a plain block."""
    return GlobalWindows.windowed_value(block)


@dataclass(frozen=True)
class Cost:
    """What work took: seconds, and CPU seconds of its thread."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)

    def to_bytes(self) -> bytes:
        """A block, with its tag."""
        return COST_TAG + np.array([self.seconds, self.cpu_seconds]).tobytes()

    @classmethod
    def of(cls, blocks: Iterable[bytes]) -> "Cost":
        """The sum of some blocks, without their tags."""
        return sum((cls(*np.frombuffer(block).tolist()) for block in blocks), cls())


class BlockDoFn(beam.DoFn):
    """A stage between shuffles: `work` yields from self.blocks.add(partition, rows), tagged with `tag`.

    What the stages before it took comes with their blocks, and goes on with its own at the end of each bundle: the
    last one knows what all took, on every runner, and a bundle that is tried again counts once.
    """

    tag = ROWS_TAG
    counts_costs = True
    """False where another stage reads the same blocks, and counts them."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One group, or one block, that is not empty."""
        raise NotImplementedError

    def cost_key(self, key: int) -> int:
        """The group that the cost goes on to: partition 0 behind the next shuffle."""
        return int(among(partitions_of(key), 0))

    def start_bundle(self) -> None:
        """A bundle that failed half-way must not leave rows to the next one."""
        self.blocks = BlockBuffer(self.tag)
        self.cost, self.costs_go_to = Cost(), -1

    def process(self, element: tuple[int, bytes | Iterable[bytes]]) -> Iterator[Block]:
        """Takes the costs out, and times the rest."""
        key, values = element
        costs: list[bytes] = []
        blocks: list[bytes] = []
        for block in [values] if isinstance(values, bytes) else values:
            (costs if block[:1] == COST_TAG else blocks).append(block)
        self.costs_go_to = self.cost_key(key)
        if self.counts_costs:
            self.cost += Cost.of(block[1:] for block in costs)
        if blocks:
            yield from self._timed(self.work(key, blocks))

    def _timed(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """The same blocks; only what is done here counts, not what becomes of them meanwhile."""
        while True:
            began = now(time.thread_time)
            block = next(blocks, None)
            self.cost += Cost(*since(began, time.thread_time))
            if block is None:
                return
            yield block

    def rest(self) -> Iterator[Block]:
        """The rows that did not fill a block."""
        yield from self.blocks.flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """What is left, and what it took."""
        yield from map(in_global_window, self._timed(self.rest()))
        if self.costs_go_to >= 0:
            yield in_global_window((self.costs_go_to, self.cost.to_bytes()))


class GroupBlocks(beam.PTransform):
    """All blocks of a partition in one place: a GroupByKey, typed."""

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """PCollection[Block] -> PCollection[Group]."""
        return blocks | "GroupByKey" >> beam.GroupByKey().with_input_types(Block).with_output_types(Group)


def spread(keys: np.ndarray, partitions: int) -> np.ndarray:
    """uint32: a partition for each uint64 key whose low 32 bits are evenly distributed (a hash); see `mixed`."""
    low = keys & np.uint64(0xFFFFFFFF)
    return ((low * np.uint64(partitions)) >> np.uint64(32)).astype(np.uint32)


def among(partitions: int, number: np.ndarray | int) -> np.ndarray:
    """uint64 keys of blocks that say how many partitions there are: what is known only while the graph runs travels
    with the blocks. number: of a partition, or whatever else a stage groups by, below 2**32."""
    return np.uint64(partitions << 32) | np.asarray(number).astype(np.uint64)


def partitions_of(key: int) -> int:
    """How many partitions there are, from any key made by `among`."""
    return key >> 32
