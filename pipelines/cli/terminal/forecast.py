"""What a whole run will take, as a terminal shows it."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gristmill.pipelines.report.theme import duration, size
from gristmill.pipelines.run.capacity.forecast import Forecast, Range

SHOWN = 6
"""Datasets listed, the largest; the others together."""


def outlook(found: Forecast, workers: int, remote: bool) -> RenderableType:
    """Core time and clock time by stage, bytes by dataset; requests where the run lies on an object store."""
    on = f"{workers:,} worker" + ("s" if workers != 1 else "")
    stages = Table("  stage", "core time", f"on {on}", box=None, header_style="dim", padding=(0, 2, 0, 0))
    datasets = Table("  dataset", "bytes", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for table in (stages, datasets):
        for column in table.columns[1:]:
            column.justify = "right"
    for stage in found.stages:
        stages.add_row(f"  {stage.stage}", _time(stage.core_seconds), _time(stage.wall(workers)))
    named = sorted(found.datasets.items(), key=lambda one: -one[1].likely)
    for name, amount in named[:SHOWN]:
        datasets.add_row(f"  {name}", _bytes(amount))
    if rest := [amount for _, amount in named[SHOWN:]]:
        datasets.add_row(f"  {len(rest)} more", _bytes(sum(rest[1:], rest[0])))
    lines = [
        f"  core time {_time(found.core_seconds)}; on {on} {_time(found.wall(workers))}",
        f"  disk {_bytes(found.disk)}",
        f"  disk while it runs {_bytes(found.peak_disk)}",
    ]
    if remote:
        lines.append(f"  about {found.requests:,} requests to the object store")
    head = f"the whole input ({size(found.input_bytes)}, {found.units:,} units) will take, likely (from - to):"
    return Group(Text(head), *map(Text, lines), Text(""), stages, Text(""), datasets)


def _time(amount: Range) -> str:
    return f"{_long(amount.likely)} ({_long(amount.low)} - {_long(amount.high)})"


def _long(seconds: float) -> str:
    """A core-time may be years: days from 100 hours on."""
    return duration(seconds) if seconds < 360_000 else f"{seconds / 86_400:,.0f} days"


def _bytes(amount: Range) -> str:
    return f"{size(amount.likely)} ({size(amount.low)} - {size(amount.high)})"
