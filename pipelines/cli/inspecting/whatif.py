"""gristmill whatif RUN: what other bounds, rules and presets would keep, without a run."""

from pathlib import Path
from typing import Annotated

import typer

from gristmill.pipelines.cli.terminal.answer import answer
from gristmill.pipelines.cli.terminal.output import note, out, print_json
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.storage.layout import RECIPE
from gristmill.pipelines.storage.models import fetch
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import check_files
from gristmill.pipelines.whatif.ask import ask
from gristmill.pipelines.whatif.ask import write as write_recipe
from gristmill.pipelines.whatif.changes import Changes

READ = ("ledger", RECIPE, "models", "plugins")
"""What is read of a run."""


def whatif(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    set: Annotated[
        list[str] | None, typer.Option(help="RULE=NUMBER: another bound; `null` turns the rule off.")
    ] = None,
    drop_rule: Annotated[list[str] | None, typer.Option(help="A rule that is turned off.")] = None,
    add_preset: Annotated[
        list[str] | None, typer.Option(help="A preset behind the others, in every entry that it is valid for.")
    ] = None,
    drop_preset: Annotated[list[str] | None, typer.Option(help="A preset that is taken out.")] = None,
    otherwise: Annotated[
        str | None, typer.Option(help="keep or drop: what becomes of documents that no entry admits.")
    ] = None,
    entry: Annotated[int | None, typer.Option(help="Change only this entry of `decide`, counted from 0.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="Another recipe of the same sources, instead of the run's; the changes are made in it."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the changed recipe to this file: `run` then gives these figures.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object (docs/whatif.md).")] = False,
) -> None:
    """Say what a run would keep with other bounds, rules or presets: documents, bytes and tokens that come in and go
    out, by source, language and rule, and documents at the margin. Decided from stored numbers; nothing is changed.

        gristmill whatif runs/my-corpus --set gopher@paper/words_min=30 --drop-rule c4@tfds/sentences

        gristmill whatif runs/my-corpus --set edu_min=0.5 --write recipe2.yaml
    """
    changes = Changes(set or (), drop_rule or (), add_preset or (), drop_preset or (), otherwise, entry)
    if not changes.any and recipe is None:
        fix = "say what: --set gopher@paper/words_min=30, --drop-rule, --add-preset, --drop-preset, or --recipe FILE"
        raise RecipeError("nothing is to be changed", where=run, fix=fix)
    store = open_run(run)
    check_files(store, *READ)
    found = ask(store, changes, recipe, fetch)
    told = write_recipe(store, changes, recipe, write, fetch) if write is not None else ""
    if json:
        print_json(found.to_json())
    else:
        out.print(answer(found))
    if write is not None:
        note(f"written: {write}" + (f"; {told}" if told else "") + f"; `gristmill run {write} --out {run}` does it")
