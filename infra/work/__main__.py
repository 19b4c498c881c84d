"""`python -m gristmill.infra.work RUN FOLDER [--job-from VARIABLE]`: does the order that lies in a run's folder, once.

Whoever starts jobs may err: start a second one because it was killed before it had noted the first. So the job itself
claims its order, by an object that only one can make, before it trains; another job that finds the claim ends.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gristmill.infra.work.chain import BOUND, Processes, first_node, run_chain
from gristmill.infra.work.claim import claim_of, read_claim
from gristmill.infra.work.order import BEGUN, ENDED, LOG, Order, run_store
from gristmill.pipelines.errors import Exit, GristmillError, RecipeError, explained, inert
from gristmill.pipelines.storage.addresses import redacted
from gristmill.pipelines.storage.layout import MANIFEST
from gristmill.pipelines.storage.rundir import now
from gristmill.pipelines.storage.store import Store

PIECE = 1 << 16


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns its exit code, which the order's folder keeps as well."""
    parser = argparse.ArgumentParser(prog="python -m gristmill.infra.work", description=__doc__)
    parser.add_argument("run", help="the run directory, or its address")
    parser.add_argument("folder", help="where in it the order lies")
    parser.add_argument("--job-from", default="", help="environment variable with the job's id; default: this process")
    chosen = parser.parse_args(arguments)
    child = Child()
    try:
        store = run_store(chosen.run)
        order = Order.read(store, chosen.folder)
        if order is None:
            fix = "`gristmill watch` writes one and starts this command"
            raise RecipeError("there is no order in this folder", where=store.url(chosen.folder), fix=fix)
        mine = claim_of(os.environ.get(chosen.job_from, ""))
        if not store.create(f"{chosen.folder}/{BEGUN}", mine.to_json()):
            held = read_claim(store, f"{chosen.folder}/{BEGUN}")
            if held is None or not held.job or held.job != mine.job:
                print("another job does this order already: nothing to do", flush=True)
                return Exit.OK
            if (ended := store.read_sealed(f"{chosen.folder}/{ENDED}")) is not None:
                return int(ended["code"])  # the same job, begun again after its end
    except (GristmillError, OSError) as error:
        told = explained(error, chosen.run)
        child.say(f"error: {redacted(str(told))}")
        return told.exit_code
    return _do(store, chosen.folder, order, child)


def _do(store: Store, folder: str, order: Order, child: "Child") -> int:
    said = ""
    with _log(store, folder) as log:
        child.log = log
        try:
            _check_manifest(store, order)
            processes = Processes(order.processes, order.nodes, order.job)
            code = run_chain(store, order.steps, processes, child.say, child.call)
        except (GristmillError, OSError) as error:
            told = explained(error, store.root)
            child.say(f"error: {redacted(str(told))}")
            code, said = told.exit_code, told.what
        code = Exit.INTERRUPTED if child.asked else code
    if first_node() and not (code == Exit.INTERRUPTED and order.restarts):  # the same job comes back, and goes on
        store.write_sealed(f"{folder}/{ENDED}", {"code": int(code), "said": redacted(said), "ended": now()})
    return code


def _check_manifest(store: Store, order: Order) -> None:
    found = hashlib.sha256(store.read_bytes(MANIFEST)).hexdigest() if store.exists(MANIFEST) else ""
    if found != order.manifest:
        fix = "nothing: the run has a new manifest, and that one is checked and trained on in its turn"
        raise RecipeError("the run has been made again since it was checked", where=store.url(MANIFEST), fix=fix)


class Child:
    """The trainer's process: what asks this process to end is handed on, so that a checkpoint is saved."""

    def __init__(self) -> None:
        self.asked = False
        self.log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, number: int, frame: Any) -> None:
        self.asked = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def say(self, text: str) -> None:
        """A message of ours, to our output and the log."""
        line = "\n".join(map(inert, text.split("\n")))
        print(line, flush=True)
        if self.log is not None:
            self.log.write(f"{line}\n".encode())

    def call(self, command: list[str]) -> int:
        """Run a command to its end; what it says goes to our output, and to the log where there is one."""
        if self.asked:
            return Exit.INTERRUPTED
        pipe = None if self.log is None else subprocess.PIPE
        # A group of its own: a launcher that signals ours would reach it twice, and the second time it saves nothing.
        settings = {"stdout": pipe, "stderr": subprocess.STDOUT, "start_new_session": True, **BOUND}
        with subprocess.Popen(command, **settings) as process:
            self._process = process
            if self.asked:
                process.send_signal(signal.SIGTERM)
            while process.stdout is not None and (piece := os.read(process.stdout.fileno(), PIECE)):
                os.write(1, piece)
                assert self.log is not None
                self.log.write(piece)
        code = process.returncode
        return Exit.INTERRUPTED if self.asked else code if code >= 0 else 128 - code


@contextmanager
def _log(store: Store, folder: str) -> Iterator[IO[bytes] | None]:
    """On an object store nobody keeps a job's output but us: a copy, put there at the end."""
    if store.local is not None or not first_node():
        yield None
        return
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / LOG
        try:
            with file.open("wb") as log:
                yield log
        finally:
            with store.temporary() as copy:
                shutil.copyfile(file, copy)
                store.publish(copy, f"{folder}/{LOG}")


if __name__ == "__main__":
    sys.exit(main())
