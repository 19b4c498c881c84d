"""Trainings one after the other, each from the checkpoint of the one before; what is finished is not done again.

Every step leaves `chain.json` in its folder: which step it is (a digest of what it was told, of its data and of all
steps before it), and its checkpoint once it has ended well. So a chain that was killed goes on in the middle of the
step where it was, and a folder that holds another training is never continued by mistake. Who trains in a folder holds
its lock, and the trainer's process with it: one whose chain was killed ends first, before another one begins there.
"""

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gristmill.infra.work.kept import fetch, keep
from gristmill.infra.work.order import Step
from gristmill.pipelines.cli.running.lineage import tell_training
from gristmill.pipelines.cli.training.train import on_this_machine, recipe_options
from gristmill.pipelines.errors import Exit, GristmillError, RecipeError, RunnerError
from gristmill.pipelines.processes.lifetime import end_with_parent
from gristmill.pipelines.report.build import write_report
from gristmill.pipelines.storage.layout import INDEX, MANIFEST
from gristmill.pipelines.storage.rundir import lock_file, open_run
from gristmill.pipelines.storage.store import Store
from gristmill.trainer.checkpoint.files import checkpoints_in, locate
from gristmill.trainer.errors import TrainerError

PRETRAIN = "pretrain"
CHAIN, LOCK = "chain.json", "chain.lock"
PATIENCE = 600.0
"""Seconds that are waited for another trainer in the same folder: it was told to end, and saves a checkpoint first."""
MASTER, NODE = "GRISTMILL_MASTER", "SLURM_NODEID"
"""Environment of a job on several hosts: the first host; the number of this one."""
PORT = 29_500

BOUND: dict[str, Any] = {"close_fds": False, "preexec_fn": partial(end_with_parent, signal.SIGTERM)}
"""How a trainer's process is started: it is told to end when the chain's process does, however that ends, and till then
it holds the lock of its folder."""

Say = Callable[[str], None]
Call = Callable[[list[str]], int]
"""Runs a command to its end and gives its exit code."""


@dataclass(frozen=True)
class Processes:
    """How many processes train one step."""

    each: int = 1
    nodes: int = 1
    job: str = ""

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The trainer's, by torchrun where there are several."""
        module = ["-m", "gristmill.trainer", *arguments]
        if self.each == 1 and self.nodes == 1:
            return [sys.executable, *module]
        torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={self.each}"]
        if self.nodes == 1:
            return [*torchrun, "--standalone", *module]
        meeting = [f"--rdzv-id={self.job}", "--rdzv-backend=c10d", f"--rdzv-endpoint={os.environ[MASTER]}:{PORT}"]
        return [*torchrun, f"--nnodes={self.nodes}", *meeting, *module]


def first_node() -> bool:
    """Whether this is the host that writes into the run directory."""
    return os.environ.get(NODE, "0") == "0"


def run_chain(home: Store | None, steps: Sequence[Step], processes: Processes, say: Say, call: Call) -> int:
    """Do what is left of a chain. Returns the exit code of the step that failed, or 0.

    `home`: the run of the steps that name none. Raises GristmillError for what a user can mend.
    """
    before, begin = "", ""
    for number, step in enumerate(steps, 1):
        store = open_run(step.run) if step.run or home is None else home
        where = f"step {number} of {len(steps)}: {step.stage} {step.name}"
        if not store.exists(MANIFEST) or not store.exists(INDEX):
            fix = "finish it with `gristmill run`; the recipe needs a `tokenizer`"
            raise RecipeError(f"{where}: its run has no token shards", where=store.root, fix=fix)
        digest = _digest(step, store, before)
        folder = on_this_machine(store.root, store, None)
        training = folder / "train" / step.name
        with _alone(training, where):
            fetch(store, training, f"train/{step.name}")
            checkpoint = _finished(training, digest, where)
            if checkpoint is None:
                say(f"{where} on {store.root}")
                train = partial(call, processes.command(_arguments(step, folder, training, step.begin or begin)))
                # Who takes OpenLineage events, the environment says; one host tells it.
                code = tell_training(None, store.root, folder, step.name, train) if first_node() else train()
                if first_node():
                    if code == Exit.OK:
                        checkpoint = locate(training)
                        _note(training, digest, checkpoint.name)
                    keep(store, training, f"train/{step.name}")
                    _report(store, say)
                if code != Exit.OK:
                    say(f"{where} ended with code {code}")
                    return code
                checkpoint = locate(training)
            else:
                say(f"{where} is finished: {checkpoint}")
        before, begin = digest, str(checkpoint)
    return Exit.OK


@contextmanager
def _alone(training: Path, where: str) -> Iterator[None]:
    """Nobody else trains in this folder. Raises RunnerError where somebody still does after PATIENCE.

    Processes that are started meanwhile (with `close_fds=False`) share the lock, and keep it where this one is killed.
    """
    if not first_node():
        yield
        return
    training.mkdir(parents=True, exist_ok=True)
    with (training / LOCK).open("ab") as file:
        os.set_inheritable(file.fileno(), True)
        deadline = time.monotonic() + PATIENCE
        while not lock_file(file.fileno()):
            if time.monotonic() > deadline:
                fix = "wait for it, or end it; then do the same again"
                raise RunnerError(f"{where}: another process trains in this folder", where=str(training), fix=fix)
        yield


def _digest(step: Step, store: Store, before: str) -> str:
    """What makes a step this one: where it lies is no part of it."""
    data = hashlib.sha256(store.read_bytes(MANIFEST)).hexdigest()
    told = [step.stage, list(step.arguments), step.begin, data, before]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _finished(training: Path, digest: str, where: str) -> Path | None:
    """The checkpoint of a step that has ended well; None where it has to be begun or continued.

    Raises RecipeError where the folder holds another training.
    """
    noted = json.loads((training / CHAIN).read_bytes()) if (training / CHAIN).exists() else None
    if noted is None and not checkpoints_in(training):
        training.mkdir(parents=True, exist_ok=True)
        if first_node():
            _note(training, digest, None)
        return None
    if noted is None or noted["step"] != digest:
        fix = "choose another `name` for this step; or remove that folder, if it is not needed"
        raise RecipeError(f"{where}: there is another training of that name", where=str(training), fix=fix)
    if noted["checkpoint"] is None:
        return None
    try:
        return locate(training / noted["checkpoint"])
    except TrainerError:
        return None  # somebody removed it: the training goes on from what there is


def _note(training: Path, digest: str, checkpoint: str | None) -> None:
    fresh = training / f".{CHAIN}.{os.getpid()}"
    fresh.write_text(json.dumps({"step": digest, "checkpoint": checkpoint}), encoding="utf-8")
    os.replace(fresh, training / CHAIN)


def _arguments(step: Step, run: Path, training: Path, begin: str) -> list[str]:
    stage = [] if step.stage == PRETRAIN else [step.stage]
    told = ["train", *stage, str(run), "--name", step.name]
    if step.stage == PRETRAIN and not begin:
        told += recipe_options(run, list(step.arguments))
    told += ["--from", begin] if begin else []
    resume = ["--resume"] if checkpoints_in(training) else []
    return [*told, *step.arguments, *resume]


def _report(store: Store, say: Say) -> None:
    """The report with the curves. That it cannot be drawn does not undo a training."""
    try:
        say(f"report: {write_report(store)}")
    except (GristmillError, OSError) as error:
        say(f"the report could not be written: {error}")
