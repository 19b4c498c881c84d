"""`python -m gristmill.trainer COMMAND`: starts a command of commands/, and says what went wrong.

Progress goes to stderr, results to stdout. Exit codes: trainer/errors.py.
"""

import difflib
import os
import sys
from typing import Any

import typer

from gristmill.trainer.commands.app import app
from gristmill.trainer.commands.groups import path_of
from gristmill.trainer.errors import ConfigError, Exit, TrainerError

PROGRAM = os.environ.get("GRISTMILL_PROGRAM", "python -m gristmill.trainer")
"""What was typed: `gristmill` starts this module for its own commands of the same names."""
UsageError: Any = typer.BadParameter.__base__
"""Base of everything that can be wrong with a command line; typer gives it no public name."""


def main() -> None:
    """Runs a command; an error that a user can act on is printed in three lines, with its exit code."""
    # Before torch is loaded: OpenMP threads that wait by spinning take the cores from each other on a busy machine
    # (measured: six times the CPU time for the same steps at twice as many runnable threads as cores).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        sys.exit(app(standalone_mode=False, prog_name=PROGRAM) or Exit.OK)
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
        else:
            typer.echo(f"error: {_misunderstood(error)}", err=True)
        sys.exit(Exit.USAGE)
    except TrainerError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        where = error.filename or "a file of this command"
        typer.echo(
            f"error: {error.strerror or error}\n  where: {where}\n  fix:   mend that, then start again",
            err=True,
        )
        sys.exit(Exit.INPUT)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(Exit.INTERRUPTED)


def _misunderstood(error: Any) -> ConfigError:
    """The error of ours for a command line that typer cannot understand."""
    where = PROGRAM if error.ctx is None else " ".join(path_of(error.ctx))
    option = getattr(error, "option_name", None)
    if option is None or not hasattr(error, "possibilities"):
        what = f"{option} needs a value" if option else error.format_message().splitlines()[0].rstrip(".")
        return ConfigError(what, where=where, fix="look at --help of this command")
    names = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("--")]
    near = difflib.get_close_matches(option, names, 1, 0.6)
    fix = f"did you mean '{near[0]}'?" if near else f"valid: {', '.join([*names, '--help'])}"
    if "--set" in names:
        fix += " Anything else: --set SECTION.NAME=VALUE"
    return ConfigError(f"unknown option '{option}'", where=where, fix=fix)


if __name__ == "__main__":
    main()
