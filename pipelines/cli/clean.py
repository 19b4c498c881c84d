"""gristmill clean RUN: remove the folders that hold raw text."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import note
from pipelines.rundir import clean as remove_raw_text
from pipelines.rundir import locked, open_run


def clean(run: Annotated[Path, typer.Argument(help="The run directory.")]) -> None:
    """Remove raw text: curated/, dropped/, dead/, _work/. Text, tokens, ledger and report stay.

    A later `gristmill run` starts from the inputs again.

        gristmill clean runs/my-corpus
    """
    store = open_run(run)
    with locked(run):
        removed = remove_raw_text(store)
    note(f"removed {', '.join(removed) or 'nothing'} from {run}")
