"""gristmill mix plan|write|check RUN...: what a training would read how often, before it does."""

import json
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import note, out, print_json, warn
from gristmill.pipelines.cli.training.train import finished, on_this_machine
from gristmill.pipelines.errors import Exit, RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.storage.layout import MANIFEST, RECIPE


class Action(StrEnum):
    """What is done with a mixture."""

    plan = "plan"
    write = "write"
    check = "check"


def mix(
    action: Annotated[Action, typer.Argument(help="`plan`, `write` or `check`.", show_choices=False)],
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Finished runs of one tokenizer, or a recipe.")],
    file: Annotated[
        Path | None,
        typer.Option("--mix", help="A YAML file of it. [default: `mix` of the first run's recipe]"),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE, several with spaces between; with `plan`, each --set is a variant."),
    ] = None,
    like: Annotated[
        str,
        typer.Option("--like", help="With `plan RECIPE`: a run of text like its own; scaled by bytes of sources."),
    ] = "",
    name: Annotated[str, typer.Option(help="Of a mixture that is written: it lies in RUN/mix/NAME.")] = "main",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Plan what a training reads how often: weights, budgets, caps, stages. Nothing is packed or written by `plan`.

    gristmill mix plan runs/web runs/books --set "tokens=200B weights.web=0.8 weights.books=0.2" --set temperature=3

    gristmill mix write runs/web runs/books --mix mix.yaml --name first; gristmill train runs/web runs/books --mix first

    gristmill mix plan recipe.yaml        of the whole, from a sample: gristmill run recipe.yaml --sample 1%

    gristmill mix plan recipe.yaml --like runs/web        before there is any run of it

    gristmill mix check runs/web runs/books        documents that stand in two splits, of one run or of several
    """
    from gristmill.tokenizer.mixing.errors import MixError

    recipe = Path(runs[0]) if len(runs) == 1 and Path(runs[0]).is_file() else None
    if like and (recipe is None or action is not Action.plan):
        raise RecipeError("--like is of a recipe's plan", where="--like", fix="gristmill mix plan RECIPE --like RUN")
    if recipe is not None:
        file, runs = file or recipe, [like or _run_of(recipe)]
    folders = [on_this_machine(run, finished(run), None) for run in runs]
    try:
        if action is Action.check:
            _check(folders, as_json)
        elif action is Action.write:
            _write(folders, file, set or [], name, as_json)
        else:
            scales = None if recipe is None else _scales(recipe, folders[0], like)
            _plan(folders, file, set or [], as_json, scales)
    except MixError as error:
        raise RecipeError(error.what, where=error.where, fix=error.fix) from error


def _run_of(recipe: Path) -> str:
    """The run directory of a recipe. Raises RecipeError where nothing has been run: a sample is enough for a plan."""
    run = Path("runs") / load(recipe, models=False).recipe.name
    if not run.exists():
        raise RecipeError(
            "the recipe has no run, so nobody knows how many tokens there are",
            where=str(run),
            fix=f"try it on a sample first: gristmill run {recipe} --sample 1%; or --like RUN, a run of text like it",
        )
    return str(run)


def _scales(recipe: Path, run: Path, like: str) -> dict[str, float]:
    """Source -> how many documents of the recipe's whole corpus each of the run's stands for. Of another run (`like`):
    by the bytes of each source's input. Raises RecipeError for a source that the other run does not have."""
    from gristmill.pipelines.run.inputs.units import plan_units

    manifest = json.loads((run / MANIFEST).read_bytes())
    of_run: Counter[str] = Counter()
    for unit in manifest["inputs"]:
        of_run[unit["source"]] += unit["bytes"]
    whole = 1 / float(manifest.get("sample") or 1.0)
    if not like:
        return dict.fromkeys(of_run, whole)
    loaded = load(recipe)
    wanted: Counter[str] = Counter()
    for unit in plan_units(loaded, loaded.recipe.plan.unit_bytes):
        wanted[unit.source] += unit.bytes
    if unknown := [source for source in wanted if not of_run[source]]:
        raise RecipeError(
            f"{like} has no source '{unknown[0]}', so nobody knows how many tokens its bytes are",
            where=f"{recipe}, sources.{unknown[0]}",
            fix=f"--like a run with that source (this one has {', '.join(sorted(of_run))}), or a sample of this recipe",
        )
    return {source: whole * wanted[source] / of_run[source] for source in of_run}


def _raw(folders: list[Path], file: Path | None) -> dict[str, Any]:
    """The mixture as it is written in the file, or in the recipe of the first run."""
    from gristmill.tokenizer.mixing.recipe import read_mix

    if file is None and not (folders[0] / RECIPE).exists():
        return {}
    return read_mix(folders[0] / RECIPE if file is None else file)


def _plan(
    folders: list[Path], file: Path | None, settings: list[str], as_json: bool, scales: dict[str, float] | None
) -> None:
    from gristmill.tokenizer.mixing.outlook import Material, Outlook
    from gristmill.tokenizer.mixing.pool import open_runs
    from gristmill.tokenizer.mixing.recipe import parse, with_settings

    raw = _raw(folders, file)
    variants = [[], *([one.split() for one in settings])] if len(settings) != 1 else [settings[0].split()]
    mixes = [parse(with_settings(raw, changes)) for changes in variants]
    material = Material.of(open_runs(folders))
    if scales is not None:
        material = material.scaled(scales)
    outlooks = [Outlook.of(material, one) for one in mixes]
    titles = [" ".join(changes) or "as it is" for changes in variants]
    if as_json:
        print_json(
            {
                "variants": [
                    {"set": changes, "scales": scales or {}, "warnings": one.warnings(material), **one.facts()}
                    for changes, one in zip(variants, outlooks, strict=True)
                ]
            }
        )
        return
    for source, scale in (scales or {}).items():
        if scale != 1:
            note(f"{source}: {scale:.3g} times what {folders[0]} has; more text holds more duplicates")
    for run in material.runs if scales is None else ():
        if run.sample < 1:
            note(f"{run.name} has read {run.sample:.2%} of its input: all of it is {1 / run.sample:.3g} times as much")
    for title, outlook in zip(titles, outlooks, strict=True):
        out.print(_table(title, outlook.facts()))
        for text in outlook.warnings(material):
            warn(text)
    if len(outlooks) > 1:
        out.print(_beside(titles, [one.facts() for one in outlooks]))


def _table(title: str, facts: dict[str, Any]) -> Table:
    """A line a group; columns that say nothing of any group are left out, so that the others fit a terminal."""
    total = {"group": "all", "share": 1.0, "most_epochs": None, **facts["total"]}
    rows = [_cells(group) for group in [*facts["groups"], total]]
    table = _plain(title)
    for head in rows[0]:
        if any(row.get(head) for row in rows):
            table.add_column(head, justify="left" if head == "group" else "right", no_wrap=head != "group")
    for row in rows:
        table.add_row(*(row.get(str(column.header), "") for column in table.columns))
    return table


def _cells(group: dict[str, Any]) -> dict[str, str]:
    """Of a group, by column."""
    from gristmill.tokenizer.mixing.outlook import count

    most, stages = group["most_epochs"], group.get("stages", {})
    amounts = {"repeats": group["repeated"], "cut": group["cut"], "missing": group["missing"]}
    return {
        "group": group["group"],
        "documents": f"{group['documents']:,}",
        "tokens": count(group["tokens"]),
        "read": count(group["read"]),
        "share": f"{group['share']:.1%}",
        "epochs": f"{group['epochs']:.2f}",
        "at most": "" if most is None or round(most - group["epochs"], 2) == 0 else f"{most:.2f}",
        **{head: count(amount) if amount else "" for head, amount in amounts.items()},
        "worth": count(group["effective"]),
        **({stage: f"{share:.1%}" for stage, share in stages.items()} if len(stages) > 1 else {}),
    }


def _plain(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), header_style="dim")


