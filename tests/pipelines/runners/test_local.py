"""The local runner: Beam's results, forked workers that may die, errors as they were raised, nothing left behind."""

import os
import signal
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipelines.errors import InputError, RunnerError
from pipelines.runners.local.runner import Budget, LocalRunner, unsuitable

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


def test_killed_worker__its_task_is_done_by_another(tmp_path):
    (tmp_path / "spill").mkdir()
    run(LocalRunner(2, scratch=tmp_path / "spill"), Kill(17, str(tmp_path / "once")))
    assert (tmp_path / "once").exists()


def test_task_that_always_kills__ends_with_a_message(tmp_path):
    with pytest.raises(RunnerError, match="ended 4 workers, the last by SIGKILL"):
        run(LocalRunner(2, scratch=tmp_path), Kill(17))
    assert list(tmp_path.iterdir()) == []


def test_error__arrives_as_it_was_raised(tmp_path):
    with pytest.raises(InputError, match="文件 is gone") as caught:
        run(LocalRunner(2, scratch=tmp_path), Refuse())
    assert caught.value.where == "row 7"


def test_disk_budget__is_kept_with_a_message(tmp_path):
    with pytest.raises(RunnerError, match="passed 10 bytes"):
        run(LocalRunner(2, Budget(disk=10), tmp_path), Kill(-1))
    assert list(tmp_path.iterdir()) == []
