"""`train grpo|ppo|reject|distill`: a policy learns from its own answers."""

from pathlib import Path
from typing import Annotated

import typer

from gristmill.trainer.commands.options import (
    FromOption,
    NameOption,
    ResumeOption,
    RunArgument,
    SettingsOption,
    with_options,
)
from gristmill.trainer.commands.training.carry_out import carry_out, conclude
from gristmill.trainer.commands.training.session import session

StepsOption = Annotated[int | None, typer.Option(help="optimiser steps: whole rounds; default: 200", min=1)]
TaskOption = Annotated[
    str, typer.Option(help="tasks that make the prompts, with commas: sort,reverse; default: the run's prompts")
]


def grpo(
    run: RunArgument,
    begin: FromOption = None,
    name: NameOption = "grpo",
    task: TaskOption = "",
    steps: StepsOption = None,
    settings: SettingsOption = None,
    resume: ResumeOption = False,
) -> None:
    """Rewards answers by how they compare with others to the same prompt. Example: gristmill train grpo
    runs/demo --from runs/demo/train/sft --task sort."""
    _train("grpo", run, begin, name, task, steps, settings or [], resume=resume)


def ppo(
    run: RunArgument,
    begin: FromOption = None,
    name: NameOption = "ppo",
    task: TaskOption = "",
    steps: StepsOption = None,
    settings: SettingsOption = None,
    resume: ResumeOption = False,
) -> None:
    """Rewards answers by how they compare with what a critic expects. Example: gristmill train ppo runs/demo
    --from runs/demo/train/sft --task sort."""
    _train("ppo", run, begin, name, task, steps, settings or [], resume=resume)


def reject(
    run: RunArgument,
    begin: FromOption = None,
    name: NameOption = "reject",
    task: TaskOption = "",
    steps: StepsOption = None,
    settings: SettingsOption = None,
    resume: ResumeOption = False,
) -> None:
    """Learns the best of several answers to each prompt, round after round (rejection sampling). Example: gristmill
    train reject runs/demo --from runs/demo/train/sft --task sort."""
    _train("reject", run, begin, name, task, steps, settings or [], resume=resume)


def distill(
    run: RunArgument,
    begin: FromOption = None,
    teacher: Annotated[
        Path | None, typer.Option(metavar="CHECKPOINT", help="a larger model with the same tokenizer")
    ] = None,
    name: NameOption = "distill",
    task: TaskOption = "",
    steps: StepsOption = None,
    settings: SettingsOption = None,
    resume: ResumeOption = False,
) -> None:
    """Learns at every token of its own answers what a teacher would say there. Example: gristmill train distill
    runs/demo --from runs/demo/train/sft --teacher runs/demo/train/large --task sort."""
    _train("distill", run, begin, name, task, steps, settings or [], teacher=teacher, resume=resume)


def _train(
    stage: str,
    run: Path,
    begin: Path | None,
    name: str,
    task: str,
    steps: int | None,
    settings: list[str],
    *,
    teacher: Path | None = None,
    resume: bool,
) -> None:
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.loop import build
    from gristmill.trainer.loop.inputs import open_data
    from gristmill.trainer.loop.stages import policies

    folder = run / "train" / name
    with session(run, folder) as (stop, world):
        checkpoint = build.last_checkpoint(folder, world, resume=resume)
        parent = Checkpoint.open(policies.parent_of(begin, checkpoint), world)
        config = policies.first_config(stage, parent) if checkpoint is None else checkpoint.config
        settings = settings + ([f"rollouts.task={task}"] if task else [])
        settings += [f"teacher={teacher.resolve()}"] if teacher is not None else []
        config = with_options(config, settings, steps)
        data = open_data(run, world, verify=config.data.verify)
        config = policies.complete_policy(config, data, parent, world)
        if checkpoint is not None:
            policies.check_resumed(checkpoint, config, data, parent)
        make_stage = policies.policy_stage(config, data, folder, parent, world)
        folder.mkdir(parents=True, exist_ok=True)
        training, state = build.build(
            config, data, folder, world, checkpoint, stop, begin=parent, make_stage=make_stage
        )  # fmt: skip
        state = carry_out(training, state, policies.introduction(config, training, parent), checkpoint)
    conclude(training, state)
