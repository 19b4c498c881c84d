"""On a Slurm cluster: `sbatch`, found again by its name in `squeue` and `sacct`."""

import re
import shlex
import subprocess
from typing import Annotated

from pydantic import Field

from gristmill.infra.launch.protocol import ENDED, RUNS, WAITS, Job, State
from gristmill.infra.work.chain import MASTER
from gristmill.infra.work.order import LOG
from gristmill.pipelines.errors import RecipeError, RunnerError
from gristmill.pipelines.recipe.base import Model

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.,:@%+/=\[\]-]+$", max_length=200)]
"""What may stand in a line of #SBATCH: no space, no quote."""
NOTICE = 120
"""Seconds before its time is up that a training is told, to save a checkpoint."""
PATIENCE = 60
"""Seconds that a program of Slurm may take: its controller may be busy."""
WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")
RUNNING = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
FIXES = {
    "nvalid account": "correct `account` and `partition`: `sacctmgr show associations user=$USER`",
    "nvalid partition": "correct `partition`: `sinfo` lists them",
    "node configuration": "ask for less (gpus, cpus, memory, nodes): `sinfo -o '%P %G %c %m'` shows what there is",
    "limit": "a quota is used up: wait for your other jobs, or ask for less",
    "contact": "check that slurmctld runs (`scontrol ping`); it is tried again",
    "timed out": "Slurm is busy; it is looked for the job, and tried again",
}
"""Part of what sbatch says -> what to do."""


