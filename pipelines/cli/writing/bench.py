"""gristmill bench signals RECIPE: what each signal, preset, edit and model costs."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import human_bytes, out, print_json
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.recipe.sizes import parse_bytes, parse_share
from gristmill.pipelines.storage.models import fetch


class What(StrEnum):
    """What is measured."""

    signals = "signals"


def bench(
    what: Annotated[What, typer.Argument(help="`signals`.", show_choices=False)],
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    size: Annotated[str, typer.Option(help="How much text is measured with, such as 8MB.")] = "8MB",
    sample: Annotated[str, typer.Option(help="A share of the records, by hash, such as 1%.")] = "1",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure what each signal, preset, edit, classifier and list of a recipe costs, on its own documents: MB a second
    of CPU, microseconds a document, and the share of deciding. Nothing is written.

        gristmill bench signals recipe.yaml

        gristmill bench signals recipe.yaml --sample 1% --json
    """
    wanted, share = _number(parse_bytes, size), _number(parse_share, sample)
    if wanted < 1 or not 0 < share <= 1:
        fix = "write them so: --size 8MB --sample 1%"
        problem = f"'{size}' is no size of texts" if wanted < 1 else f"'{sample}' is no share of the records"
        raise RecipeError(problem, where="--size" if wanted < 1 else "--sample", fix=fix)
    loaded = load(recipe, fetch)
    check(loaded)
    from gristmill.pipelines.run.trials.costs import measure  # kernels: a second of imports, when the recipe is right

    found = measure(loaded, int(wanted), share)
    if json:
        print_json(found.to_json())
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("", overflow="fold")
    for head in ("documents", "MB/s", "µs a document", "of decide"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in found.costs:
        share_of = "" if one.share is None or one.kind == "step" else f"{one.share:.1%}"
        table.add_row(one.kind, one.name, f"{one.documents:,}", f"{one.speed:,.1f}", f"{one.each:,.1f}", share_of)
    out.print(table)
    measured = f"measured on {found.documents:,} documents, {human_bytes(found.bytes)} of text, in one process"
    out.print(f"{measured}; by itself each, and what presets and signals share is counted in all of them")


def _number(parse: Callable[[str], Any], text: str) -> float:
    try:
        return float(parse(text))
    except ValueError:
        return 0.0
