"""A command line that cannot be understood, in the words of all other errors: what, where, what to do."""

import re
from typing import Any

import typer

from gristmill.filters.names import nearest
from gristmill.pipelines.errors import RecipeError

UsageError: Any = typer.BadParameter.__base__
"""Base of everything that can be wrong with a command line. Typer brings a click of its own, under no public name."""

_COMMAND = re.compile(r"No such command '(.*?)'")
_EXTRA = re.compile(r"unexpected extra arguments?(?:\(s\))? \((.*)\)")
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def explain(error: Any) -> RecipeError:
    """The error of ours for a usage error."""
    command = "gristmill" if error.ctx is None or error.ctx.parent is None else f"gristmill {error.ctx.info_name}"
    shown = f"`{command} --help` shows what there is"
    message = error.format_message()
    if (option := getattr(error, "option_name", None)) and hasattr(error, "possibilities"):
        names = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("--")]
        return RecipeError(f"unknown option '{option}'", where=command, fix=nearest(option, [*names, "--help"]))
    if name := _COMMAND.search(message):
        fix = nearest(name[1], error.ctx.command.list_commands(error.ctx))
        return RecipeError(f"unknown command '{name[1]}'", where=command, fix=fix)
    if extra := _EXTRA.search(message):
        return RecipeError(f"unexpected argument '{extra[1]}'", where=command, fix=shown)
    if getattr(error, "param", None) is None:
        return RecipeError(message.splitlines()[0].rstrip("."), where=command, fix=shown)
    return RecipeError(_value(error), where=command, fix=shown)


def is_help(error: Any) -> bool:
    """Whether nothing is wrong: a command without arguments shows its help."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _value(error: Any) -> str:
    """What is wrong with the value of an option or argument; typer lets pydantic check it."""
    spelled = error.param.opts[0] if error.param.opts[0].startswith("-") else error.param.name.upper()
    if error.__cause__ is None:
        return f"{spelled} is missing"
    found = error.__cause__.errors()[0]
    bounds = [f"at least {found['ctx']['ge']}"] if found["type"] == "greater_than_equal" else []
    kind = _KINDS.get(found["type"].split("_")[0], "a whole number" if bounds else "another value")
    return f"{spelled}: expected {', '.join([kind, *bounds])}; got '{found['input']}'"
