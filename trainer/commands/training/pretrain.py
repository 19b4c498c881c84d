"""Trains a model from the beginning, or goes on from a checkpoint on other data: `train RUN`."""

from typing import Annotated

import typer

from gristmill.trainer.commands.options import FromOption, MixOption, ResumeOption, RunsArgument, SettingsOption
from gristmill.trainer.commands.training.from_corpus import train_run


def pretrain(
    runs: RunsArgument,
    name: Annotated[str, typer.Option(help="results go to RUN/train/NAME")] = "default",
    preset: Annotated[
        str, typer.Option(help="nano, speedrun (nano that needs fewer steps), 10m, 30m, 124m, 350m, 760m, 1b, 1.5b")
    ] = "nano",
    steps: Annotated[int | None, typer.Option(help="optimiser steps; default: the preset's", min=1)] = None,
    depth: Annotated[int | None, typer.Option(help="layers; width follows (64 x depth)", min=1)] = None,
    settings: SettingsOption = None,
    begin: FromOption = None,
    mix: MixOption = None,
    resume: ResumeOption = False,
) -> None:
    """Trains a model on RUN/tokens. Example: gristmill train runs/demo --preset nano --steps 300."""
    from gristmill.trainer.config import TrainConfig, with_depth
    from gristmill.trainer.config import preset as named

    def first() -> TrainConfig:
        return named(preset) if depth is None else with_depth(named(preset), depth)

    train_run(
        runs[0], name, first=first, begin=begin, settings=settings, steps=steps, resume=resume, others=runs[1:], mix=mix
    )
