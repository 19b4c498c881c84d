"""gristmill rules: every preset, rule and signal, as the reports phrase them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from gristmill.filters.names import nearest
from gristmill.filters.presets import PRESETS
from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.cli.terminal.output import out
from gristmill.pipelines.errors import RecipeError


def rules(
    preset: Annotated[str | None, typer.Argument(help="One preset, such as gopher@paper; absent: all.")] = None,
    signals: Annotated[bool, typer.Option("--signals", help="List signals instead.")] = False,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="With what the plugins of this recipe declare.")
    ] = None,
) -> None:
    """List presets with their rules and thresholds, or the signals that rules can use.

    gristmill rules gopher@paper
    """
    if recipe is not None:
        from gristmill.pipelines.recipe.load import load  # a tenth of a second, and only here

        load(recipe)
    if signals:
        for name, signal in SIGNALS.items():
            out.print(Text.assemble((name, "bold"), f" ({signal.unit})"))
            out.print(Padding(signal.summary, (0, 0, 0, 2)))
        return
    if preset is not None and preset not in PRESETS:
        fix = nearest(preset, PRESETS) + ("" if recipe else "; of a plugin: --recipe RECIPE that names it")
        raise RecipeError(f"unknown preset '{preset}'", where="gristmill rules", fix=fix)
    for name, found in PRESETS.items() if preset is None else [(preset, PRESETS[preset])]:
        out.print(Text.assemble((name, "bold"), f"  {found.source}"))
        for full, rule in zip(found.rule_names(), found.rules, strict=True):
            out.print(f"  {full}")
            out.print(Padding(rule.sentence(), (0, 0, 0, 4)))
        for measured in found.measures:
            out.print(f"  measured: {measured}")
            out.print(Padding(SIGNALS[measured].summary, (0, 0, 0, 4)))
