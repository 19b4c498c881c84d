"""Kills a worker, an executor or the driver at a random moment of a run, many times; every run must recover.

    python tests/benchmarks/random_kills.py --kill worker --times 20
    python tests/benchmarks/random_kills.py --kill driver --times 20
    python tests/benchmarks/random_kills.py --runner spark --kill executor --times 20 [-- BEAM ARGUMENTS]

The real command on the small corpus of tests/runs. The moment is a number of receipts and a delay, drawn from a seed. A
run whose worker or executor is killed must end by itself; where the driver is killed, the same command is run again.
Either way the files of datasets and manifest must be those of an undisturbed run, and no process or temporary file may
be left. The code must not change meanwhile: it is part of every step key. Prints a table; exit code 1 unless all
recovered. `worker`: a forked worker of the local runner. `executor`: one of the standalone cluster that `gristmill
cluster spark up` started.
"""

import argparse
import importlib.util
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
REDRAWS = 20
"""Moments at which nothing could be killed any more, or not yet, before we give up."""


@dataclass(frozen=True)
class Kill:
    """One killed run."""

    receipts: int
    """When: at so many finished units, and `delay` seconds."""
    delay: float
    seconds: float
    codes: tuple[int, ...]
    """Exit codes of the command, in order."""
    wrong: str
    """Empty where it recovered."""


def children(pid: int) -> list[int]:
    """Direct children of a process, alive."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(folder.name))
    return sorted(found)


def driver(command: Any) -> list[int]:
    """The process that does the run: the child of the command that run.json names."""
    try:
        pid = json.loads((command.out / "run.json").read_text(encoding="utf-8"))["pid"]
    except (OSError, ValueError):
        return []
    return [child for child in children(command.process.pid) if child == pid]


def workers(command: Any) -> list[int]:
    """The forked workers of the local runner."""
    return [worker for pid in driver(command) for worker in children(pid)]


def executors(command: Any) -> list[int]:
    """Executors of the cluster that `gristmill cluster spark up` started: they belong to its workers' groups."""
    from gristmill.pipelines.runners.portable.engines import ENGINES

    state = json.loads((ENGINES["spark"].state / "state.json").read_text(encoding="utf-8"))
    groups = {daemon["pid"] for daemon in state["daemons"] if daemon["name"].startswith("worker ")}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if group in groups and b"ExecutorBackend" in line:
            found.append(int(folder.name))
    return sorted(found)


TARGETS: dict[str, Callable[[Any], list[int]]] = {"worker": workers, "executor": executors, "driver": driver}


def conftest() -> Any:
    """tests/runs/conftest.py, which writes the corpus and runs the command."""
    spec = importlib.util.spec_from_file_location("runs_conftest", ROOT / "tests" / "runs" / "conftest.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["runs_conftest"] = module
    spec.loader.exec_module(module)
    return module


def disturb(start: Callable[[Path], Any], folder: Path, kill: str, units: int, rng: random.Random) -> Kill:
    """One run with one kill, from `start(folder)`; drawn again where the moment had nothing to kill."""
    for number in range(REDRAWS):
        receipts, delay = rng.randrange(units), rng.uniform(0, 0.5)
        place = folder / str(number)
        place.mkdir(parents=True)
        command, began = start(place), time.monotonic()
        while command.process.poll() is None and command.receipts() < receipts:
            time.sleep(0.005)
        time.sleep(delay)
        victims: list[int] = []
        while command.process.poll() is None and not victims:
            victims = TARGETS[kill](command)
        if not victims:
            command.wait()
            continue
        try:
            os.kill(rng.choice(victims), signal.SIGKILL)
        except ProcessLookupError:
            command.wait()
            continue
        codes = [command.wait()]
        wrong = "" if kill == "driver" or codes == [0] else command.said()[-300:]
        if kill == "driver":
            codes.append((command := start(place)).wait())
            wrong = "" if codes[0] and not codes[1] else command.said()[-300:]
        left = [str(path) for path in command.left()]
        return Kill(receipts, delay, time.monotonic() - began, tuple(codes), wrong or " ".join(left))
    raise SystemExit(f"found no {kill} to kill in {REDRAWS} runs")


def random_kills(runner: str, kill: str, times: int, seed: int, scratch: Path, options: list[str]) -> list[Kill]:
    """The kills, each on a run directory of its own."""
    runs = conftest()
    corpus = runs.write_corpus(scratch / "corpus")

    def start(folder: Path) -> Any:
        return runs.Command(folder, corpus.recipe, "--runner", runner, *options)

    (scratch / "calm").mkdir()
    calm = start(scratch / "calm")
    if calm.wait():
        raise SystemExit(f"the undisturbed run failed:\n{calm.said()}")
    truth, units, rng, done = runs.digests_of(calm.out), calm.receipts(), random.Random(seed), []
    for number in range(times):
        found = disturb(start, scratch / f"kill-{number}", kill, units, rng)
        last = max((scratch / f"kill-{number}").iterdir(), key=lambda folder: int(folder.name)) / "run"
        other = sorted(path for path, _ in runs.digests_of(last).items() ^ truth.items())
        if other and not found.wrong:
            found = replace(found, wrong=f"other bytes: {len(other)} files, such as {other[0]}")
        done.append(found)
        print(row(number, found, units), flush=True)
    return done


def row(number: int, kill: Kill, units: int) -> str:
    """A line of the table."""
    said = kill.wrong.replace("\n", " ") or "recovered, bytes equal"
    when = f"{kill.receipts} of {units} + {kill.delay:.2f} s"
    return f"| {number + 1} | {when} | {kill.seconds:.1f} | {kill.codes} | {said} |"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default="local")
    parser.add_argument("--kill", choices=TARGETS, default="worker")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("options", nargs="*", help="options of `gristmill run`, arguments of Beam")
    given = parser.parse_args()
    print("| | killed at (receipts) | seconds | exit codes | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        done = random_kills(given.runner, given.kill, given.times, given.seed, Path(scratch), given.options)
    recovered = sum(not kill.wrong for kill in done)
    print(f"\n{given.runner}: SIGKILL of a {given.kill}, seed {given.seed}: {recovered} of {len(done)} recovered")
    return 0 if recovered == given.times else 1


if __name__ == "__main__":
    sys.exit(main())
