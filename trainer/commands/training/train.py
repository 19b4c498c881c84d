"""`train STAGE RUN`, a file for each stage; `train RUN` pretrains."""

import typer

from gristmill.trainer.commands.groups import DefaultGroup
from gristmill.trainer.commands.training.policies import distill, grpo, ppo, reject
from gristmill.trainer.commands.training.pretrain import pretrain
from gristmill.trainer.commands.training.tuning import dpo, reward, sft

PRETRAIN = "pretrain"


class _Stages(DefaultGroup):
    default = PRETRAIN


stages = typer.Typer(cls=_Stages, subcommand_metavar="[STAGE] RUN [OPTIONS]")
stages.command(PRETRAIN)(pretrain)
for stage in (sft, reward, dpo, grpo, ppo, reject, distill):
    stages.command()(stage)
