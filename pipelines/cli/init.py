"""gristmill init: a commented recipe to start from."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gristmill.pipelines.cli.terminal.output import note
from gristmill.pipelines.errors import RecipeError


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("recipe.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
) -> None:
    """Write a commented starter recipe.

    gristmill init recipe.yaml
    """
    if file.exists() and not force:
        raise RecipeError(f"'{file}' exists", where=str(file), fix="choose another name, or add --force")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(example("starter"), encoding="utf-8")
    note(f"wrote {file}; edit it, then: gristmill validate {file}")


def example(name: str) -> str:
    """The text of a shipped recipe."""
    return (files("gristmill.pipelines.recipe") / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
