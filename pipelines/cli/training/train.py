"""gristmill train, generate, chat, evaluate, eval, export, explain, scaling: start the trainer as its own process."""

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from gristmill.pipelines.cli.running.lineage import OPENLINEAGE_HELP, tell_training
from gristmill.pipelines.cli.terminal.output import note, out
from gristmill.pipelines.cli.training.watch import hand_over
from gristmill.pipelines.errors import Exit, RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.records.sealed import unseal
from gristmill.pipelines.storage.layout import INDEX, MANIFEST, PLUGINS, RECIPE, STATE
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import check_files, listed_in, write_inventory

TRAINED_ON = ("tokens", "tokenizer", PLUGINS, RECIPE)
"""Files and folders of a run that training needs, beside its manifest and state."""
STAGES = ("sft", "reward", "dpo", "grpo", "ppo", "reject", "distill")
"""Of a trained model: the trainer's, without the first."""
CHAIN = "chain"


class TrainerCommand(TyperCommand):
    """A command of the trainer's: options that are not ours go to it; its help stands below ours, where we have
    options."""

    allow_extra_args = ignore_unknown_options = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Where help is asked for: the trainer's, of the same words."""
        if not {*args} & {*ctx.help_option_names}:
            return super().parse_args(ctx, args)
        if any(isinstance(parameter, TyperOption) for parameter in self.params):
            out.print(self.get_help(ctx))
        words = [word for word in args if word not in ctx.help_option_names]
        raise typer.Exit(call_trainer([ctx.info_name, *words, "--help"]))


COPY_HELP = "Where a run on an object store is copied to, and trained. [default: runs/NAME-HASH, of its manifest]"


def train(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="A finished run directory, or its address; before it, a stage.")],
    name: Annotated[
        str | None, typer.Option(help="Of the training; it lives in train/NAME. [default: main, or the stage]")
    ] = None,
    copy: Annotated[Path | None, typer.Option(help=COPY_HELP)] = None,
    openlineage: Annotated[str | None, typer.Option("--openlineage", help=OPENLINEAGE_HELP)] = None,
) -> None:
    """Train a model on the token shards of a run, as the recipe's `train` says. Other options go to the trainer.

    A stage makes a trained model learn further: sft, reward, dpo, grpo, ppo, reject, distill (docs/alignment.md).

    gristmill train runs/my-corpus --steps 1000

    gristmill train sft runs/my-chats --from runs/my-corpus/train/main

    gristmill train grpo runs/my-corpus --from runs/my-chats/train/sft --task sort

    gristmill train runs/web runs/books --mix mix.yaml     (docs/mixing.md)

    gristmill train chain FILE does several of them, each from the checkpoint of the one before (docs/launching.md).
    """
    stage, extra = "", context.args
    if run == CHAIN and not Path(run, STATE).exists():
        if not extra:
            raise RecipeError(
                "the file stands behind it", where="gristmill train chain", fix="gristmill train chain FILE"
            )
        hand_over(CHAIN, *extra)
    if run in STAGES and not Path(run, STATE).exists():
        if not extra or extra[0].startswith("-"):
            fix = f"gristmill train {run} RUN --from CHECKPOINT"
            raise RecipeError("the run directory stands behind the stage", where=f"gristmill train {run}", fix=fix)
        stage, run, extra = run, extra[0], extra[1:]
    name = name or stage or "main"
    others = list(itertools.takewhile(lambda word: not word.startswith("-"), extra))
    extra = extra[len(others) :]
    beside = [str(on_this_machine(other, finished(other), None)) for other in others]
    store = finished(run)
    folder = on_this_machine(run, store, copy)
    if store.local is None:
        note(f"checkpoints go to {folder / 'train' / name}")
    _end(
        tell_training(
            openlineage, run, folder, name, lambda: start_trainer(folder, name, [*beside, *extra], store, stage=stage)
        )
    )


def finished(run: str) -> Store:
    """A run that can be trained on. Raises RecipeError where it is none, or has no token shards yet."""
    store = open_run(run)
    if not store.exists(MANIFEST) or not store.exists(INDEX):
        fix = "finish it with `gristmill run`; the recipe needs a `tokenizer`"
        raise RecipeError("this run has no token shards yet", where=run, fix=fix)
    return store


def on_this_machine(run: str, store: Store, copy: Path | None) -> Path:
    """The run's folder; of a run on an object store a copy of what a trainer needs, made once for every manifest."""
    check_files(store, *TRAINED_ON)
    if store.local is not None:
        return Path(run)
    manifest, state = store.read_bytes(MANIFEST), store.read_bytes(STATE)
    folder = copy or Path("runs") / f"{store.name}-{hashlib.sha256(manifest).hexdigest()[:12]}"
    here, mark = Store.at(folder), folder / MANIFEST  # written last
    if mark.exists() and mark.read_bytes() == manifest:
        note(f"uses the copy of {run} in {folder}")
        check_files(here, *TRAINED_ON)
        return folder
    begun = (folder / STATE).exists() and (folder / STATE).read_bytes() == state
    if here.entries() and not begun:
        fix = "give another folder with --copy, or remove this one"
        raise RecipeError("the folder is not empty, and no copy of this run", where=str(folder), fix=fix)
    note(f"copies what training needs of {run} to {folder}")
    here.write_bytes(STATE, state)  # first: it says whose copy this is, where copying is interrupted
    store.copy_to(folder, *TRAINED_ON)
    write_inventory(here, listed_in(unseal(manifest, store.url(MANIFEST)), *TRAINED_ON))
    mark.write_bytes(manifest)
    return folder


