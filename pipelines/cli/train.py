"""gristmill train RUN and gristmill generate CHECKPOINT: start the trainer as a process of its own."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import note
from pipelines.errors import Exit, RecipeError
from pipelines.recipe.load import load
from pipelines.rundir import open_run

TRAINER_ARGS = {"allow_extra_args": True, "ignore_unknown_options": True}


def train(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    name: Annotated[str, typer.Option(help="Of the training; it lives in train/<name>.")] = "main",
) -> None:
    """Train a model on the token shards of a run, as the recipe's `train` says. Other options go to the trainer.

    gristmill train runs/my-corpus --steps 1000
    """
    open_run(run)
    if not (run / "manifest.json").exists() or not (run / "tokens" / "index.json").exists():
        fix = "finish it with `gristmill run`; the recipe needs a `tokenizer`"
        raise RecipeError("this run has no token shards yet", where=str(run), fix=fix)
    _end(start_trainer(run, name, context.args))


def start_trainer(run: Path, name: str, extra: list[str]) -> int:
    """Run the trainer with the recipe's options, then those of the command line. Returns its exit code."""
    from pipelines.report.build import write_report

    options = load(run / "recipe.yaml").recipe.train
    command = ["train", str(run), "--name", name]
    if "--preset" not in extra:
        command += ["--preset", options.preset]
    if "--steps" not in extra:
        command += ["--steps", str(options.steps)]
    for key, value in options.options.items():
        command += ["--set", f"{key}={value}"]
    code = _trainer([*command, *extra])
    if code in (Exit.OK, Exit.INTERRUPTED):
        note(f"report: {write_report(run)}")
    return code


def generate(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint folder, or a training's folder.")],
    prompt: Annotated[str, typer.Argument(help="Text to continue.")],
) -> None:
    """Continue a prompt with a trained model. Other options go to the trainer (--temperature, --top-k, ...).

    gristmill generate runs/my-corpus/train/main "The"
    """
    _end(generate_text(checkpoint, prompt, context.args))


def explain(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint folder, or a training's folder.")],
) -> None:
    """Say where a checkpoint comes from: manifest, recipe, inputs, what the filters dropped, tokenizer, plan, code.

    gristmill explain runs/my-corpus/train/main
    """
    _end(_trainer(["explain", str(checkpoint), *context.args]))


def scaling(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
) -> None:
    """Train a ladder of small models, fit the loss, predict a larger one, then train it and compare.

    gristmill scaling runs/my-corpus
    """
    open_run(run)
    _end(_trainer(["scaling", str(run), *context.args]))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def generate_text(checkpoint: Path, prompt: str, extra: list[str]) -> int:
    """Stream a continuation to stdout. Returns the trainer's exit code."""
    return _trainer(["generate", str(checkpoint), prompt, *extra])


def _trainer(arguments: list[str]) -> int:
    """`python -m trainer`: the command imports no torch."""
    process = subprocess.Popen([sys.executable, "-m", "trainer", *arguments])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the terminal sends Ctrl-C to both; the trainer saves a checkpoint and ends
