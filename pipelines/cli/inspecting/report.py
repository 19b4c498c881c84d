"""gristmill report RUN: render the report again."""

from pathlib import Path
from typing import Annotated

import typer

from gristmill.pipelines.cli.terminal.output import out
from gristmill.pipelines.report.build import write_report
from gristmill.pipelines.storage.layout import PAGE
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import check_files


def report(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    save: Annotated[Path | None, typer.Option(help="Write the page, which is one file, to this file as well.")] = None,
) -> None:
    """Render the report of a run again, with the training that has been done since, and print where it is.

    gristmill report runs/my-corpus
    """
    store = open_run(run)
    check_files(store)
    page = write_report(store if store.local is None else Path(run))
    if save is not None:
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_bytes(store.read_bytes(PAGE))
    out.print(str(save or page), soft_wrap=True)