def _beside(titles: list[str], facts: list[dict[str, Any]]) -> Table:
    """Shares and epochs of all variants, a column each."""
    from gristmill.tokenizer.mixing.outlook import count

    table = _plain("side by side")
    table.add_column("group")
    for title in titles:
        table.add_column(title, justify="right")
    names = list(dict.fromkeys(group["group"] for one in facts for group in one["groups"]))
    for name in names:
        found = [next((g for g in one["groups"] if g["group"] == name), None) for one in facts]
        table.add_row(name, *("" if g is None else f"{g['share']:.2%} x {g['epochs']:.2f}" for g in found))
    for label in ("read", "missing", "effective"):
        table.add_row(label, *(count(one["total"][label]) for one in facts))
    return table


def _write(folders: list[Path], file: Path | None, settings: list[str], name: str, as_json: bool) -> None:
    from gristmill.tokenizer.mixing.outlook import Material
    from gristmill.tokenizer.mixing.pool import open_runs
    from gristmill.tokenizer.mixing.recipe import parse, with_settings
    from gristmill.tokenizer.mixing.written import write_mix

    if not name or Path(name).name != name:
        raise RecipeError(f"'{name}' is no name of a folder", where="--name", fix="letters, digits, '-' and '_'")
    changes = [change for one in settings for change in one.split()]
    asked = parse(with_settings(_raw(folders, file), changes))
    folder = folders[0] / "mix" / name
    card = write_mix(folder, Material.of(open_runs(folders)), asked)
    if as_json:
        print_json({"folder": str(folder), **{key: value for key, value in card.items() if key != "cells"}})
    else:
        out.print(_table(name, card))
        note(f"{card['rows']:,} rows of {card['sequence_length']:,} tokens in {folder}")
        note(f"train on it: gristmill train {' '.join(map(str, folders))} --mix {name}")
    for text in card["warnings"]:
        warn(text)


def _check(folders: list[Path], as_json: bool) -> None:
    from gristmill.tokenizer.mixing.leaks import overlaps
    from gristmill.tokenizer.mixing.pool import open_runs

    found = overlaps(open_runs(folders))
    if as_json:
        print_json({"overlaps": found})
    else:
        table = Table()
        for head in ("documents of", "that stand in", "by id or cluster", "by equal tokens only", "nearly the same"):
            names = head in ("documents of", "that stand in")
            table.add_column(head, no_wrap=names, overflow="fold", justify="left" if names else "right")
        for one in found:
            table.add_row(one["of"], one["in"], *(f"{one[how]:,}" for how in ("id", "content", "near")))
        out.print(table if found else "no document stands in two splits")
    if any(one["leak"] for one in found):
        raise typer.Exit(Exit.GATE)
