"""gristmill validate RECIPE: every problem at once, then what a run would cost."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import human_bytes, note, out, warn
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.doubts import doubts
from gristmill.pipelines.recipe.load import LoadedRecipe, load
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.report.alarms.reference import read_reference, reference_place
from gristmill.pipelines.run.first_records import check_first_records
from gristmill.pipelines.run.job import plan_units
from gristmill.pipelines.storage.models import fetch

DISK_FACTORS = {"warc": 1.6, "wet": 3.0, "html": 0.8, "parquet": 2.2}
"""Disk of a run as a multiple of its input's size, by format: measured on the development corpus (docs/running.md)."""
DEFAULT_FACTOR = 2.2


def validate(recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")]) -> None:
    """Check a recipe and read the first record of every source; print units, bytes and the disk that a run will need.

    gristmill validate recipe.yaml
    """
    loaded = load(recipe, fetch)
    check(loaded)
    notes = doubts(loaded)
    units = plan_units(loaded, loaded.recipe.plan.unit_bytes, notes)
    check_first_records(loaded, units)
    if loaded.recipe.alarms.reference is not None:
        read_reference(reference_place(loaded.recipe.alarms.reference, loaded.folder))
    out.print(_table(loaded, units))
    disk = sum(unit.bytes * _factor(loaded, unit) for unit in units)
    out.print(f"expected disk of the run directory: about {human_bytes(disk)}")
    for text in notes:
        warn(text)
    note(f"{recipe} is valid")


def _factor(loaded: LoadedRecipe, unit: Unit) -> float:
    return DISK_FACTORS.get(loaded.recipe.sources[unit.source].format, DEFAULT_FACTOR)


def _table(loaded: LoadedRecipe, units: list[Unit]) -> Table:
    table = Table("source", "format", "files", "units", "bytes", box=None, header_style="dim")
    for column in table.columns[2:]:
        column.justify = "right"
    for name, source in loaded.recipe.sources.items():
        mine = [unit for unit in units if unit.source == name]
        paths = {split.path for unit in mine for split in unit.splits}
        size = human_bytes(sum(unit.bytes for unit in mine))
        table.add_row(name, source.format, f"{len(paths):,}", f"{len(mine):,}", size)
    return table
