"""gristmill classifier train RECIPE NAME: a model of good and raw documents, measured on what it never saw."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import note, out, warn
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load


class Action(StrEnum):
    """What is done with a classifier."""

    train = "train"


def classifier(
    action: Annotated[Action, typer.Argument(help="`train`.", show_choices=False)],
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    name: Annotated[str, typer.Argument(help="The classifier, as `classifiers` of the recipe calls it.")],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where to write it. [default: where the recipe looks for it]")
    ] = None,
) -> None:
    """Train a classifier from the documents that a recipe names, and write its model and card.

    gristmill classifier train recipe.yaml edu

    The recipe: `classifiers: {edu: {train: {good: {run: runs/books}, raw: {files: {format: jsonl, paths: web/}}}}}`.
    """
    loaded = load(recipe, models=False)
    from gristmill.pipelines.classifiers.card import write
    from gristmill.pipelines.classifiers.learn import learn

    target = folder or _target(loaded.folder, name, loaded.recipe.classifiers)
    learnt = learn(loaded, name)
    write(target, learnt.model, learnt.suffix, learnt.card)
    out.print(_table(learnt.card["measured"]))
    for text in learnt.card["warnings"]:
        warn(text)
    note(f"{len(learnt.model):,} bytes; the card says more: {target / 'card.md'}")


def _target(beside: Path, name: str, known: dict) -> Path:
    """The folder where the recipe will look for the model."""
    path = known[name].model if name in known else None
    if path is None:
        return beside / "classifiers" / name
    if not isinstance(path, str) or path == "starter" or "://" in path or path.endswith((".bin", ".ftz")):
        fix = "give a folder with --out, and name it as `model` then; or leave `model` out"
        raise RecipeError(f"the recipe takes the model of '{name}' from elsewhere", where="classifiers", fix=fix)
    return beside / Path(path).expanduser()


def _table(measured: dict) -> Table:
    heads = ("label", "language", "held out", "average precision", "area under ROC", "bound for 10 % of the others")
    table = Table(*heads, box=None, header_style="dim")
    for column in table.columns[2:]:
        column.justify = "right"
    for label, one in measured.items():
        for language, of in one["languages"].items():
            bound = next((f"{t['at_least']:.4f}" for t in of["thresholds"] if t["rate"] == 0.1), "")
            figures = (f"{of['average_precision']:.3f}", f"{of['area_under_roc']:.3f}", bound)
            table.add_row(label, language, f"{of['documents']:,}", *figures)
    return table
