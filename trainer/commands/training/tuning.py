"""`train sft|reward|dpo`: a trained model learns from conversations, or from pairs of a better and a worse one."""

from pathlib import Path
from typing import Annotated

import typer

from gristmill.trainer.commands.options import (
    FromOption,
    MixOption,
    NameOption,
    ResumeOption,
    RunsArgument,
    SettingsOption,
)
from gristmill.trainer.commands.training.from_corpus import train_run

StepsOption = Annotated[int | None, typer.Option(help="optimiser steps; default: 300", min=1)]


def sft(
    runs: RunsArgument,
    begin: FromOption = None,
    mix: MixOption = None,
    name: NameOption = "sft",
    steps: StepsOption = None,
    settings: SettingsOption = None,
    resume: ResumeOption = False,
) -> None:
    """Learns to answer. Example: gristmill train sft runs/chat --from runs/demo/train/main."""
    _train("sft", runs, begin, mix, name, steps, settings, resume=resume)


def reward(
    runs: RunsArgument,
    begin: FromOption = None,
    mix: MixOption = None,
    name: NameOption = "reward",
    steps: StepsOption = None,
    settings: SettingsOption = None,
    resume: ResumeOption = False,
) -> None:
    """Learns which answer is better. Example: gristmill train reward runs/pairs --from runs/chat/train/sft."""
    _train("reward", runs, begin, mix, name, steps, settings, resume=resume)


def dpo(
    runs: RunsArgument,
    begin: FromOption = None,
    mix: MixOption = None,
    name: NameOption = "dpo",
    steps: StepsOption = None,
    settings: SettingsOption = None,
    resume: ResumeOption = False,
) -> None:
    """Learns which answer to give. Example: gristmill train dpo runs/pairs --from runs/chat/train/sft."""
    _train("dpo", runs, begin, mix, name, steps, settings, resume=resume)


def _train(
    stage: str,
    runs: list[Path],
    begin: Path | None,
    mix: str | None,
    name: str,
    steps: int | None,
    settings: list[str] | None,
    *,
    resume: bool,
) -> None:
    train_run(
        runs[0],
        name,
        stage=stage,
        begin=begin,
        settings=settings,
        steps=steps,
        resume=resume,
        others=runs[1:],
        mix=mix,
    )
