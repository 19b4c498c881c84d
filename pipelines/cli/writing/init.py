"""gristmill init: a commented recipe to start from."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gristmill.filters.names import nearest
from gristmill.pipelines.cli.terminal.output import note
from gristmill.pipelines.errors import RecipeError

STARTERS = {"en": "starter", "zh": "starter.zh"}
"""Shipped recipes by the language of their comments."""


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("recipe.yaml"),
    lang: Annotated[str, typer.Option(help="Language of its comments: en or zh.")] = "en",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
) -> None:
    """Write a commented starter recipe.

    gristmill init recipe.yaml

    gristmill init recipe.yaml --lang zh
    """
    if lang not in STARTERS:
        raise RecipeError(f"no starter recipe in '{lang}'", where="--lang", fix=nearest(lang, STARTERS))
    if file.exists() and not force:
        raise RecipeError(f"'{file}' exists", where=str(file), fix="choose another name, or add --force")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(example(STARTERS[lang]), encoding="utf-8")
    note(f"wrote {file}; edit it, then: gristmill validate {file}")


def example(name: str) -> str:
    """The text of a shipped recipe."""
    return (files("gristmill.pipelines.recipe") / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