class SlurmOptions(Model):
    """Of `launch: slurm`."""

    partition: Word | None = None
    account: Word | None = None
    qos: Word | None = None
    time: Word | None = None
    """Of one job, such as 12:00:00; what it does not finish the next try goes on with."""
    nodes: int = Field(1, ge=1, le=4096)
    gpus: int = Field(0, ge=0, le=64)
    """Of each node; there is a process for each of them."""
    cpus: int | None = Field(None, ge=1, le=4096)
    """Of each node."""
    memory: Word | None = None
    """Of each node, such as 200G."""
    constraint: Word | None = None
    python: str = "python"
    """On the nodes, with Gristmill installed."""
    setup: list[str] = []
    """Lines of the script before the training: `module load cuda`, `source /opt/gristmill/bin/activate`."""
    options: dict[Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")], Word] = {}
    """Any other option of sbatch, without its hyphens: {mail-type: END}."""


class Slurm:
    """Batch jobs; one task a node, in which torchrun starts a process for each GPU."""

    spec_file = "job.sbatch"
    restarts = True

    def __init__(self, options: SlurmOptions):
        self.options = options
        self.processes, self.nodes = max(1, options.gpus), options.nodes

    def render(self, job: Job) -> str:
        """The batch script. Raises RecipeError for a run that the nodes cannot see, and options that break a line."""
        if job.store.local is None:
            log = "%x-%j.log"  # in the folder that sbatch is called in: a run elsewhere keeps its own
        else:
            log = f"{job.run}/{job.folder}/{LOG}"
        if re.search(r"[\s%\"'\\]", job.run) or any("\n" in line for line in self.options.setup):
            fix = "name a folder without spaces, quotes and percent signs; one line each in `setup`"
            raise RecipeError("this cannot stand in a batch script", where=job.run, fix=fix)
        chosen = self.options
        wanted = {
            "job-name": job.id,
            "comment": job.id,
            "output": log,
            "open-mode": "append",
            "nodes": chosen.nodes,
            "ntasks-per-node": 1,
            "partition": chosen.partition,
            "account": chosen.account,
            "qos": chosen.qos,
            "time": chosen.time,
            "gpus-per-node": chosen.gpus or None,
            "cpus-per-task": chosen.cpus,
            "mem": chosen.memory,
            "constraint": chosen.constraint,
            "signal": f"TERM@{NOTICE}",
            **chosen.options,
        }
        lines = ["#!/bin/bash", *(f"#SBATCH --{name}={value}" for name, value in wanted.items() if value is not None)]
        lines += ["#SBATCH --requeue", "set -euo pipefail", *chosen.setup]
        lines.append(f'{MASTER}="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)"; export {MASTER}')
        lines.append(f"exec srun --kill-on-bad-exit=1 {shlex.join([chosen.python, *job.work('SLURM_JOB_ID')])}")
        return "\n".join(lines) + "\n"

    def find(self, job: Job) -> str | None:
        """By its name: of jobs that wait, run, or have ended lately, then in the accounting."""
        known = _squeue(f"--name={job.id}") or _sacct(f"--name={job.id}")
        return min(known, key=int) if known else None

    def submit(self, job: Job, spec: str) -> str:
        """The number of the job. An error may hide that it was taken: `find` then knows it at the next visit."""
        said = _call("sbatch", "--parsable", stdin=spec)
        number = said.strip().partition(";")[0]
        if not number.isdecimal():
            raise RunnerError(
                f"sbatch gave no number: {said.strip()[:200]!r}", where=job.id, fix="look at `squeue --me`"
            )
        return number

    def state(self, job: Job, handle: str) -> State:
        """Of the queue; of a job that has left it, of the accounting."""
        status, reason = (_squeue(f"--jobs={handle}") or _sacct(f"--jobs={handle}")).get(handle, ("", ""))
        word = status.split()[0] if status else ""
        if word in WAITING:
            return State(WAITS, f"job {handle} is {word.lower()}{f' ({reason})' if reason not in ('', 'None') else ''}")
        if word in RUNNING:
            return State(RUNS, f"job {handle}")
        if not word:
            return State(ENDED, f"Slurm does not know the job {handle} any more")
        return State(ENDED, f"job {handle}: {status.lower()}", again=word != "CANCELLED")

    def log(self, job: Job, handle: str) -> bytes | None:
        """Slurm writes it where it belongs."""
        return None


def _squeue(which: str) -> dict[str, tuple[str, str]]:
    """Number -> (state, reason) of the jobs that Slurm holds. A number that it has forgotten is an error of squeue."""
    try:
        said = _call("squeue", "--noheader", "--states=all", "--format=%i|%T|%r", which)
    except RunnerError as error:
        if "nvalid job id" in error.what:
            return {}
        raise
    return _rows(said)


def _sacct(which: str) -> dict[str, tuple[str, str]]:
    """The same of the accounting; nothing where a cluster keeps none."""
    options = ("--noheader", "--parsable2", "--allocations", "--starttime=now-60days", "--format=JobID,State,Reason")
    try:
        return _rows(_call("sacct", *options, which))
    except RunnerError:
        return {}


def _rows(said: str) -> dict[str, tuple[str, str]]:
    rows = (line.strip().split("|") for line in said.splitlines() if line.strip())
    return {row[0]: (row[1], row[2] if len(row) > 2 else "") for row in rows if row[0].isdecimal()}


def _call(program: str, *arguments: str, stdin: str | None = None) -> str:
    """What a program of Slurm says. Raises RunnerError with its last line."""
    try:
        done = subprocess.run(
            [program, *arguments], input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except FileNotFoundError:
        fix = "watch on a login node of the cluster, with Slurm's programs on PATH"
        raise RunnerError(f"there is no {program}", where="PATH", fix=fix) from None
    except subprocess.TimeoutExpired:
        what = f"{program} has not answered within {PATIENCE} s"
        raise RunnerError(what, where="Slurm", fix=FIXES["timed out"]) from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1][:300]
        fix = next((fix for part, fix in FIXES.items() if part in said), "correct the options of `slurm` in the target")
        raise RunnerError(f"{program}: {said.removeprefix(f'{program}: ')}", where="Slurm", fix=fix)
    return done.stdout


def make(options: SlurmOptions | None) -> Slurm:
    """From the options of a target."""
    return Slurm(options or SlurmOptions())
