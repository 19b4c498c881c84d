"""Where the work of a run's own process is done: here, or in a child of it.

The process that forks workers must have no threads, and clients of object stores have some. So where a run reads from
or writes to one, planning, the lock, the manifest and the report are done in forked children, one after the other.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Aside(Protocol):
    """Does some work and hands on its result, which can be pickled, or its error."""

    def __call__(self, work: Callable[[], T]) -> T:
        """The result of `work()`."""


def here(work: Callable[[], T]) -> T:
    """In this process."""
    return work()


def in_child(work: Callable[[], T]) -> T:
    """In a forked child. An error that is not ours comes back as its traceback."""
    from gristmill.pipelines.processes.pool import WorkerPool  # multiprocessing, which the command does without

    (result,) = WorkerPool(1).map(lambda _: work(), 1, "storage")
    return result
