"""gristmill rules: every preset, rule and signal, as the reports phrase them."""

import difflib
from typing import Annotated

import typer
from rich.padding import Padding

from filters.presets import PRESETS
from filters.signals import SIGNALS
from pipelines.cli.output import out
from pipelines.errors import RecipeError


def rules(
    preset: Annotated[str | None, typer.Argument(help="One preset, such as gopher@paper; absent: all.")] = None,
    signals: Annotated[bool, typer.Option("--signals", help="List signals instead.")] = False,
) -> None:
    """List presets with their rules and thresholds, or the signals that rules can use.

    gristmill rules gopher@paper
    """
    if signals:
        for name, signal in SIGNALS.items():
            out.print(f"[bold]{name}[/bold] ({signal.unit})")
            out.print(Padding(signal.summary, (0, 0, 0, 2)))
        return
    if preset is not None and preset not in PRESETS:
        near = difflib.get_close_matches(preset, PRESETS, 1, 0.4)
        fix = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(PRESETS)}"
        raise RecipeError(f"unknown preset '{preset}'", where="gristmill rules", fix=fix)
    for name, found in PRESETS.items():
        if preset in (None, name):
            out.print(f"[bold]{name}[/bold]  {found.source}")
            for full, rule in zip(found.rule_names(), found.rules, strict=True):
                out.print(f"  {full}")
                out.print(Padding(rule.sentence(), (0, 0, 0, 4)))
