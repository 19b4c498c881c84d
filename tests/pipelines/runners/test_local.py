"""The local runner: Beam's results, forked workers that may die, errors as they were raised, nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to

from gristmill.pipelines.errors import InputError, RunnerError
from gristmill.pipelines.processes.pool import WorkerPool
from gristmill.pipelines.runners.budget import Budget
from gristmill.pipelines.runners.local.runner import LocalRunner, unsuitable

pytestmark = pytest.mark.skipif(unsuitable() is not None, reason="not a tested Beam, or no safe fork")


class Kill(beam.DoFn):
    """Kills its worker at one element: always, or only while a file does not exist."""

    def __init__(self, at: int, once: str | None = None):
        self.at, self.once = at, once

    def process(self, element: int) -> Iterator[tuple[int, int]]:
        if element == self.at and not (self.once and os.path.exists(self.once)):
            if self.once:
                open(self.once, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        yield element % 3, element


class Refuse(beam.DoFn):
    """Raises an error of ours."""

    def process(self, element: int) -> Iterator[int]:
        raise InputError("文件 is gone", where="row 7", fix="put it back")
        yield element


class Named(beam.DoFn):
    """Adds the process that does it to what it is given."""

    def process(self, element: tuple[int, object]) -> Iterator[tuple[int, int]]:
        yield element[0], os.getpid()


def at_once(workers: int, scratch: Path) -> LocalRunner:
    runner = LocalRunner(workers, scratch=scratch)
    runner.at_once = True
    return runner


def run(runner: LocalRunner, step: beam.DoFn) -> None:
    with beam.Pipeline(runner=runner) as pipeline:
        grouped = (
            pipeline
            | beam.Create(range(40), reshuffle=False)
            | beam.ParDo(step).with_output_types(tuple[int, int])
            | beam.GroupByKey()
            | beam.MapTuple(lambda key, values: (key, sorted(values)))
        )
        assert_that(grouped, equal_to([(key, list(range(key, 40, 3))) for key in range(3)]))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_group_by_key__same_result_for_any_number_of_workers(tmp_path, workers):
    run(LocalRunner(workers, scratch=tmp_path), Kill(-1))
    assert list(tmp_path.iterdir()) == []


def test_stage_that_only_moves_a_little__forks_nothing(tmp_path, monkeypatch):
    """What two stages wrote becomes the input of one shuffle."""
    forked, map_tasks = [], WorkerPool.map

    def noted(pool, work, tasks, what, *more):
        forked.append(what)
        return map_tasks(pool, work, tasks, what, *more)

    def shuffled(pipeline, name):
        made = pipeline | name >> beam.Create([(n % 3, f"{name}{n}页") for n in range(9)], reshuffle=False)
        return made | f"{name} shuffled" >> beam.GroupByKey() | f"{name} again" >> beam.FlatMapTuple(each)

    def each(key, values):
        return [(key, value) for value in values]

    monkeypatch.setattr(WorkerPool, "map", noted)
    with beam.Pipeline(runner=LocalRunner(2, scratch=tmp_path)) as pipeline:
        both = [shuffled(pipeline, name) for name in "ab"] | beam.Flatten() | "both" >> beam.GroupByKey()
        expected = [(key, {f"{name}{n}页" for name in "ab" for n in range(key, 9, 3)}) for key in range(3)]
        assert_that(both | beam.MapTuple(lambda key, values: (key, set(values))), equal_to(expected))
    assert forked
    assert [what for what in forked if "AppliedPTransform" not in what] == []


def test_killed_worker__its_task_is_done_by_another(tmp_path):
    (tmp_path / "spill").mkdir()
    run(LocalRunner(2, scratch=tmp_path / "spill"), Kill(17, str(tmp_path / "once")))
    assert (tmp_path / "once").exists()


def test_task_that_always_kills__ends_with_a_message(tmp_path):
    with pytest.raises(RunnerError, match="ended 4 workers, the last by SIGKILL"):
        run(LocalRunner(2, scratch=tmp_path), Kill(17))
    assert list(tmp_path.iterdir()) == []


def test_at_once__one_worker_does_all_stages(tmp_path):
    with beam.Pipeline(runner=at_once(2, tmp_path)) as pipeline:
        (
            pipeline
            | beam.Create([(key, 0) for key in range(9)], reshuffle=False)
            | "first" >> beam.ParDo(Named())
            | beam.GroupByKey()
            | beam.MapTuple(lambda key, pids: (0, [*pids, os.getpid()]))
            | "together" >> beam.GroupByKey()
            | beam.MapTuple(
                lambda _, found: (tmp_path / "pids").write_text(str({pid for some in found for pid in some}))
            )
        )
    (pid,) = eval((tmp_path / "pids").read_text())
    assert pid != os.getpid()


def test_at_once__where_that_worker_dies_the_stages_are_done_one_by_one(tmp_path):
    (tmp_path / "spill").mkdir()
    run(at_once(2, tmp_path / "spill"), Kill(17, str(tmp_path / "once")))
    assert (tmp_path / "once").exists()
    assert list((tmp_path / "spill").iterdir()) == []
    with pytest.raises(RunnerError, match="ended 4 workers, the last by SIGKILL"):
        run(at_once(2, tmp_path), Kill(17))


def test_at_once__an_error_arrives_as_it_was_raised(tmp_path):
    with pytest.raises(InputError, match="文件 is gone"):
        run(at_once(2, tmp_path), Refuse())


def test_error__arrives_as_it_was_raised(tmp_path):
    with pytest.raises(InputError, match="文件 is gone") as caught:
        run(LocalRunner(2, scratch=tmp_path), Refuse())
    assert caught.value.where == "row 7"


def test_disk_budget__is_kept_with_a_message(tmp_path):
    with pytest.raises(RunnerError, match="passed 10 bytes"):
        run(LocalRunner(2, Budget(disk=10), tmp_path), Kill(-1))
    assert list(tmp_path.iterdir()) == []


class Take(beam.DoFn):
    """Allocates so many bytes at each element: by Python, numpy, Arrow."""

    def __init__(self, size: int):
        self.size = size

    def process(self, element: int) -> Iterator[tuple[int, int]]:
        held = (bytearray(self.size), np.ones(self.size, np.uint8), pa.allocate_buffer(self.size))
        yield element % 3, element + 0 * len(held)


def test_memory_budget__what_fits_runs(tmp_path):
    run(LocalRunner(2, Budget(memory=600_000_000), tmp_path), Take(50_000_000))


BEYOND = """
import sys
from pathlib import Path
import apache_beam as beam, numpy as np, pyarrow as pa
from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.budget import Budget
from gristmill.pipelines.runners.local.runner import LocalRunner

