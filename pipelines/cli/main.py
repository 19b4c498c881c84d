"""The command: `gristmill COMMAND`. One file per command, in its panel's folder; this one lists, catches and prints."""

import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from gristmill.pipelines.cli.commands import Commands, Entry, Panel
from gristmill.pipelines.cli.terminal.output import fail, out, prepare
from gristmill.pipelines.cli.terminal.usage import UsageError, explain, is_help
from gristmill.pipelines.errors import Exit, GristmillError, refusal
from gristmill.pipelines.processes.lifetime import leave

WRITE = Panel("Write a recipe", "writing")
RUN = Panel("Run it", "running")
LOOK = Panel("Look at what came out", "inspecting")
LEARN = Panel("Learn what to keep", "learning")
TRAIN = Panel("Train on it", "training")

Commands.table = {
    "init": Entry(WRITE, "init"),
    "validate": Entry(WRITE, "validate"),
    "rules": Entry(WRITE, "rules"),
    "bench": Entry(WRITE, "bench"),
    "run": Entry(RUN, "run", settings="BEAM_ARGS"),
    "status": Entry(RUN, "status"),
    "clean": Entry(RUN, "clean"),
    "forget": Entry(RUN, "forget"),
    "cluster": Entry(RUN, "cluster"),
    "dataflow": Entry(RUN, "dataflow", settings="DATAFLOW_ARGS"),
    "demo": Entry(RUN, "demo"),
    "report": Entry(LOOK, "report"),
    "why": Entry(LOOK, "why"),
    "trace": Entry(LOOK, "trace"),
    "whatif": Entry(LOOK, "whatif"),
    "contamination": Entry(LOOK, "contamination"),
    "gates": Entry(LOOK, "gates"),
    "clusters": Entry(LOOK, "clusters"),
    "index": Entry(LOOK, "index"),
    "extract": Entry(LOOK, "extract"),
    "pii": Entry(LOOK, "pii"),
    "verify": Entry(LOOK, "verify"),
    "classifier": Entry(LEARN, "classifier"),
    "lm": Entry(LEARN, "lm", settings="BEAM_ARGS"),
    "semantic": Entry(LEARN, "semantic"),
    "tokenizer": Entry(TRAIN, "tokenizer"),
    "train": Entry(TRAIN, "train", kind="TrainerCommand"),
    "mix": Entry(TRAIN, "mix"),
    "watch": Entry(TRAIN, "watch"),
    "explain": Entry(TRAIN, "train", "explain", kind="TrainerCommand"),
    "scaling": Entry(TRAIN, "train", "scaling", kind="TrainerCommand"),
    "generate": Entry(TRAIN, "train", "generate", kind="TrainerCommand"),
    "chat": Entry(TRAIN, "train", "chat", kind="TrainerCommand"),
    "evaluate": Entry(TRAIN, "train", "evaluate", kind="TrainerCommand"),
    "eval": Entry(TRAIN, "train", "examine", kind="TrainerCommand"),
    "probe": Entry(TRAIN, "probe"),
    "export": Entry(TRAIN, "export"),
}
app = typer.Typer(
    name="gristmill",
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
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


def main() -> NoReturn:
    """Every error of ours becomes what, where and what to do, and its exit code."""
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


def command() -> NoReturn:
    """`main` in a process of its own."""
    try:
        main()
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else Exit.OK)


if __name__ == "__main__":
    command()
