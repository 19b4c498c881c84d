"""`train STAGE RUN`, a file for each stage; `train RUN` pretrains."""

from typing import Any

import typer
from typer.core import TyperGroup

from gristmill.trainer.commands.policies import distill, grpo, ppo, reject
from gristmill.trainer.commands.pretrain import pretrain
from gristmill.trainer.commands.tuning import dpo, reward, sft

FIRST = "pretrain"


class _Stages(TyperGroup):
    """Where the first word names no stage it belongs to the first stage: `train RUN` is `train pretrain RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [FIRST, *args])


stages = typer.Typer(cls=_Stages, subcommand_metavar="[STAGE] RUN [OPTIONS]")
stages.command(FIRST)(pretrain)
for stage in (sft, reward, dpo, grpo, ppo, reject, distill):
    stages.command()(stage)