class Take(beam.DoFn):
    def process(self, size):
        yield len((bytearray(size), np.ones(size, np.uint8), pa.allocate_buffer(size)))

try:
    with beam.Pipeline(runner=LocalRunner(2, Budget(memory=600_000_000), Path(sys.argv[2]))) as pipeline:
        pipeline | beam.Create([int(sys.argv[1])], reshuffle=False) | beam.ParDo(Take())
except RunnerError as error:
    print(error)
"""


@pytest.mark.parametrize("size", [250_000_000, 1_000_000_000])
def test_memory_budget__a_worker_beyond_its_share_ends_with_a_message(tmp_path, size):
    """In a process of its own: what earlier tests have freed in this one a worker may take without asking."""
    line = [sys.executable, "-c", BEYOND, str(size), str(tmp_path)]
    said = subprocess.run(line, capture_output=True, text=True).stdout
    assert "ended 4 workers, the last by lack of memory" in said
    assert "--memory" in said
    assert list(tmp_path.iterdir()) == []


class Full(beam.DoFn):
    """Writes where the kernel says that the disk is full."""

    def process(self, element: int) -> Iterator[tuple[int, int]]:
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")
        yield 0, element


def test_full_disk__in_a_worker_is_one_message(tmp_path):
    with pytest.raises(RunnerError, match="the disk is full") as caught:
        run(LocalRunner(2, scratch=tmp_path), Full())
    assert "free some space" in caught.value.fix


def test_what_a_stage_took_is_gone_when_later_ones_write(tmp_path):
    """Five shuffles of 16 MB: two of them lie on the disk at a time, not all."""

    def moved(key, values):
        yield from ((key + 1, value) for value in values)

    def lies(key, values):
        assert sum(1 for _ in values) == 4
        yield sum(file.stat().st_size for file in tmp_path.glob("*/*"))

    def seen(sizes):
        assert len(sizes) == 4
        assert max(sizes) < 2.5 * (16 << 20)

    runner = LocalRunner(2, scratch=tmp_path)
    with beam.Pipeline(runner=runner) as pipeline:
        rows = pipeline | beam.Create([(key, bytes(1)) for key in range(16)], reshuffle=False)
        rows |= beam.MapTuple(lambda key, value: (key % 4, value * (1 << 20))).with_output_types(tuple[int, bytes])
        for turn in range(4):
            moving = beam.FlatMapTuple(moved).with_output_types(tuple[int, bytes])
            rows = rows | f"shuffle {turn}" >> beam.GroupByKey() | f"move {turn}" >> moving
        assert_that(rows | beam.GroupByKey() | beam.FlatMapTuple(lies), seen)
    assert runner.spilled > 5 * (16 << 20)
    assert list(tmp_path.iterdir()) == []


def test_many_small_keys__few_tasks(tmp_path, monkeypatch):
    """A bundle costs a millisecond: 100,000 keys in as many tasks would take minutes."""
    tasks, stock = [], WorkerPool.map

    def counting(self, work, count, *rest):
        tasks.append(count)
        return stock(self, work, count, *rest)

    monkeypatch.setattr(WorkerPool, "map", counting)
    keys = 100_000
    with beam.Pipeline(runner=LocalRunner(2, scratch=tmp_path)) as pipeline:
        counted = (
            pipeline
            | beam.Create([keys])
            | beam.FlatMap(lambda count: range(count)).with_output_types(int)
            | beam.Map(lambda key: (key, 1)).with_output_types(tuple[int, int])
            | beam.GroupByKey()
            | beam.MapTuple(lambda key, values: len(list(values)))
            | beam.CombineGlobally(sum)
        )
        assert_that(counted, equal_to([keys]))
    assert 4 * 16 > max(tasks) > 16
