"""gristmill watch: hands over to `python -m gristmill.infra.trigger`, which this package may not import."""

import os
import subprocess
import sys
from typing import Annotated

import typer

TRIGGER = (sys.executable, "-m", "gristmill.infra.trigger")


def watch(
    runs: Annotated[str, typer.Argument(help="A run directory, or the folder or bucket that runs lie in.")],
    launch: Annotated[str, typer.Option(help="The target, a YAML file: what is trained, where, and what must hold.")],
    once: Annotated[
        bool, typer.Option("--once", help="Look once, follow what is started to its end, then end.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0, help="Seconds between two looks. [default: 5, of an object store 30]")
    ] = 0,
    override: Annotated[
        list[str] | None, typer.Option(help="A gate that may fail, for one run; needs a --reason; may be repeated.")
    ] = None,
    reason: Annotated[list[str] | None, typer.Option(help="Why; it is kept with the training.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Try once more what has failed or was stopped, from its last checkpoint.")
    ] = False,
    skip_present: Annotated[
        bool, typer.Option("--skip-present", help="Do not train on the runs that are there already.")
    ] = False,
    listen: Annotated[
        str, typer.Option(help="HOST:PORT that events of new objects are sent to (Eventarc, Pub/Sub push).")
    ] = "",
    token_file: Annotated[
        str, typer.Option(help="The bearer token that a sender must have. [default: GRISTMILL_WATCH_TOKEN]")
    ] = "",
    audience: Annotated[str, typer.Option(help="Of Google's identity tokens, in place of a token of yours.")] = "",
    account: Annotated[str, typer.Option(help="The service account whose identity tokens are taken.")] = "",
    keys: Annotated[
        str, typer.Option(help="The JWKS that they are verified with, file or URL. [default: Google's]")
    ] = "",
) -> None:
    """Start a training for every run that is finished and good, exactly once, and follow it (docs/launching.md).

    gristmill watch runs --launch target.yaml
    """
    told = [runs, "--launch", launch, f"--every={every}"]
    for option, wanted in (("--once", once), ("--again", again), ("--skip-present", skip_present)):
        told += [option] if wanted else []
    for option, values in (("--override", override), ("--reason", reason)):
        told += [f"{option}={value}" for value in values or ()]
    answers = (("--listen", listen), ("--token-file", token_file), ("--audience", audience), ("--account", account))
    for option, value in (*answers, ("--keys", keys)):
        told += [f"{option}={value}"] if value else []
    hand_over("watch", *told)


def check_target(launch: str) -> int:
    """Whether a target can be used, before work is put into a run: 0, or the exit code of what it said."""
    return subprocess.run([*TRIGGER, "check", launch], check=False).returncode


def hand_over(*arguments: str) -> None:
    """Become the process that triggers trainings."""
    sys.stdout.flush()
    os.execv(sys.executable, [*TRIGGER, *arguments])
