"""gristmill lm train RECIPE NAME: n-gram language models, one for each language, measured on what they never saw."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import note, out, warn
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load


class Action(StrEnum):
    """What is done with a language model."""

    train = "train"


BEAM_ARGS = {"allow_extra_args": True, "ignore_unknown_options": True}


def lm(
    context: typer.Context,
    action: Annotated[Action, typer.Argument(help="`train`.", show_choices=False)],
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    name: Annotated[str, typer.Argument(help="The language model, as `language_models` of the recipe calls it.")],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where to write them. [default: where the recipe looks for them]")
    ] = None,
    runner: Annotated[str, typer.Option(help="Where it runs: local, spark, flink, fnapi, portable.")] = "local",
    workers: Annotated[int, typer.Option(min=0, help="Processes of the local runner; 0: one per core.")] = 0,
) -> None:
    """Train n-gram language models from the documents that a recipe names, and write them and their cards.

    gristmill lm train recipe.yaml wiki

    The recipe: `language_models: {wiki: {train: {en: {run: runs/wiki}, zh: {files: {format: jsonl, paths: zh/}}}}}`.
    Arguments after `--` go to Beam.
    """
    if context.args and not context.args[0].startswith("-"):
        fix = "name one recipe and one model; arguments of Beam stand behind `--`"
        raise RecipeError(f"unexpected argument '{context.args[0]}'", where="gristmill lm", fix=fix)
    loaded = load(recipe, models=False)
    from gristmill.pipelines.language_models.learn import Runner, learn, named
    from gristmill.pipelines.recipe.files.language_models import trained_folders
    from gristmill.pipelines.recipe.files.named_files import ProblemError

    asked = named(loaded, name)
    try:
        targets = (
            [(one, folder / one) for one in asked.train] if folder else [*trained_folders(name, asked, loaded.folder)]
        )
    except ProblemError as problem:
        where = loaded.where("language_models", name, problem.key)
        raise RecipeError("the recipe takes the model from elsewhere", where=where, fix=problem.text) from None
    table = Table(
        "language", "order", "n-grams", "perplexity", "held out", "head", "tail", box=None, header_style="dim"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for language, target in targets:
        card = learn(loaded, name, language, target, Runner(runner, workers, tuple(context.args)))
        held, cutoffs = card["held_out"], card["cutoffs"] or ("", "")
        figures = (f"{sum(card['n_grams']):,}", f"{held.get('perplexity', '')}", f"{held['documents']:,}")
        table.add_row(language, str(len(card["n_grams"])), *figures, *map(str, cutoffs))
        for text in card["warnings"]:
            warn(f"{language}: {text}")
        note(f"{card['bytes']:,} bytes; the card says more: {target / 'card.md'}")
    out.print(table)
