"""gristmill status RUN: how far a run is, from its receipts; from any terminal, while it runs or later."""

from typing import Annotated

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import human_bytes, out, time_left
from gristmill.pipelines.run.progress import Progress
from gristmill.pipelines.storage.layout import STATE
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import faults_of


def status(run: Annotated[str, typer.Argument(help="The run directory, or its address.")]) -> None:
    """Show the state of a run: stages, units done, documents, bytes.

    gristmill status runs/my-corpus
    """
    progress = Progress(open_run(run))
    stages = progress.poll()
    state = progress.state
    if "recipe" not in state:
        out.print(f"{progress.store.name}: {state.get('status', f'{STATE} is gone')}")
        return
    out.print(f"{state['recipe']}: {state['status']}, runner {state['runner']}, started {state['started']}")
    if state.get("finished"):
        out.print(f"ended {state['finished']}")
    if changed := faults_of(progress.store):
        said = f"files changed since the run wrote them: {len(changed):,}; `gristmill verify` lists them"
        out.print(said, soft_wrap=True)
    table = Table("stage", "units", "of", "documents", "bytes", "", box=None, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    for stage in stages:
        done = min(stage.done, stage.total)
        running = state["status"] == "running" and stage.left is not None
        left = time_left(stage.left or 0) if running else ""
        table.add_row(
            stage.stage, f"{done:,}", f"{stage.total:,}", f"{stage.documents:,}", human_bytes(stage.bytes), left
        )
    out.print(table)
