"""Trains a model from the beginning: `train RUN`."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.trainer.commands.options import RunArgument
from gristmill.trainer.commands.stop import Stop
from gristmill.trainer.errors import Exit

if TYPE_CHECKING:
    from gristmill.trainer.config import TrainConfig


def pretrain(
    run: RunArgument,
    name: Annotated[str, typer.Option(help="results go to RUN/train/NAME")] = "default",
    preset: Annotated[
        str, typer.Option(help="nano, speedrun (nano that needs fewer steps), 10m, 30m, 124m, 350m, 760m, 1b, 1.5b")
    ] = "nano",
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

    stop = Stop()
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
