"""What work takes, for receipts; never for a decision. Kernels are compiled once a machine: that is no work's time."""

import sys
import time
from collections.abc import Callable
from functools import cache

FIRST = "first"
"""In the details of a receipt: whether it is of the first unit of its stage in its process."""
_compiled = [0.0, 0.0]
"""Seconds and CPU seconds that this process has compiled."""
_begun: set[str] = set()


def now(cpu: Callable[[], float] = time.process_time) -> tuple[float, float]:
    """(seconds, CPU seconds) from some moment on, standing still while kernels are compiled."""
    if "numba" in sys.modules:
        _listen()
    return time.perf_counter() - _compiled[0], cpu() - _compiled[1]


def since(began: tuple[float, float], cpu: Callable[[], float] = time.process_time) -> tuple[float, float]:
    """(seconds, CPU seconds) since a `now`."""
    seconds, cpu_seconds = now(cpu)
    return seconds - began[0], cpu_seconds - began[1]


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
