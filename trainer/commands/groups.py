"""A group of commands one of which needs no name: `train RUN` is `train pretrain RUN`, `eval MODEL` is `eval run`."""

from typing import Any, ClassVar

from typer.core import TyperGroup


class DefaultGroup(TyperGroup):
    """Where the first word names no command it belongs to the one by default, whose help stands below the group's."""

    default: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """With the name that was left out."""
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [self.default, *args])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The group's, then that of the command without a name."""
        super().format_help(ctx, formatter)
        command = self.commands[self.default]
        command.format_help(type(ctx)(command, parent=ctx, info_name=self.default), formatter)


def path_of(context: Any) -> list[str]:
    """The words of a command as they were typed: `gristmill`, `train`, `sft`; not the one that needs no name."""
    if context.parent is None:
        return [context.info_name]
    above = context.parent.command
    unnamed = isinstance(above, DefaultGroup) and context.info_name == above.default
    return [*path_of(context.parent), *([] if unnamed else [context.info_name])]
