"""The command: `gristmill COMMAND`. One file per command; this one only gathers them, catches and prints."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from pipelines.cli import clean, cluster, demo, init, report, rules, run, status, train, validate, verify
from pipelines.cli import why as explore
from pipelines.cli.output import fail, out, prepare
from pipelines.cli.usage import UsageError, explain, is_help
from pipelines.errors import Exit, GristmillError, refusal

app = typer.Typer(
    name="gristmill",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Raw text in, a trained language model out, and an answer to *why was this document dropped?* at every step.",
    epilog="Start with `gristmill demo`, or `gristmill init` and edit the recipe that it writes.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"gristmill {version('gristmill')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options of the command itself."""


WRITE, RUN, LOOK, TRAIN = "Write a recipe", "Run it", "Look at what came out", "Train on it"

app.command("init", rich_help_panel=WRITE)(init.init)
app.command("validate", rich_help_panel=WRITE)(validate.validate)
app.command("rules", rich_help_panel=WRITE)(rules.rules)
app.command("run", rich_help_panel=RUN, context_settings=run.BEAM_ARGS)(run.run)
app.command("status", rich_help_panel=RUN)(status.status)
app.command("clean", rich_help_panel=RUN)(clean.clean)
app.command("cluster", rich_help_panel=RUN)(cluster.cluster)
app.command("demo", rich_help_panel=RUN)(demo.demo)
app.command("report", rich_help_panel=LOOK)(report.report)
app.command("why", rich_help_panel=LOOK)(explore.why)
app.command("verify", rich_help_panel=LOOK)(verify.verify)
app.command("train", rich_help_panel=TRAIN, context_settings=train.TRAINER_ARGS)(train.train)
app.command("explain", rich_help_panel=TRAIN, context_settings=train.TRAINER_ARGS)(train.explain)
app.command("scaling", rich_help_panel=TRAIN, context_settings=train.TRAINER_ARGS)(train.scaling)
app.command("generate", rich_help_panel=TRAIN, context_settings=train.TRAINER_ARGS)(train.generate)


def main() -> None:
    """Entry point: every error of ours becomes what, where and what to do, and its exit code."""
    prepare()
    try:
        sys.exit(app(standalone_mode=False) or Exit.OK)
    except UsageError as error:
        if is_help(error):
            error.show()
        else:
            fail(explain(error))
        sys.exit(Exit.RECIPE)
    except GristmillError as error:
        fail(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    except OSError as error:
        fail(refusal(error, "this command"))
        sys.exit(Exit.RECIPE)


if __name__ == "__main__":
    main()
