"""gristmill gates RUN: whether a finished run passes its recipe's gates, or others."""

import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gristmill.filters.names import near
from gristmill.pipelines.cli.terminal.output import note, out
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.gates import UNKNOWN_LANGUAGES
from gristmill.pipelines.recipe.languages.codes import wrong_language
from gristmill.pipelines.report.alarms.gates import GateResult, figures_in, gate_error, gates_of
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import check_files


def gates(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    gate: Annotated[
        list[str] | None,
        typer.Option(help="A gate to ask in place of the recipe's, such as 'dead_share <= 1%'; may be repeated."),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Print what a gate can bound in this run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the figures of a finished run with the gates of its recipe, or with others; end with 5 where one fails.

    gristmill gates runs/my-corpus --gate 'languages.zh.kept_documents >= 1000'
    """
    store = open_run(run)
    check_files(store, "recipe.yaml")
    if figures:
        _show_figures(figures_in(store), as_json)
        return
    results = gates_of(store, gate or None)
    if gate:
        _check_names(store, results)
    if as_json:
        rows = [{"gate": of.gate, "figure": of.figure, "value": of.value, "holds": of.holds} for of in results]
        out.print(Text(json.dumps({"run": run, "gates": rows}, ensure_ascii=False, indent=1)), soft_wrap=True)
    elif results:
        out.print(_table(results))
    else:
        note("the recipe has no gates; `--gate` asks one, `--figures` lists what it can bound")
    if error := gate_error(store, results):
        raise error


def _check_names(store: Store, results: list[GateResult]) -> None:
    """Raises RecipeError for a figure that this run does not have and that is spelt almost like one that it has."""
    figures = figures_in(store)
    for of in results:
        if of.figure in figures:
            continue
        kind, _, rest = of.figure.partition(".")
        code, close = rest.rpartition(".")[0], near(of.figure, figures)
        fix = f"did you mean '{close}'? `gristmill gates RUN --figures` lists what the run has" if close else None
        if kind == "languages" and of.value is not None:  # one without a document is none that is misspelt
            fix = None if code in UNKNOWN_LANGUAGES else wrong_language(code)
        if fix:
            raise RecipeError(f"the run has no figure '{of.figure}'", where=of.gate, fix=fix)


def _table(results: list[GateResult]) -> Table:
    table = Table("gate", "figure", "", box=None, header_style="dim")
    table.columns[1].justify = "right"
    for of in results:
        value = "none" if of.value is None else f"{of.value:,.4g}" if of.value % 1 else f"{int(of.value):,}"
        table.add_row(Text(of.gate), value, Text("holds") if of.holds else Text("FAILS", style="bold red"))
    return table


def _show_figures(figures: dict[str, float], as_json: bool) -> None:
    if as_json:
        out.print(Text(json.dumps(figures, ensure_ascii=False, indent=1)), soft_wrap=True)
        return
    for name, value in figures.items():
        out.print(Text(f"{name} {value:,.6g}" if value % 1 else f"{name} {int(value)}"), soft_wrap=True)
