"""A command line that cannot be understood, in the words of all other errors: what, where, what to do."""

import re
from typing import Any

import typer

from gristmill.filters.names import near, nearest
from gristmill.pipelines.errors import RecipeError

UsageError: Any = typer.BadParameter.__base__
"""Base of everything that can be wrong with a command line. Typer brings a click of its own, under no public name."""

_COMMAND = re.compile(r"No such command '(.*?)'")
_EXTRA = re.compile(r"unexpected extra arguments?(?:\(s\))? \((.*)\)")
_OPTIONS = {
    "--out": "o output out_dir output_dir output-dir outdir",
    "--workers": "j n w jobs procs num-workers num_workers num_proc n_jobs threads",
    "--characters": "text full length whole n",
    "--sample": "limit fraction subset",
    "--help": "h ? usage",
    "--version": "V v ver",
}
"""Option -> what other tools call it."""

_WORDS = {
    **dict.fromkeys(
        ("recipe", "config", "c", "f", "file"), "name the recipe without an option: gristmill run recipe.yaml"
    ),
    **dict.fromkeys(("resume", "continue", "restart"), "the same command again goes on where it stopped"),
    **dict.fromkeys(("force", "overwrite"), "a run goes on or redoes what changed; to begin anew name another --out"),
    **dict.fromkeys(("dry-run", "dryrun", "check", "plan"), "`gristmill validate RECIPE` checks and shows the units"),
    **dict.fromkeys(("yes", "y"), "leave it out: nothing is asked"),
    **dict.fromkeys(
        ("verbose", "quiet", "q", "debug", "log-level"), "leave it out: run.log in the run directory has it all"
    ),
}
"""Option of other tools that there is none for -> what to do instead."""

_COMMANDS = {
    "help": "`gristmill --help`, or `gristmill COMMAND --help`",
    "version": "`gristmill --version`",
    "explore": "`gristmill why RUN DOCUMENT`",
    "resume": "`gristmill run RECIPE` goes on where it stopped",
    "check": "did you mean 'validate'?",
    "new": "did you mean 'init'?",
}
"""Command of other tools -> ours."""

_CHOICES = re.compile(r" is not one of (.*)")
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def explain(error: Any) -> RecipeError:
    """The error of ours for a usage error."""
    command = "gristmill" if error.ctx is None or error.ctx.parent is None else f"gristmill {error.ctx.info_name}"
    shown = f"`{command} --help` shows what there is"
    if action := error.ctx and error.ctx.params.get("action"):  # of a command that does several things: which one
        command += f" {action}"
    message = error.format_message()
    if (option := getattr(error, "option_name", None)) and hasattr(error, "possibilities"):
        names = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("--")]
        return RecipeError(f"unknown option '{option}'", where=command, fix=_option(option, [*names, "--help"]))
    if option:
        return RecipeError(f"{option} needs a value", where=command, fix=shown)
    if name := _COMMAND.search(message):
        there = error.ctx.command.list_commands(error.ctx)
        fix = _COMMANDS.get(name[1].casefold()) or nearest(name[1], there)
        return RecipeError(f"unknown command '{name[1]}'", where=command, fix=fix)
    if extra := _EXTRA.search(message):
        return RecipeError(f"unexpected argument '{extra[1]}'", where=command, fix=dashed(extra[1]) or shown)
    if getattr(error, "param", None) is None:
        return RecipeError(message.splitlines()[0].rstrip("."), where=command, fix=shown)
    return RecipeError(_value(error), where=command, fix=shown)


def _option(option: str, names: list[str]) -> str:
    """What an option that nobody knows was meant to be: as other tools call it, or as it is nearly spelt."""
    word = option.lstrip("-").partition("=")[0]
    for name, others in _OPTIONS.items():
        if name in names and word in others.split():
            return f"did you mean '{name}'?"
    if word in _WORDS:
        return _WORDS[word]
    close = near(word, [name.removeprefix("--") for name in names])
    return f"did you mean '--{close}'?" if close else f"valid: {', '.join(sorted(names))}"


def dashed(argument: str) -> str:
    """What to say of an argument that is an option with the dash of a text editor; "" of any other."""
    word = argument.lstrip("—–−－-")
    return f"options begin with two hyphens: --{word}" if word != argument else ""


def is_help(error: Any) -> bool:
    """Whether nothing is wrong: a command without arguments shows its help."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _value(error: Any) -> str:
    """What is wrong with the value of an option or argument; typer lets pydantic check it."""
    spelled = error.param.opts[0] if error.param.opts[0].startswith("-") else error.param.name.upper()
    if error.__cause__ is None:
        return f"{spelled} is missing"
    found = error.__cause__.errors()[0]
    if choices := _CHOICES.search(found["msg"]):
        valid = re.findall(r"'([^']*)'", choices[1])
        return f"{spelled}: unknown value '{found['input']}'; {nearest(str(found['input']), valid)}"
    bounds = [f"at least {found['ctx']['ge']}"] if found["type"] == "greater_than_equal" else []
    kind = _KINDS.get(found["type"].split("_")[0], "a whole number" if bounds else "another value")
    return f"{spelled}: expected {', '.join([kind, *bounds])}; got '{found['input']}'"
