"""Forked workers that take tasks one by one. A worker that dies costs its task another try, not the run."""

import contextlib
import errno
import multiprocessing
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

from gristmill.pipelines.errors import GristmillError, RunnerError, causes, shortage
from gristmill.pipelines.processes.lifetime import end_with_parent

MAX_TRIES = 4
"""As Dataflow: a unit that kills its worker more often is a bug, not bad luck."""
WHERE = "a worker of the local runner"


class WorkerDiedError(RunnerError):
    """A task ended every worker that tried it."""


class WorkerPool:
    """Runs `work(task number)` for every task in forked children; results come back in the order of the tasks.

    Fork, not spawn: graph, models and compiled kernels are shared copy-on-write and nothing is pickled on the way out.
    The parent runs no user code and no threads, so that a fork finds no lock held. `memory_bytes`: what a worker may
    add to what it shares with the parent; beyond, allocations fail in it.
    """

    def __init__(self, workers: int, memory_bytes: int | None = None):
        self.workers, self.memory_bytes = workers, memory_bytes
        self._live: dict[Connection, tuple[int, int]] = {}
        """Connection -> (process id, task in hand)."""

    def map(
        self,
        work: Callable[[int], Any],
        tasks: int,
        what: str,
        look: Callable[[Any], None] = lambda result: None,
        tries: int = MAX_TRIES,
    ) -> list[Any]:
        """The results of all tasks; `look` sees each as it comes in, and may raise.

        Raises what a task raised, or WorkerDiedError for one that killed as many workers as it may try.
        """
        todo = list(range(tasks))[::-1]
        died, results = [0] * tasks, {}
        try:
            for _ in range(min(self.workers, tasks)):
                self._spawn(work, todo)
            while self._live:
                for connection in wait(list(self._live)):
                    assert isinstance(connection, Connection)
                    try:
                        task, result, error = connection.recv()
                    except (EOFError, ConnectionResetError):
                        _, task = self._live[connection]
                        how = self._reap(connection)
                        died[task] += 1
                        if died[task] == tries:
                            raise _gave_up(what, task, tries, how, bool(self.memory_bytes)) from None
                        todo.append(task)
                        self._spawn(work, todo)
                        continue
                    if error is not None:
                        raise pickle.loads(error)
                    look(result)
                    results[task] = result
                    self._give(connection, todo)
        finally:
            self._kill()
        return [results[task] for task in range(tasks)]

    def _spawn(self, work: Callable[[int], Any], todo: list[int]) -> None:
        mine, theirs = multiprocessing.Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent, child = os.getpid(), os.fork()
        if child == 0:
            for connection in (mine, *self._live):
                connection.close()
            _serve(work, theirs, self.memory_bytes, parent)
        theirs.close()
        self._live[mine] = (child, -1)
        self._give(mine, todo)

    def _give(self, connection: Connection, todo: list[int]) -> None:
        """Hand out the next task, or send the worker home."""
        child, _ = self._live[connection]
        task = todo.pop() if todo else -1
        self._live[connection] = (child, task)
        with contextlib.suppress(BrokenPipeError):  # it died between two tasks: the next wait finds that out
            connection.send(task)
        if task < 0:
            self._reap(connection)

    def _reap(self, connection: Connection) -> int:
        """Wait for a worker's end; its exit code, or minus the signal that killed it."""
        child, _ = self._live.pop(connection)
        connection.close()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _kill(self) -> None:
        for child, _ in self._live.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        for connection in list(self._live):
            self._reap(connection)


def _serve(work: Callable[[int], Any], connection: Connection, memory_bytes: int | None, parent: int) -> NoReturn:
    """The life of a worker. Leaves by _exit: the parent's exit handlers are not its own."""
    try:
        _become_worker(memory_bytes, parent)
        while (task := connection.recv()) >= 0:
            try:
                message: tuple[int, Any, bytes | None] = (task, work(task), None)
            except BaseException as error:
                if any(isinstance(cause, MemoryError) for cause in causes(error)):
                    os._exit(errno.ENOMEM)  # as if the kernel had killed it: another worker tries, from a clean heap
                message = (task, None, _portable(error))
            connection.send(message)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        os._exit(1)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _become_worker(memory_bytes: int | None, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we could ask to end with it
        os._exit(1)
    if memory_bytes:
        with open("/proc/self/statm", "rb") as file:
            shared = int(file.read().split()[5]) * resource.getpagesize()  # the parent's own, most of it never copied
        resource.setrlimit(resource.RLIMIT_DATA, (shared + memory_bytes, shared + memory_bytes))


def _portable(error: BaseException) -> bytes:
    """The error, pickled; where it cannot be, its traceback as text."""
    known = next((cause for cause in causes(error) if isinstance(cause, GristmillError)), shortage(error, WHERE))
    if known:
        return pickle.dumps(known)
    text = "".join(traceback.format_exception(error))
    return pickle.dumps(RuntimeError(f"{error}\n\nin a worker:\n{text}"))


def _gave_up(what: str, task: int, tries: int, how: int, limited: bool) -> WorkerDiedError:
    last = "lack of memory" if how == errno.ENOMEM else signal.Signals(-how).name if how < 0 else f"exit code {how}"
    # A library that handles no failed allocation aborts: with a budget, any sudden end may be one.
    more = "give more --memory" if limited or how == errno.ENOMEM else "look for memory (`dmesg`)"
    what = f"task {task} of '{what}' ended {tries} workers, the last by {last}"
    return WorkerDiedError(
        what, where="the local runner", fix=f"{more}, use fewer --workers, then run the same command again"
    )
