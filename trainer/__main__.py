"""`python -m trainer COMMAND`: train, generate, export, explain, verify, scaling. Chooses the parts and runs them.

Progress goes to stderr, results to stdout. Exit codes: trainer/errors.py.
"""

import difflib
import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.trainer.errors import ConfigError, Exit, InputError, TrainerError

if TYPE_CHECKING:
    from gristmill.trainer.config import TrainConfig

UsageError: Any = typer.BadParameter.__base__
"""Base of everything that can be wrong with a command line; typer gives it no public name."""

app = typer.Typer(
    help="Trains language models on the token shards of a run, and samples from them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def train(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run directory that holds tokens/")],
    name: Annotated[str, typer.Option(help="results go to RUN/train/NAME")] = "default",
    preset: Annotated[str, typer.Option(help="model size: nano, 10m, 30m, 124m, 350m, 760m, 1b, 1.5b")] = "nano",
    steps: Annotated[int | None, typer.Option(help="optimiser steps; default: the preset's", min=1)] = None,
    depth: Annotated[int | None, typer.Option(help="layers; width follows (64 x depth)", min=1)] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.NAME=VALUE", help="any other option, e.g. optim.lr=0.002"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="continue from the last checkpoint")] = False,
) -> None:
    """Trains a model on RUN/tokens. Example: python -m trainer train runs/demo --preset nano --steps 300."""
    from gristmill.trainer.config import preset as named
    from gristmill.trainer.devices.world import join, leave
    from gristmill.trainer.loop import build
    from gristmill.trainer.loop.fit import fit
    from gristmill.trainer.loop.inputs import open_data

    stop = _Stop()
    folder = run / "train" / name
    world = join()
    try:
        checkpoint = build.last_checkpoint(folder, world, resume=resume)
        begin = named(preset) if checkpoint is None else checkpoint.config
        config = _with_options(begin, depth, settings or [], steps)
        data = open_data(run, world, verify=config.data.verify)
        config = build.complete(config, data)
        if checkpoint is not None:
            checkpoint.origin.check(data.origin, checkpoint.path)
            build.check_same(checkpoint.config, config, checkpoint.path)
        folder.mkdir(parents=True, exist_ok=True)
        training, state = build.build(config, data, folder, world, checkpoint, stop)
        with training:
            training.terminal.say(build.introduction(config, data, training.model, world))
            if checkpoint is not None:
                training.terminal.say(f"continues from step {state.step} ({checkpoint.path})")
            if training.metrics is not None and training.metrics.damaged:
                training.terminal.say(f"metrics.jsonl: {training.metrics.damaged} lines that are no JSON were left out")
            state = fit(training, state)
    finally:
        leave(world)
    if state.stale(config.loop.patience):
        training.terminal.say(
            f"stopped after step {state.step}: no better validation in {config.loop.patience} evaluations"
        )
    elif state.step < config.loop.steps:
        training.terminal.say(f"interrupted after step {state.step}; continue with --resume")
        raise typer.Exit(Exit.INTERRUPTED)
    if world.first:
        typer.echo(json.dumps({"checkpoint": str(folder / f"step-{state.step:06d}"), "val_loss": state.best}))


def _with_options(config: "TrainConfig", depth: int | None, settings: list[str], steps: int | None) -> "TrainConfig":
    from gristmill.trainer.config import with_depth, with_settings

    config = config if depth is None else with_depth(config, depth)
    config = with_settings(config, settings)
    return config if steps is None else replace(config, loop=replace(config.loop, steps=steps))


@app.command()
def generate(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for its last")
    ],
    prompt: Annotated[str, typer.Argument(metavar="PROMPT")],
    tokens: Annotated[int, typer.Option(help="most tokens to add", min=1)] = 128,
    temperature: Annotated[float, typer.Option(help="0: always the most likely token")] = 0.8,
    top_k: Annotated[int, typer.Option(help="only the k most likely tokens; 0: all")] = 0,
    top_p: Annotated[float, typer.Option(help="only the likeliest tokens with this probability together")] = 0.95,
    seed: Annotated[int, typer.Option(help="of the sampling")] = 0,
    stop: Annotated[list[str] | None, typer.Option(help="end before this text; may be repeated")] = None,
) -> None:
    """Continues a text. Example: python -m trainer generate runs/demo/train/default "The sea" --tokens 50."""
    from gristmill.tokenizer.encode import Encoder
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.devices.world import World, join
    from gristmill.trainer.evaluate.generate import stream
    from gristmill.trainer.evaluate.sampling import Sampling

    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    opened = Checkpoint.open(checkpoint)
    world: World = join()
    model = opened.load_model(world.device)
    encoder = Encoder(opened.path / "tokenizer")
    sys.stdout.write(prompt)
    for piece in stream(model, encoder, prompt, tokens, sampling, stop or []):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


