"""`gristmill watch`, `run --then-train`, `train chain`: hand over to `python -m gristmill.infra.trigger`."""

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gristmill.infra.trigger.checks import Override
from gristmill.infra.trigger.target import load_chain, load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import EVERY, EVERY_REMOTE, Watch
from gristmill.infra.work.chain import Processes, run_chain
from gristmill.pipelines.cli.terminal.output import note, prepare, say_error
from gristmill.pipelines.errors import Exit, GristmillError, RecipeError
from gristmill.pipelines.storage.addresses import redacted


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns its exit code."""
    prepare()
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.do(chosen))
    except GristmillError as error:
        say_error(redacted(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        note("stopped watching; trainings that were started go on, and the same command follows them again")
        return Exit.INTERRUPTED


def watch(chosen: argparse.Namespace) -> int:
    """Look again and again, or until everything that is there has ended."""
    target, folder = load_target(Path(chosen.launch))
    trigger = Trigger(target, folder, _overrides(chosen), chosen.again)
    watching = Watch(chosen.runs, trigger, _say)
    if (chosen.override or chosen.again) and not watching.single:
        fix = "name one run: gristmill watch RUNS/NAME --launch TARGET ..."
        raise RecipeError("--override and --again are for one run", where="gristmill watch", fix=fix)
    if chosen.skip_present:
        watching.skip_present()
    every = chosen.every or (EVERY if watching.root.local is not None else EVERY_REMOTE)
    signal.signal(signal.SIGTERM, _interrupt)
    while watching.look() or not chosen.once:
        time.sleep(every)
    return watching.code


def check(chosen: argparse.Namespace) -> int:
    """Whether a target can be used: asked before a run begins whose training it is to start."""
    target, folder = load_target(Path(chosen.launch))
    Trigger(target, folder)
    return Exit.OK


def chain(chosen: argparse.Namespace) -> int:
    """Do a chain on this machine, in this terminal."""
    steps = load_chain(Path(chosen.file))
    signal.signal(signal.SIGTERM, _interrupt)
    return run_chain(None, steps, Processes(chosen.processes), note, _call)


def _call(command: list[str]) -> int:
    process = subprocess.Popen(command)
    while True:
        try:
            code = process.wait()
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:  # the terminal sends Ctrl-C to both; SIGTERM has to be handed on
            process.terminate()


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    first, *rest = redacted(text).split("\n")
    note(f"{time.strftime('%H:%M:%S')} {first}")
    for line in rest:
        note(line)


def _overrides(chosen: argparse.Namespace) -> list[Override]:
    """Raises RecipeError for one without a reason."""
    reasons = [reason.strip() for reason in chosen.reason]
    if len(reasons) != len(chosen.override) or not all(reasons):
        fix = "write a --reason 'TEXT' behind every --override: it is kept with the training"
        raise RecipeError("a gate is overridden for a reason", where="--override", fix=fix)
    return [Override(gate, reason) for gate, reason in zip(chosen.override, reasons, strict=True)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gristmill", description=__doc__)
    commands = parser.add_subparsers(required=True)
    watching = commands.add_parser("watch")
    watching.add_argument("runs")
    watching.add_argument("--launch", required=True)
    watching.add_argument("--once", action="store_true")
    watching.add_argument("--every", type=float, default=0.0)
    watching.add_argument("--override", action="append", default=[])
    watching.add_argument("--reason", action="append", default=[])
    watching.add_argument("--again", action="store_true")
    watching.add_argument("--skip-present", action="store_true")
    watching.set_defaults(do=watch)
    checking = commands.add_parser("check")
    checking.add_argument("launch")
    checking.set_defaults(do=check)
    chaining = commands.add_parser("chain")
    chaining.add_argument("file")
    chaining.add_argument("--processes", type=int, default=1)
    chaining.set_defaults(do=chain)
    return parser


if __name__ == "__main__":
    sys.exit(main())
