"""A document that kills its process costs itself, not its unit and not the run.

A segmentation fault or the kernel's out-of-memory killer leaves nothing to catch. So where earlier attempts at a unit
were killed (`storage/attempts.py`) the next one is careful: whatever reads or judges documents runs in a forked
child first, and what kills the child raises `LethalRecordError` here, to become a dead letter.
"""

import errno
import faulthandler
import functools
import mmap
import os
import resource
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.processes.clock import now, since
from gristmill.pipelines.processes.lifetime import end_with_parent

TRIES = 3
"""Deaths of a child until its records are held to blame: another process may have emptied the memory."""

P = ParamSpec("P")
T = TypeVar("T")


class LethalRecordError(BadRecordError):
    """These records kill the process that works on them."""


@dataclass(frozen=True)
class Guard:
    """Stands before what may kill this process; does nothing unless careful, but count what it stands before.

    spent: CPU seconds of this process by the name of a step; for the run's log, never for a decision.
    """

    careful: bool = False
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def step(self, name: str, work: Callable[P, T]) -> Callable[P, T]:
        """The same function, which raises LethalRecordError where it would have ended the process."""
        done = _tried_first(work) if self.careful else work

        def counted(*arguments: P.args, **options: P.kwargs) -> T:
            began = now()
            try:
                return done(*arguments, **options)
            finally:
                self.spent[name] += since(began)[1]

        return counted

    def each(self, read: Callable[[], Iterator[T]], rest: Callable[[LethalRecordError], T]) -> Iterator[T]:
        """What `read()` yields, up to where it would end the process; then `rest(error)` stands for all that follows.

        Careful, it calls `read` in children as well: it has to give the same things each time.
        """
        if not self.careful:
            yield from read()
            return
        alive, error = _count(read)
        yield from islice(read(), alive)
        if error is not None:
            yield rest(error)


def _tried_first(work: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(work)
    def tried(*arguments: P.args, **options: P.kwargs) -> T:
        error = _survives(lambda: work(*arguments, **options))
        if error is not None:
            raise error
        return work(*arguments, **options)

    return tried


def _count(read: Callable[[], Iterator[object]]) -> tuple[int | None, LethalRecordError | None]:
    """(None, None) where reading survives; else how many things it gives before it dies, and of what."""
    alive, error = 0, None
    with mmap.mmap(-1, 8) as shared:  # outlives the child that writes to it

        def count() -> None:
            for number, _ in enumerate(read(), 1):
                shared[:8] = number.to_bytes(8, "little")

        for _ in range(TRIES):
            shared[:8] = bytes(8)
            error = _end_of(count)
            if error is None:
                return None, None
            alive = max(alive, int.from_bytes(shared[:8], "little"))
    return alive, error


def _survives(work: Callable[[], object]) -> LethalRecordError | None:
    """None as soon as one child survives the work."""
    error = None
    for _ in range(TRIES):
        error = _end_of(work)
        if error is None:
            return None
    return error


def _end_of(work: Callable[[], object]) -> LethalRecordError | None:
    """Do some work in a child. What it raises is no death, unless memory runs out: it will be raised again here."""
    child = os.fork()
    if child == 0:
        _die_for_others(work)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return None
    how = signal.Signals(-code).name if code < 0 else "MemoryError" if code == errno.ENOMEM else f"exit code {code}"
    return LethalRecordError(f"LethalRecord: it ends its process ({how})")


def _die_for_others(work: Callable[[], object]) -> NoReturn:
    """The life of a child: without a trace, first to be chosen where memory runs out, and never longer than ours."""
    end_with_parent(signal.SIGKILL)
    with suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    try:
        work()
    except MemoryError:
        os._exit(errno.ENOMEM)
    except BaseException:
        os._exit(0)
    os._exit(0)
