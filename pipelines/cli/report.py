"""gristmill report RUN: render the report again."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import out
from pipelines.report.build import write_report
from pipelines.rundir import open_run


def report(run: Annotated[Path, typer.Argument(help="The run directory.")]) -> None:
    """Render the report of a run again, with the training that has been done since, and print where it is.

    gristmill report runs/my-corpus
    """
    open_run(run)
    out.print(str(write_report(run)), soft_wrap=True)
