"""Commands that are imported when they are called; the help of all of them is read from their files, unimported."""

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Panel:
    """A group of commands: its title in the help, the folder that holds their files."""

    title: str
    folder: str


@dataclass(frozen=True)
class Entry:
    """Where a command stands: its panel, its file in the panel's folder, its function (absent: of that name)."""

    panel: Panel
    file: str
    function: str = ""
    settings: str = ""
    """Name of the module's own settings for arguments that go to somebody else."""
    kind: str = ""
    """Name of the module's own class of command; absent: typer's."""

    def listed(self, name: str) -> Any:
        """The command as the help lists it."""
        body = ast.parse((Path(__file__).parent / self.panel.folder / f"{self.file}.py").read_bytes()).body
        wanted = self.function or self.file
        (function,) = (node for node in body if isinstance(node, ast.FunctionDef) and node.name == wanted)
        return TyperCommand(
            name, help=ast.get_docstring(function), rich_help_panel=self.panel.title, add_help_option=False
        )

    def load(self, name: str) -> Any:
        """The command itself."""
        module = importlib.import_module(f"gristmill.pipelines.cli.{self.panel.folder}.{self.file}")
        app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
        settings = getattr(module, self.settings) if self.settings else None
        kind = getattr(module, self.kind) if self.kind else None
        app.command(name, cls=kind, rich_help_panel=self.panel.title, context_settings=settings)(
            getattr(module, self.function or self.file)
        )
        return typer.main.get_command(app)


class Commands(TyperGroup):
    """A group whose commands stand in a table."""

    table: ClassVar[dict[str, Entry]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """For the help and for completion; what is called comes from `resolve_command`."""
        return self.table[cmd_name].listed(cmd_name) if cmd_name in self.table else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that a command line names, loaded."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.table[name].load(name) if name is not None and command is not None else command, rest