@app.command()
def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for its last")
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="new folder for transformers' from_pretrained")],
) -> None:
    """Writes a folder for transformers. Example: python -m trainer export runs/demo/train/default mill-hf."""
    from gristmill.tokenizer.encode import Encoder
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.checkpoint.huggingface import write_transformers
    from gristmill.trainer.devices.world import CPU

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError("the folder is not empty", where=str(folder), fix="name a new one, or remove this one")
    opened = Checkpoint.open(checkpoint)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    family = write_transformers(opened.load_model(CPU), partial, Encoder(opened.path / "tokenizer"))
    os.replace(partial, folder)
    typer.echo(json.dumps({"model_type": family, "folder": str(folder)}))


@app.command()
def explain(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for its last")
    ],
    run: Annotated[Path | None, typer.Option(metavar="RUN", help="its run directory, if moved")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Tells what a checkpoint was made from. Example: python -m trainer explain runs/demo/train/default."""
    from gristmill.trainer.checkpoint.explain import as_text
    from gristmill.trainer.checkpoint.explain import explain as facts_of

    facts = facts_of(checkpoint, run)
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else as_text(facts))


@app.command()
def verify(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for all that it keeps")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Compares a checkpoint's files with their sha256. Example: python -m trainer verify runs/demo/train/default."""
    from gristmill.trainer.checkpoint.files import checkpoints_in, locate
    from gristmill.trainer.checkpoint.files import verify as verified

    found: list[dict[str, Any]] = []
    damaged: list[TrainerError] = []
    last = locate(checkpoint)
    for path in [last] if last == checkpoint else checkpoints_in(checkpoint):
        try:
            files = len(verified(path))
            found.append({"checkpoint": str(path), "files": files, "fault": None})
            said = f"OK: {files} files ({path})"
        except InputError as error:
            damaged.append(error)
            found.append({"checkpoint": str(path), "files": None, "fault": error.what})
            said = f"error: {error}"
        if not as_json:
            typer.echo(said, err=said.startswith("error"))
    if as_json:
        typer.echo(json.dumps({"checkpoints": found}, ensure_ascii=False))
    if damaged:
        raise typer.Exit(damaged[0].exit_code)


@app.command()
def scaling(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run directory that holds tokens/")],
    sizes: Annotated[str, typer.Option(help="WIDTHxLAYERS of the ladder, with commas")] = "32x2,64x2,96x3,128x4",
    ratios: Annotated[str, typer.Option(help="tokens per parameter, with commas; all for every size")] = "1,3,9",
    target: Annotated[str, typer.Option(help="WIDTHxLAYERS of the run to predict")] = "192x4",
    factor: Annotated[float, typer.Option(help="its FLOPs over those of the largest run", min=1.0)] = 10.0,
    out: Annotated[Path | None, typer.Option(help="folder of the results; default: RUN/scaling")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.NAME=VALUE", help="as of train, for all runs")
    ] = None,
) -> None:
    """Predicts a large run from small ones, then does it. Example: python -m trainer scaling runs/demo --factor 10."""
    from gristmill.trainer.config import preset, with_settings
    from gristmill.trainer.devices.world import join, leave
    from gristmill.trainer.loop.inputs import open_data
    from gristmill.trainer.scaling import experiment, ladder

    base = with_settings(preset("nano"), settings or [])
    world = join()
    try:
        data = open_data(run, world, verify=base.data.verify)
        if data.validation is None:
            raise InputError("the run has no validation split", where=str(run), fix="recipe key tokens.validation")
        planned = ladder.plan(base, data, _sizes(sizes), _numbers(ratios), _sizes(target)[0], factor)
        result = experiment.run_ladder(
            base, data, planned, out or run / "scaling", world, _progress if world.first else _quiet
        )
    finally:
        leave(world)
    if world.first:
        typer.echo("\n".join(experiment.table(result)))


def _progress(text: str) -> None:
    typer.echo(text, err=True)


def _quiet(text: str) -> None:
    """Of a rank that is not the first."""


def _sizes(text: str) -> list[tuple[int, int]]:
    try:
        pairs = [tuple(int(number) for number in part.split("x")) for part in text.split(",")]
        return [(width, layers) for width, layers in pairs]
    except ValueError:
        raise ConfigError(f"{text!r} is no list of sizes", where="scaling", fix="write e.g. 64x2,96x3") from None


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"{text!r} is no list of numbers", where="scaling", fix="write e.g. 5,20") from None


class _Stop:
    """Set by Ctrl-C or SIGTERM: the loop then saves and ends. A second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __call__(self) -> bool:
        return self.asked


def main() -> None:
    """Runs a command; an error that a user can act on is printed in three lines, with its exit code."""
    # Before torch is loaded: OpenMP threads that wait by spinning take the cores from each other on a busy machine
    # (measured: six times the CPU time for the same steps at twice as many runnable threads as cores).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        sys.exit(app(standalone_mode=False) or Exit.OK)
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
    where = "trainer" if error.ctx is None else f"trainer {error.ctx.info_name or ''}"
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
