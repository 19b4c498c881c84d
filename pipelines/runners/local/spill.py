"""What lies between stages: encoded elements in files on disk. Only (file, offset, length) stays in the parent.

Stands in for Beam's ListBuffer and GroupingBuffer (apache_beam 2.77, runners/portability/fn_api_runner/execution.py).
"""

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from apache_beam.coders.coder_impl import CoderImpl, create_InputStream
from apache_beam.runners.portability.fn_api_runner.execution import GroupingBuffer

SMALL = 8 << 20
"""Bytes of a stage's input that the parent takes in hand, to cut it into single elements or to move it: units and
receipts, not blocks."""
TASKS_PER_WORKER = 16
"""Enough that the last one to finish is short; few enough that handing them out costs nothing."""


class SpillFile:
    """A file that goes once nothing in this process means to read it any more: what a stage took is gone before the
    next but one writes. Forks only read."""

    def __init__(self, path: str):
        self.path, self._process = path, os.getpid()

    def __del__(self) -> None:
        if os.getpid() == self._process:
            with contextlib.suppress(OSError):  # the whole folder goes at the end
                os.unlink(self.path)


@dataclass(frozen=True, slots=True)
class Spilled:
    """Bytes in a spill file."""

    path: str
    offset: int
    length: int
    file: SpillFile | None = None
    """In the process that hands out tasks: keeps the file."""


Segment: TypeAlias = bytes | Spilled
T = TypeVar("T")


def size_of(segment: Segment) -> int:
    """In bytes."""
    return segment.length if isinstance(segment, Spilled) else len(segment)


def load(segment: Segment) -> bytes:
    """The bytes of a segment."""
    if isinstance(segment, bytes):
        return segment
    with open(segment.path, "rb") as file:
        file.seek(segment.offset)
        return file.read(segment.length)


def elements(data: bytes, coder: CoderImpl) -> Iterator[tuple[Any, bytes]]:
    """(decoded element, its bytes) of a stream, without encoding anything again."""
    stream, total = create_InputStream(data), len(data)
    while stream.size() > 0:
        start = total - stream.size()
        value = coder.decode_from_stream(stream, True)
        yield value, data[start : total - stream.size()]


def in_tasks(pieces: list[T], workers: int) -> list[list[T]]:
    """Neighbours together, so that there are enough tasks for every worker and not many more."""
    width = max(1, len(pieces) // (workers * TASKS_PER_WORKER))
    return [pieces[at : at + width] for at in range(0, len(pieces), width)]


class SpillList:
    """The elements of a PCollection, in order."""

    def __init__(self, coder: CoderImpl, segments: Iterable[Segment] = ()):
        self.coder, self.segments, self.cleared = coder, list(segments), False

    def append(self, data: Segment) -> None:
        """Add some encoded elements."""
        self.segments.append(data)

    def extend(self, other: "SpillList | Iterable[Segment]") -> None:
        """Add those of another buffer."""
        self.segments.extend(other.segments if isinstance(other, SpillList) else other)

    def copy(self) -> "SpillList":
        """The same segments; files are not copied."""
        return SpillList(self.coder, self.segments)

    def clear(self) -> None:
        """Forget them."""
        self.segments, self.cleared = [], True

    def reset(self) -> None:
        """Use a cleared buffer again."""
        self.cleared = False

    def __iter__(self) -> Iterator[bytes]:
        return (load(segment) for segment in self.segments)

    def partitioned(self, data: bytes) -> list[tuple[int, bytes]]:
        """How a worker writes output for this buffer: as it is."""
        return [(0, data)]

    def add(self, partition: int, segment: Segment) -> None:
        """Take what a worker has written."""
        self.segments.append(segment)

    @property
    def is_small(self) -> bool:
        """Whether this process may hold it."""
        return sum(map(size_of, self.segments)) <= SMALL

    def tasks(self, workers: int) -> list[list[Segment]]:
        """Pieces of work, in order; single elements where there is little data."""
        if not self.is_small:
            return in_tasks(self.segments, workers)
        return in_tasks([raw for data in self for _, raw in elements(data, self.coder)], workers)

    def read(self, task: list[Segment]) -> list[bytes]:
        """The input of a task, in the worker."""
        return [load(segment) for segment in task]


class SpillGroup:
    """The input of a GroupByKey: encoded key-value pairs in partitions by a hash of the key."""

    cleared = False

    def __init__(self, grouping: GroupingBuffer, partitions: int):
        self.pre = grouping._pre_grouped_coder
        self.post, self.windowing = grouping._post_grouped_coder, grouping._windowing
        self.by_partition: list[list[Segment]] = [[] for _ in range(partitions)]

    def copy(self) -> "SpillGroup":
        """Itself, as GroupingBuffer does: it is read once."""
        return self

    def clear(self) -> None:
        """Nothing, as GroupingBuffer does."""

    reset = clear

    def extend(self, other: object) -> None:
        """Add the pairs of another grouping; a list is the workaround that GroupingBuffer ignores as well."""
        if isinstance(other, SpillGroup):
            for mine, theirs in zip(self.by_partition, other.by_partition, strict=True):
                mine.extend(theirs)

    def partitioned(self, data: bytes) -> list[tuple[int, bytes]]:
        """Encoded pairs by partition; crc32, because Python's hash differs between processes."""
        key_coder = self.pre.key_coder().get_impl()
        found: dict[int, list[bytes]] = {}
        for windowed, raw in elements(data, self.pre.get_impl()):
            partition = zlib.crc32(key_coder.encode(windowed.value[0])) % len(self.by_partition)
            found.setdefault(partition, []).append(raw)
        return [(partition, b"".join(raws)) for partition, raws in sorted(found.items())]

    def append(self, data: bytes) -> None:
        """Add pairs that the parent itself holds."""
        for partition, raw in self.partitioned(data):
            self.by_partition[partition].append(raw)

    def add(self, partition: int, segment: Segment) -> None:
        """Take what a worker has written."""
        self.by_partition[partition].append(segment)

    def tasks(self, workers: int) -> list[list[bytes]] | list[int]:
        """Some keys per task where there is little data (two units may share a partition), else one partition."""
        if sum(size_of(segment) for part in self.by_partition for segment in part) > SMALL:
            return [number for number, part in enumerate(self.by_partition) if part]
        coder = self.post.get_impl()
        return in_tasks([raw for data in self for _, raw in elements(data, coder)], workers)

    def read(self, task: list[bytes] | int) -> list[bytes]:
        """The grouped input of a task, in the worker."""
        return task if isinstance(task, list) else [self._group(self.by_partition[task])]

    def _group(self, segments: Iterable[Segment]) -> bytes:
        grouping = GroupingBuffer(self.pre, self.post, self.windowing)
        for segment in segments:
            grouping.append(load(segment))
        return b"".join(grouping.partition(1)[0])

    def __iter__(self) -> Iterator[bytes]:
        return (self._group(part) for part in self.by_partition if part)
