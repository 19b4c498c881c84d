"""`gristmill watch`, `run --then-train`, `train chain`: hand over to `python -m gristmill.infra.trigger`."""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from gristmill.infra.trigger.checks import Override
from gristmill.infra.trigger.serve import Allowed, bearer, serve
from gristmill.infra.trigger.target import load_chain, load_target
from gristmill.infra.trigger.tokens import KEYS, identity
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import EVERY, EVERY_REMOTE, Watch
from gristmill.infra.work.chain import BOUND, Processes, run_chain
from gristmill.pipelines.cli.terminal.output import note, prepare, say_error
from gristmill.pipelines.errors import Exit, GristmillError, RecipeError, explained
from gristmill.pipelines.storage.addresses import redacted

EVERY_LISTENING = 300.0
"""Seconds between two looks where events come: of what they were lost of, and how trainings are."""
TOKEN_VARIABLE, LEAST_TOKEN = "GRISTMILL_WATCH_TOKEN", 20


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns its exit code."""
    prepare()
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.do(chosen))
    except (GristmillError, OSError) as error:
        known = explained(error, "gristmill watch")
        say_error(redacted(str(known)))
        return known.exit_code
    except KeyboardInterrupt:
        note("stopped watching; trainings that were started go on, and the same command follows them again")
        return Exit.INTERRUPTED


def watch(chosen: argparse.Namespace) -> int:
    """Look again and again, or until everything that is there has ended."""
    target, folder = load_target(Path(chosen.launch))
    trigger = Trigger(target, folder, _overrides(chosen), chosen.again)
    watching = Watch(chosen.runs, trigger, _say, chosen.once)
    if (chosen.override or chosen.again) and not watching.single:
        fix = "name one run: gristmill watch RUNS/NAME --launch TARGET ..."
        raise RecipeError("--override and --again are for one run", where="gristmill watch", fix=fix)
    if chosen.skip_present:
        watching.skip_present()
    every = chosen.every or (EVERY if watching.root.local is not None else EVERY_REMOTE)
    signal.signal(signal.SIGTERM, _interrupt)
    lock = threading.Lock()
    if chosen.listen:
        every = chosen.every or EVERY_LISTENING
        _listen(chosen, watching, lock)
    while _look(watching, lock) or not chosen.once:
        time.sleep(every)
    return watching.code


def _look(watching: Watch, lock: threading.Lock) -> bool:
    with lock:
        return watching.look()


def _listen(chosen: argparse.Namespace, watching: Watch, lock: threading.Lock) -> None:
    """Raises RecipeError for an address that is none, and without a way to know who sends."""
    host, _, port = chosen.listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        fix = "write --listen 127.0.0.1:8080"
        raise RecipeError(f"'{chosen.listen}' is no address to listen at", where="--listen", fix=fix)
    if watching.single:
        fix = "name the folder or bucket that runs lie in"
        raise RecipeError("events are about the runs of a folder", where="--listen", fix=fix)
    serve(watching, lock, (host.strip("[]"), int(port)), _allowed(chosen))
    note(f"listens at {chosen.listen}")


def _allowed(chosen: argparse.Namespace) -> Allowed:
    """Who may send events. Raises RecipeError where that is not said."""
    if chosen.audience and chosen.account:
        return identity(chosen.audience, chosen.account, chosen.keys or KEYS)
    token = os.environ.get(TOKEN_VARIABLE, "")
    if chosen.token_file:
        try:
            token = Path(chosen.token_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            fix = "name a file with the token, readable by this user only"
            raise RecipeError(f"no token ({type(error).__name__})", where=chosen.token_file, fix=fix) from None
    if len(token) < LEAST_TOKEN:
        fix = f"{TOKEN_VARIABLE} or --token-file with {LEAST_TOKEN} characters or more (`openssl rand -hex 32`), "
        fix += "or --audience and --account for Google's own tokens"
        raise RecipeError("who may send events is not said", where="--listen", fix=fix)
    return bearer(token)


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
    process = subprocess.Popen(command, **BOUND)
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
    watching.add_argument("--listen", default="")
    watching.add_argument("--token-file", default="")
    watching.add_argument("--audience", default="")
    watching.add_argument("--account", default="")
    watching.add_argument("--keys", default="")
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
