"""Trains a model from the beginning: `train RUN`."""

from typing import Annotated

import typer

from gristmill.trainer.commands.carry_out import carry_out, conclude
from gristmill.trainer.commands.options import RunArgument, with_options
from gristmill.trainer.commands.stop import Stop


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
    from gristmill.trainer.loop.inputs import open_data

    stop = Stop()
    folder = run / "train" / name
    world = join()
    try:
        checkpoint = build.last_checkpoint(folder, world, resume=resume)
        begin = named(preset) if checkpoint is None else checkpoint.config
        config = with_options(begin, depth, settings or [], steps)
        data = open_data(run, world, verify=config.data.verify)
        config = build.complete(config, data)
        if checkpoint is not None:
            checkpoint.origin.check(data.origin, checkpoint.path)
            build.check_same(checkpoint.config, config, checkpoint.path)
        folder.mkdir(parents=True, exist_ok=True)
        training, state = build.build(config, data, folder, world, checkpoint, stop)
        state = carry_out(training, state, build.introduction(config, data, training.model, world), checkpoint)
    finally:
        leave(world)
    conclude(training, state)
