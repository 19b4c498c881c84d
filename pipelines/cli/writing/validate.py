"""gristmill validate RECIPE: every problem at once, then what a run would cost."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gristmill.filters.dedup.banding import found
from gristmill.pipelines.cli.terminal.forecast import outlook
from gristmill.pipelines.cli.terminal.output import human_bytes, note, out, warn
from gristmill.pipelines.duplicates.sizes import BAND_BYTES, KEY_BITS
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.deduplication import MinHash
from gristmill.pipelines.recipe.doubts import doubts
from gristmill.pipelines.recipe.files.keys import take_key
from gristmill.pipelines.recipe.load import LoadedRecipe, load
from gristmill.pipelines.recipe.sizes import parse_bytes
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.report.alarms.reference import read_reference, reference_place
from gristmill.pipelines.run.capacity.forecast import forecast
from gristmill.pipelines.run.inputs.first_records import check_first_records
from gristmill.pipelines.run.inputs.units import plan_units
from gristmill.pipelines.run.trials.trying import try_part
from gristmill.pipelines.storage.models import fetch

MEASURED = "8MB"


def validate(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    workers: Annotated[
        int, typer.Option(min=0, help="Say how long a run would take on so many workers; 0: one per core.")
    ] = 0,
    measure: Annotated[
        str, typer.Option(help="Do so much of the input, and say what a run will take from that; 0: nothing.")
    ] = MEASURED,
) -> None:
    """Check a recipe and read the first record of every source; do a part, and say what a run will take: core time,
    clock time, disk.

    gristmill validate recipe.yaml --workers 64
    """
    try:
        size = int(parse_bytes(measure))
    except ValueError as error:
        raise RecipeError(str(error), where="--measure", fix="for example --measure 16MB; 0: nothing") from None
    loaded = load(recipe, fetch)
    check(loaded)
    take_key(loaded)
    notes = doubts(loaded)
    units = plan_units(loaded, loaded.recipe.plan.unit_bytes, notes)
    check_first_records(loaded, units)
    if loaded.recipe.alarms.reference is not None:
        read_reference(reference_place(loaded.recipe.alarms.reference, loaded.folder))
    out.print(_table(loaded, units))
    for text in notes:
        warn(text)
    note(f"{recipe} is valid")
    minhash = loaded.recipe.deduplicate.minhash if loaded.recipe.deduplicate else None
    if minhash is not None and minhash.recall is not None:
        note(f"{loaded.where('deduplicate', 'minhash', 'recall')}: {_cost_of_recall(minhash)}")
    if size and units:
        _forecast(recipe, [(unit.source, unit.bytes) for unit in units], size, workers)


def _cost_of_recall(minhash: MinHash) -> str:
    """What finding more near-duplicates takes, beside the default."""
    bands, rows, usual = minhash.bands, minhash.rows, MinHash()
    at = [minhash.threshold - 0.1, minhash.threshold, min(1.0, minhash.threshold + 0.1)]
    curve = ", ".join(f"{found(one, bands, rows):.1%} at {one:.2f}" for one in at if one > 0)
    values = bands * rows
    times = values / (usual.bands * usual.rows)
    return (
        f"{bands} bands of {rows} find {curve}; {values} hashes for each shingle, {times:.1f} times those of "
        f"{usual.bands} x {usual.rows}; a document alone takes {KEY_BITS * (bands + 1) // 8:,} bytes in the shuffle "
        f"({KEY_BITS * (usual.bands + 1) // 8:,}), one that is repeated up to {BAND_BYTES * (bands + 1):,} more "
        f"({BAND_BYTES * (usual.bands + 1):,})"
    )


def _forecast(recipe: Path, units: list[tuple[str, int]], size: int, workers: int) -> None:
    """Say what a run of these units will take. What cannot be measured is no fault of the recipe: a note says why."""
    note(f"does {human_bytes(size)} of the input, to see what a run will take (`--measure 0`: not) ...")
    measured, ended = try_part(recipe, size)
    if measured is None:
        note(f"what a run will take could not be measured: {ended}")
        return
    if ended:
        note(f"measured up to the stage `{measured.stages[-1]}` only: {ended}")
    taken = sum(cost.input_bytes for cost in measured.sources.values())
    out.print(outlook(forecast(measured, units), workers or len(os.sched_getaffinity(0)), remote=False))
    note(f"measured on {human_bytes(taken)} of the input, on one core of this machine")


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