def start_trainer(run: Path, name: str, extra: list[str], store: Store | None = None, *, stage: str = "") -> int:
    """Run the trainer with the recipe's options, then those of the command line. Returns its exit code.

    `store`: where the report goes, and the curves that it shows, if not to `run`. `stage`: of a trained model, whose
    options are its checkpoint's, not the recipe's.
    """
    from gristmill.pipelines.report.build import write_report

    command = ["train", *([stage] if stage else []), str(run), "--name", name]
    code = call_trainer([*command, *([] if stage else recipe_options(run, extra)), *extra])
    if code in (Exit.OK, Exit.INTERRUPTED):
        metrics = f"train/{name}/metrics.jsonl"
        if store is not None and store.local is None and (run / metrics).exists():
            store.write_bytes(metrics, (run / metrics).read_bytes())
            note(f"report: {write_report(store)}")
        else:
            note(f"report: {write_report(run)}")
    return code


def recipe_options(run: Path, extra: list[str]) -> list[str]:
    """Of a training that begins with random weights."""
    recipe = load(run / "recipe.yaml", models=False).recipe
    options, mixed = recipe.train, recipe.mix is not None or "--mix" in extra  # a mixture is as long as it is
    found = [] if "--preset" in extra else ["--preset", options.preset]
    found += [] if "--steps" in extra or mixed else ["--steps", str(options.steps)]
    found += (
        ["--mix", str(run / "recipe.yaml")] if recipe.mix is not None and not {"--mix", "--resume"} & {*extra} else []
    )
    for key, value in options.options.items():
        found += ["--set", f"{key}={value}"]
    return found


def generate(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint folder, or a training's folder.")],
    prompt: Annotated[str, typer.Argument(help="Text to continue.")],
) -> None:
    """Continue a prompt with a trained model. Other options go to the trainer (--temperature, --top-k, ...).

    gristmill generate runs/my-corpus/train/main "The"
    """
    _end(generate_text(checkpoint, prompt, context.args))


def chat(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint folder, or a training's folder.")],
) -> None:
    """Talk with a model. Other options go to the trainer (--system, --tool calculator, --tool search --run RUN, ...).

    gristmill chat runs/my-corpus/train/sft --system "Answer briefly."
    """
    _end(call_trainer(["chat", str(checkpoint), *context.args]))


def evaluate(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint folder, or a training's folder.")],
) -> None:
    """Say how often a model is right. Other options go to the trainer (--task sort, --lang zh, --examples 200, ...).

    gristmill evaluate runs/my-corpus/train/sft --task sort
    """
    _end(call_trainer(["evaluate", str(checkpoint), *context.args]))


def examine(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="A checkpoint, a folder of transformers; or compare, tasks.")],
) -> None:
    """Score a model on tasks: multiple choice, likelihood, what it writes, programs. Other options go to the trainer.

    gristmill eval runs/my-corpus/train/main --tasks en,zh --shots 0,4 --out scores

    gristmill eval compare scores-a scores-b

    gristmill eval tasks --tasks en --out folder
    """
    _end(call_trainer(["eval", subject, *context.args]))


def explain(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint folder, or a training's folder.")],
) -> None:
    """Say where a checkpoint comes from: manifest, recipe, inputs, what the filters dropped, tokenizer, plan, code.

    gristmill explain runs/my-corpus/train/main
    """
    _end(call_trainer(["explain", str(checkpoint), *context.args]))


def scaling(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="A finished run directory, or its address.")],
    copy: Annotated[Path | None, typer.Option(help=COPY_HELP)] = None,
) -> None:
    """Train a ladder of small models, fit the loss, predict a larger one, then train it and compare.

    gristmill scaling runs/my-corpus
    """
    folder = on_this_machine(run, open_run(run), copy)
    _end(call_trainer(["scaling", str(folder), *context.args]))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def generate_text(checkpoint: Path, prompt: str, extra: list[str]) -> int:
    """Stream a continuation to stdout. Returns the trainer's exit code."""
    return call_trainer(["generate", str(checkpoint), prompt, *extra])


def call_trainer(arguments: list[str]) -> int:
    """`python -m gristmill.trainer`: the command imports no torch."""
    command = [sys.executable, "-m", "gristmill.trainer", *arguments]
    process = subprocess.Popen(command, env={**os.environ, "GRISTMILL_PROGRAM": "gristmill"})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the terminal sends Ctrl-C to both; the trainer saves a checkpoint and ends
