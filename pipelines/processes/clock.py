"""What work takes, for receipts; never for a decision. Kernels are compiled once a machine: that is no work's time."""

import sys
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

FIRST = "first"
"""In the details of a receipt: whether it is of the first unit of its stage in its process."""
SPENT_ON, WAITED = "spent", "waited"
"""In the details of a receipt: CPU seconds by kind of work; seconds of waiting for files or a store."""
_compiled = [0.0, 0.0]
"""Seconds and CPU seconds that this process has compiled."""
_begun: set[str] = set()


class Moment(NamedTuple):
    """Seconds, CPU seconds, and seconds that this thread had to wait for a core; all from some moment on."""

    seconds: float
    cpu_seconds: float
    queued: float = 0.0


def now(cpu: Callable[[], float] = time.process_time) -> Moment:
    """A moment of a clock that stands still while kernels are compiled; `begin` asks for the queue, too."""
    if "numba" in sys.modules:
        _listen()
    return Moment(time.perf_counter() - _compiled[0], cpu() - _compiled[1])


def begin() -> Moment:
    """A moment to ask `since` and `waited` about: the beginning of a unit."""
    return now()._replace(queued=_queued())


def since(began: Moment, cpu: Callable[[], float] = time.process_time) -> tuple[float, float]:
    """(seconds, CPU seconds) since a moment."""
    ended = now(cpu)
    return ended.seconds - began.seconds, ended.cpu_seconds - began.cpu_seconds


def waited(began: Moment) -> float:
    """Seconds since a moment in which this process had nothing to do: files or a store kept it waiting."""
    ended = now()
    busy = ended.cpu_seconds - began.cpu_seconds + _queued() - began.queued
    return max(0.0, ended.seconds - began.seconds - busy)


def _queued() -> float:
    """0 where the kernel does not say (Documentation/scheduler/sched-stats.rst)."""
    try:
        with open("/proc/thread-self/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def is_first(stage: str) -> bool:
    """Whether this process begins its first unit of a stage: what it loads on the way is no measure of others."""
    known = stage in _begun
    _begun.add(stage)
    return not known


@cache
def _listen() -> None:
    """Have numba tell when it compiles; what it finds in its cache is not told."""
    from numba.core import event

    class Compiling(event.Listener):
        depth, began = 0, (0.0, 0.0)

        def on_start(self, _: object) -> None:
            if not self.depth:
                self.began = time.perf_counter(), time.process_time()
            self.depth += 1

        def on_end(self, _: object) -> None:
            self.depth -= 1
            if not self.depth:
                _compiled[0] += time.perf_counter() - self.began[0]
                _compiled[1] += time.process_time() - self.began[1]

    event.register("numba:compile", Compiling())
